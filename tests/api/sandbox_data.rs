//! /test/reset, /test/snapshots and /test/wallet/fund: all test data at once, and never a live row.

use crate::harness::{KeptServer, Server, audit, id, open_database, register, run};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// What the API says of everything that a test made: each answer's text, but for the feed's cursor, which never goes back.
fn shown(server: &Server, task: &str) -> Vec<String> {
    let paths =
        ["/tasks", "/tasks?q=coffee", "/tasks?mine=true", "/wallet", "/wallet/transactions", "/notifications", "/webhooks", "/events"];
    let own = ["", "/messages", "/submissions", "/applications", "/events"].map(|part| format!("/tasks/{task}{part}"));
    let paths = paths.map(str::to_owned).into_iter().chain(own);
    let texts = paths.flat_map(|path| [server.agent.get(&path).text, server.human.get(&path).text]);
    texts.map(|text| text.split("],\"next\":").next().unwrap().to_owned()).collect()
}

fn post(server: &Server, path: &str) -> crate::harness::Answer {
    server.agent.post(path, &json!({}))
}

#[test]
fn a_snapshot_puts_everything_back_with_its_clock() {
    let server = Server::start();
    let clock = post(&server, "/test/clock/freeze").ok(200);
    let webhook = json!({ "url": "http://127.0.0.1:9/", "events": ["message.received"] });
    server.human.post("/webhooks", &webhook).ok(201);
    let task = server.submitted_task();
    server.act(&server.agent, &task, "messages").ok(201);
    server.rejected_task();
    post(&server, "/test/drain").ok(200);
    let before = shown(&server, &task);
    let snapshot = server.agent.post("/test/snapshots", &json!({ "name": "base" })).ok(201);
    assert_eq!(snapshot["at"], clock["now"]);

    server.act(&server.agent, &task, "approve").ok(200);
    server.open_task();
    let (_, newcomer) = server.register("agent", "newcomer@example.com");
    let since = server.anyone.with_token(newcomer.post("/api-keys", &json!({})).ok(201)["key"].as_str().unwrap());
    since.post("/tasks", &Server::example()).ok(201);
    server.agent.post("/test/clock/advance", &json!({ "seconds": 100 * 3_600 })).ok(200);
    assert!(shown(&server, &task) != before);

    for _ in 0..2 {
        post(&server, &format!("/test/snapshots/{}/restore", id(&snapshot))).ok(200);
        for (now, then) in shown(&server, &task).iter().zip(&before) {
            assert_eq!(now, then);
        }
        assert_eq!(server.agent.get("/test/clock").ok(200)["now"], clock["now"]);
        let wallet = since.get("/wallet").ok(200);
        assert_eq!((&wallet["balance"], &wallet["frozenBalance"]), (&json!(10_000), &json!(0)), "it begins anew");
    }
    verify(&server);
    server.act(&server.agent, &task, "approve").ok(200);
    since.post("/tasks", &Server::example()).ok(201);
    assert_eq!(since.get("/tasks?q=coffee&status=open").json()["pagination"]["total"], 1);
}

#[test]
fn snapshots_are_listed_and_deleted_and_at_most_twenty() {
    let server = Server::start();
    let snapshots: Vec<_> = (0..20).map(|_| id(&post(&server, "/test/snapshots").ok(201))).collect();
    post(&server, "/test/snapshots").error(400, "LIMIT_EXCEEDED");
    let listed = server.agent.get("/test/snapshots?limit=1");
    assert_eq!((&listed.json()["pagination"]["total"], &listed.ok(200)[0]["id"]), (&json!(20), &json!(snapshots[19])));
    server.agent.delete(&format!("/test/snapshots/{}", snapshots[0])).ok(200);
    post(&server, &format!("/test/snapshots/{}/restore", snapshots[0])).error(404, "SNAPSHOT_NOT_FOUND");
    let rows: i64 = server.open_database().query_row("SELECT count(DISTINCT snapshot_id) FROM snapshot_row", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 19);
}

