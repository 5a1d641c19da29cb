//! Live and test, side by side.

use crate::harness::{Client, KeptServer, Server, audit, register, run};
use serde_json::json;

struct World {
    data: std::path::PathBuf,
    server: KeptServer,
    account: Client,
    live: Client,
    test: Client,
    _directory: tempfile::TempDir,
}

fn start() -> World {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let server = KeptServer::start(&data, &["--mode", "live"]);
    let (_, account) = register(&server.anyone, "agent", "agent@example.com");
    let key = |mode: &str| {
        let key = account.post("/api-keys", &json!({ "mode": mode })).ok(201)["key"].as_str().unwrap().to_owned();
        assert!(key.starts_with(&format!("sk_{mode}_")));
        server.anyone.with_token(&key)
    };
    let (live, test) = (key("live"), key("test"));
    let args = ["--data", data.to_str().unwrap(), "--mode", "live", "admin", "deposit", "agent@example.com", "500", "--reference", "r"];
    assert!(run(&args, "").status.success());
    World { data, server, account, live, test, _directory: directory }
}

#[test]
fn each_mode_has_its_own_money_and_tasks() {
    let world = start();
    let (live, test) = (&world.live, &world.test);
    assert_eq!(
        (live.get("/wallet").ok(200)["balance"].clone(), test.get("/wallet").ok(200)["balance"].clone()),
        (json!(500), json!(10_000))
    );
    let task = live.post("/tasks", &Server::example()).ok(201);
    assert_eq!(task["livemode"], true);
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    live.get(&path).ok(200);
    test.get(&path).error(404, "TASK_NOT_FOUND");
    test.post(&format!("{path}/cancel"), &json!({})).error(404, "TASK_NOT_FOUND");
    assert_eq!(test.get("/tasks").json()["pagination"]["total"], 0);
    assert_eq!(test.get("/wallet").ok(200)["frozenBalance"], 0);
    assert!(world.server.terminate());
    audit(&world.data);
}

#[test]
fn keys_idempotency_and_webhooks_are_of_one_mode() {
    let world = start();
    let (live, test) = (&world.live, &world.test);
    live.post("/api-keys", &json!({ "mode": "test" })).error(403, "FORBIDDEN");
    assert_eq!(live.get("/api-keys").json()["pagination"]["total"], 1);
    live.post_keyed("/tasks", "k", &Server::example()).ok(201);
    assert_eq!(test.post_keyed("/tasks", "k", &Server::example()).header("Idempotency-Replayed"), None);
    live.post("/webhooks", &json!({ "url": "http://example.com/" })).error(400, "VALIDATION_ERROR");
    live.post("/webhooks", &json!({ "url": "https://example.com/" })).ok(201);
    assert_eq!(test.get("/webhooks").json()["pagination"]["total"], 0);
}

#[test]
fn an_id_token_acts_in_the_servers_mode_unless_a_header_says_test() {
    let world = start();
    let account = &world.account;
    assert_eq!(account.get("/wallet").ok(200)["livemode"], true);
    let wallet = |mode: &str| account.send("GET", "/wallet", &[("X-Humans2AI-Mode", mode)], "");
    assert_eq!(wallet("test").ok(200)["livemode"], false);
    wallet("dream").error(400, "VALIDATION_ERROR");
}