#[test]
fn a_reset_leaves_accounts_and_keys_and_each_wallet_its_grant() {
    let server = Server::start();
    server.submitted_task();
    let cursor = server.agent.get("/events").ok(200)["next"].as_i64().unwrap();
    server.agent.post("/test/clock/advance", &json!({ "seconds": 365 * 86_400 })).ok(200);
    post(&server, "/test/reset").ok(200);
    for client in [&server.agent, &server.human] {
        assert_eq!(client.get("/tasks").json()["pagination"]["total"], 0);
        assert_eq!(client.get("/wallet/transactions").ok(200).as_array().unwrap().len(), 1);
        assert_eq!(client.get("/wallet").ok(200)["balance"], 10_000);
        assert_eq!(client.get("/notifications").ok(200), json!({ "notifications": [], "unreadCount": 0 }));
    }
    server.agent.get(&format!("/events?after={}", cursor - 1)).error(410, "CURSOR_EXPIRED");
    let task = server.submitted_task();
    let created = server.agent.get(&format!("/tasks/{task}")).ok(200);
    assert!(created["createdAt"].as_str() < created["deadline"].as_str(), "the clock is back at the wall's time");
    assert!(server.agent.get("/events").ok(200)["events"][0]["seq"].as_i64().unwrap() > cursor, "no cursor is given twice");
    verify(&server);
}

#[test]
fn a_delivery_on_its_way_writes_nothing_into_what_was_put_back() {
    let server = Server::start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    server.agent.post("/webhooks", &json!({ "url": url, "events": ["task.created"] })).ok(201);
    let base = id(&post(&server, "/test/snapshots").ok(201));
    server.open_task();
    let (mut on_its_way, _) = listener.accept().unwrap();
    post(&server, &format!("/test/snapshots/{base}/restore")).ok(200);
    let answer = "HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    std::io::Write::write_all(&mut on_its_way, answer.as_bytes()).unwrap();
    drop(on_its_way);
    assert_eq!(post(&server, "/test/drain").ok(200)["deliveryAttempts"], 0);
    let attempts: i64 = server.open_database().query_row("SELECT count(*) FROM attempt", [], |row| row.get(0)).unwrap();
    assert_eq!(attempts, 0);
}

#[test]
fn a_wallet_is_funded_by_whoever_asks() {
    let server = Server::start();
    let funded = server.agent.post("/test/wallet/fund", &json!({ "amount": 2.5 })).ok(201);
    assert_eq!(
        (funded["type"].as_str(), funded["amount"].to_string(), funded["balanceAfter"].to_string()),
        (Some("deposit"), "2.5".into(), "10002.5".into())
    );
    server.agent.post("/test/wallet/fund", &json!({ "amount": 1, "userId": server.human_id })).ok(201);
    assert_eq!(server.human.get("/wallet").ok(200)["balance"], 10_001);
    let nobody = format!("user_{}", "f".repeat(32));
    server.agent.post("/test/wallet/fund", &json!({ "amount": 1, "userId": nobody })).error(404, "USER_NOT_FOUND");
    for amount in [json!(0), json!(-1), json!("1"), json!(1e18)] {
        server.agent.post("/test/wallet/fund", &json!({ "amount": amount })).error(400, "VALIDATION_ERROR");
    }
}

/// Every invariant, by the server's own check.
fn verify(server: &Server) {
    assert_eq!(server.operator.get("/admin/verify").ok(200), json!({ "ok": true, "problems": [] }));
}

/// A live server with a market in both modes.
struct World {
    data: std::path::PathBuf,
    server: KeptServer,
    live: [crate::harness::Client; 2],
    test: crate::harness::Client,
    operator: crate::harness::Client,
    _directory: tempfile::TempDir,
}

fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let server = KeptServer::start(&data, &["--mode", "live", "--set", "rate_limits.enabled=false"]);
    let path = data.to_str().unwrap();
    let (agent_id, agent) = register(&server.anyone, "agent", "agent@example.com");
    let (_, human) = register(&server.anyone, "human", "human@example.com");
    let key = |account: &crate::harness::Client, mode: &str| {
        let key = account.post("/api-keys", &json!({ "mode": mode })).ok(201)["key"].as_str().unwrap().to_owned();
        server.anyone.with_token(&key)
    };
    assert!(run(&["--data", path, "--mode", "live", "admin", "deposit", &agent_id, "500", "--reference", "r"], "").status.success());
    assert!(run(&["--data", path, "admin", "create", "operator@example.com", "--password-stdin"], "correct horse\n").status.success());
    let login = json!({ "email": "operator@example.com", "password": "correct horse" });
    let token = server.anyone.post("/public/auth/login", &login).ok(200)["idToken"].as_str().unwrap().to_owned();
    let live = [key(&agent, "live"), key(&human, "live")];
    let test = key(&agent, "test");
    World { data, live, test, operator: server.anyone.with_token(&token), server, _directory: directory }
}

impl World {
    fn control(&self, method: &str, path: &str) -> crate::harness::Answer {
        let body = if method == "POST" { "{}" } else { "" };
        self.operator.send(method, path, &[("X-Humans2AI-Mode", "test")], body)
    }
}

/// Every live row of every table, as text.
fn live_rows(data: &Path) -> String {
    let database = open_database(data);
    let by_mode = |database: &Connection| -> Vec<String> {
        let sql = "SELECT DISTINCT s.name FROM sqlite_schema s JOIN pragma_table_xinfo(s.name) c WHERE s.type = 'table' AND c.name = 'livemode' ORDER BY 1";
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut dump = String::new();
    let mut conditions: Vec<_> = by_mode(&database).into_iter().map(|table| (table, "livemode = 1".to_owned())).collect();
    let live_task = "task_id IN (SELECT id FROM task WHERE livemode = 1)".to_owned();
    let live_webhook = "webhook_id IN (SELECT id FROM webhook WHERE livemode = 1)".to_owned();
    let live_account = "account IN (SELECT id FROM account WHERE livemode = 1)".to_owned();
    conditions.extend(
        [("submission", &live_task), ("message", &live_task), ("delivery", &live_webhook), ("delivery_count", &live_webhook)]
            .map(|(table, condition)| (table.to_owned(), condition.clone())),
    );
    conditions.extend([
        ("account_total".to_owned(), live_account),
        ("user".to_owned(), "1".to_owned()),
        ("session".to_owned(), "1".to_owned()),
    ]);
    for (table, condition) in conditions {
        let mut statement = database.prepare(&format!("SELECT * FROM {table} WHERE {condition}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            write!(dump, "{table}").unwrap();
            for column in 0..columns {
                write!(dump, " {:?}", row.get_ref(column).unwrap()).unwrap();
            }
            dump.push('\n');
        }
    }
    dump
}

#[test]
fn with_live_keys_there_is_no_sandbox_and_no_live_row_changes() {
    let world = world();
    let task = id(&world.live[0].post("/tasks", &Server::example()).ok(201));
    world.live[1].post(&format!("/tasks/{task}/apply"), &json!({})).ok(201);
    let before = live_rows(&world.data);
    let document: Value = world.server.anyone.get("/openapi.json").json();
    let mut driven = 0;
    for (path, methods) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/test/")) {
        for method in methods.as_object().unwrap().keys() {
            let snapshot = format!("snap_{}", "0".repeat(32));
            let path = path.replace("{snapshotId}", &snapshot).replace("{taskId}", &task);
            for body in ["{}", "{\"seconds\":1}", "{\"to\":\"2099-01-01T00:00:00Z\"}", "{\"amount\":1}", "{\"count\":1}"] {
                let body = if method == "get" || method == "delete" { "" } else { body };
                for client in &world.live {
                    client.send(&method.to_uppercase(), &path, &[], body).error(404, "NOT_FOUND");
                }
                world.operator.send(&method.to_uppercase(), &path, &[], body).error(404, "NOT_FOUND");
                driven += 1;
            }
        }
    }
    assert!(driven >= 50, "{driven}");
    assert_eq!(live_rows(&world.data), before);
    assert!(world.server.terminate());
    audit(&world.data);
}

#[test]
fn on_a_live_server_test_data_is_replaced_beside_live_data() {
    let world = world();
    let task = |client: &crate::harness::Client| id(&client.post("/tasks", &Server::example()).ok(201));
    world.test.post("/test/reset", &json!({})).error(403, "FORBIDDEN");
    world.test.post("/test/wallet/fund", &json!({ "amount": 1 })).ok(201);
    task(&world.live[0]);
    let kept = task(&world.test);
    let base = id(&world.control("POST", "/test/snapshots").ok(201));
    let shown = || ["/tasks", "/tasks?q=coffee", "/wallet", "/wallet/transactions"].map(|path| world.test.get(path).text);
    let before = shown();
    world.control("POST", "/test/reset").ok(200);
    world.test.get(&format!("/tasks/{kept}")).error(404, "TASK_NOT_FOUND");
    // Live rows take the numbers that test rows had.
    let live: Vec<_> = (0..2).map(|_| task(&world.live[0])).collect();
    let live_before = live_rows(&world.data);
    world.control("POST", &format!("/test/snapshots/{base}/restore")).ok(200);
    assert_eq!(live_rows(&world.data), live_before);
    let without_cursor = |texts: [String; 4]| texts.map(|text| text.split("\"nextCursor\"").next().unwrap().to_owned());
    assert_eq!(without_cursor(shown()), without_cursor(before));
    let found = world.live[0].get("/tasks?q=coffee").json();
    assert_eq!((&found["pagination"]["total"], live.len()), (&json!(3), 2));
    assert_eq!(world.operator.get("/admin/verify").ok(200)["problems"], json!([]));
    assert!(world.server.terminate());
    audit(&world.data);
}
