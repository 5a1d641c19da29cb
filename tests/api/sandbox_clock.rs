//! /test/clock: months pass in milliseconds, and everything that they cause happens in order.

use crate::harness::{KeptServer, Server, audit, id, register};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

const HOUR: u64 = 3_600;

fn advance(server: &Server, seconds: u64) -> Value {
    server.agent.post("/test/clock/advance", &json!({ "seconds": seconds })).ok(200)
}

fn freeze(server: &Server) -> String {
    server.agent.post("/test/clock/freeze", &json!({})).ok(200)["now"].as_str().unwrap().to_owned()
}

/// A receiver that answers with these statuses, one after another and the last for ever; its address, and each body that
/// came.
fn receiver(statuses: &'static [u16]) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = statuses.get(number).or(statuses.last()).unwrap();
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
            if sender.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    (url, bodies)
}

/// Seconds between two times of one answer.
fn seconds_between(from: &Value, to: &Value) -> i64 {
    let database = rusqlite::Connection::open_in_memory().unwrap();
    let sql = "SELECT unixepoch(?2) - unixepoch(?1)";
    database.query_row(sql, [from.as_str().unwrap(), to.as_str().unwrap()], |row| row.get(0)).unwrap()
}

#[test]
fn the_whole_life_of_a_task_and_the_expiry_of_another_without_waiting() {
    let server = Server::start();
    let (url, bodies) = receiver(&[500, 500, 500, 204]);
    let start = freeze(&server);
    let webhook = id(&server.agent.post("/webhooks", &json!({ "url": url, "events": ["task.submitted"] })).ok(201));
    let doomed = server.open_task();
    let task = server.submitted_task();

    let moved = advance(&server, 72 * HOUR);
    assert_eq!((&moved["approved"], &moved["expired"], &moved["deliveryAttempts"]), (&json!(1), &json!(0), &json!(4)), "{moved}");
    assert_eq!(server.status_of(&task), "completed");
    assert_eq!(server.human.get("/wallet").ok(200)["totalEarned"].to_string(), "149.985");
    let deliveries = server.agent.get(&format!("/webhooks/{webhook}/deliveries")).ok(200);
    assert_eq!(deliveries[0]["state"], "delivered");
    let attempts: Vec<_> = deliveries[0]["attempts"].as_array().unwrap().iter().map(|attempt| attempt["at"].clone()).collect();
    let gaps: Vec<_> = attempts.windows(2).map(|pair| seconds_between(&pair[0], &pair[1])).collect();
    assert_eq!(gaps, [5, 10, 20]);
    assert_eq!(bodies.try_iter().count(), 4);

    let moved = advance(&server, 27 * 24 * HOUR);
    assert_eq!((&moved["expired"], server.status_of(&doomed)), (&json!(1), "expired".to_owned()));
    let events = server.agent.get(&format!("/tasks/{doomed}/events")).ok(200);
    let task = server.agent.get(&format!("/tasks/{doomed}")).ok(200);
    assert_eq!(events["events"][1]["data"]["expiredAt"], task["deadline"], "at its own moment");
    assert_eq!(seconds_between(&start.into(), &moved["now"]), 30 * 24 * 3_600);
    assert_eq!(server.agent.get("/wallet").ok(200)["frozenBalance"], 0);
}

#[test]
fn a_delivery_that_never_succeeds_fails_at_its_third_retry() {
    let server = Server::start();
    let (url, bodies) = receiver(&[500]);
    freeze(&server);
    let webhook = id(&server.agent.post("/webhooks", &json!({ "url": url, "events": ["task.created"] })).ok(201));
    server.open_task();
    let state = || server.agent.get(&format!("/webhooks/{webhook}/deliveries")).ok(200)[0]["state"].clone();
    assert_eq!(server.agent.post("/test/drain", &json!({})).ok(200)["nextDueAt"], server.agent.get("/test/clock").ok(200)["nextDueAt"]);
    assert_eq!((advance(&server, 34)["deliveryAttempts"].clone(), state()), (json!(2), json!("pending")));
    assert_eq!((advance(&server, 1)["deliveryAttempts"].clone(), state()), (json!(1), json!("failed")));
    assert_eq!(bodies.try_iter().count(), 4);
}

#[test]
fn many_tasks_come_due_each_at_its_moment() {
    let server = Server::start();
    freeze(&server);
    let tasks: Vec<_> = (0..40).map(|_| server.create(&json!({ "budget": 1 }))).collect();
    let database = rusqlite::Connection::open(&server.database).unwrap();
    database.execute("UPDATE task SET deadline = deadline + seq % 7 * 60000", []).unwrap();
    drop(database);
    let moved = advance(&server, 31 * 24 * HOUR);
    assert_eq!(moved["expired"], 40);
    assert!(tasks.iter().all(|task| server.status_of(task) == "expired"));
    let sql = "SELECT count(*) FROM task WHERE updated_at <> deadline";
    let late: i64 = server.open_database().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(late, 0);
    let sql = "SELECT count(*) FROM (SELECT created_at, lag(created_at, 1, 0) OVER (ORDER BY seq) AS before FROM event) WHERE created_at < before";
    let disordered: i64 = server.open_database().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(disordered, 0);
}

#[test]
fn what_is_sent_on_the_way_has_arrived_before_the_answer() {
    let server = Server::start();
    let (url, bodies) = receiver(&[204]);
    freeze(&server);
    server.agent.post("/webhooks", &json!({ "url": url, "events": ["task.completed"] })).ok(201);
    server.submitted_task();
    let moved = advance(&server, 100 * HOUR);
    assert_eq!((&moved["approved"], &moved["deliveryAttempts"]), (&json!(1), &json!(1)));
    assert_eq!(bodies.try_iter().count(), 1);
}

#[test]
fn a_server_that_stops_does_not_wait_for_those_who_move_time() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let server = KeptServer::start(&data, &[]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let (release, released) = channel::<()>();
    let released = std::sync::Mutex::new(released);
    let silent = crate::harness::Receiver::answering(move |_, _| {
        let _ = released.lock().unwrap().recv();
        rouille::Response::text("at last")
    });
    agent.post("/webhooks", &json!({ "url": silent.url, "events": ["task.expired"] })).ok(201);
    agent.post("/tasks", &Server::example()).ok(201);
    std::thread::scope(|scope| {
        let traveller = scope.spawn(|| agent.post("/test/clock/advance", &json!({ "seconds": 31 * 24 * HOUR })));
        silent.wait_for(1);
        // The receiver answers only when the server has ended.
        assert!(server.terminate());
        let message = traveller.join().unwrap().error(503, "SERVICE_UNAVAILABLE");
        assert!(message.contains("stopping"), "{message}");
    });
    drop(release);
    audit(&data);
}

#[test]
fn time_only_goes_forward_and_not_too_far() {
    let server = Server::start();
    let now = freeze(&server);
    let refused = |body: Value| server.agent.post("/test/clock/advance", &body).error(400, "VALIDATION_ERROR");
    assert!(refused(json!({})).starts_with("seconds or to"));
    assert!(refused(json!({ "seconds": 1, "to": now })).starts_with("seconds or to"));
    assert!(refused(json!({ "seconds": 0 })).starts_with("seconds"));
    assert!(refused(json!({ "seconds": 315_360_001_u64 })).starts_with("seconds"));
    assert!(refused(json!({ "to": "2020-01-01T00:00:00Z" })).starts_with("to must not be before"));
    assert!(refused(json!({ "to": "2100-01-01T00:00:00Z" })).starts_with("to must be at most ten years"));
    assert_eq!(server.agent.post("/test/clock/advance", &json!({ "to": now })).ok(200)["now"], json!(now));
}

#[test]
fn a_frozen_clock_stands_and_a_running_one_goes_on_from_there() {
    let server = Server::start();
    let now = freeze(&server);
    assert_eq!(server.agent.get("/test/clock").ok(200), json!({ "now": now, "frozen": true }));
    let task = server.agent.post("/tasks", &Server::example()).ok(201);
    assert_eq!(task["createdAt"], json!(now));
    advance(&server, 10);
    let run = server.agent.post("/test/clock/run", &json!({})).ok(200);
    assert_eq!((&run["frozen"], seconds_between(&json!(now), &run["now"]) >= 10), (&json!(false), true));
}

#[test]
fn windows_of_idempotency_keys_and_rate_limits_follow_the_test_clock() {
    let directory = tempfile::tempdir().unwrap();
    let server = KeptServer::start(&directory.path().join("market.db"), &["--set", "rate_limits.wallet=2"]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    agent.post("/test/clock/freeze", &json!({})).ok(200);
    let create = || agent.post_keyed("/tasks", "k", &Server::example());
    let first = create().ok(201);
    assert_eq!(create().header("Idempotency-Replayed"), Some("true"));
    for _ in 0..2 {
        agent.get("/wallet").ok(200);
    }
    agent.get("/wallet").error(429, "RATE_LIMITED");
    agent.post("/test/clock/advance", &json!({ "seconds": 24 * HOUR })).ok(200);
    agent.get("/wallet").ok(200);
    let second = create();
    assert_eq!(second.header("Idempotency-Replayed"), None);
    assert_ne!(second.ok(201)["id"], first["id"]);
}

#[test]
fn an_advance_with_an_idempotency_key_happens_once() {
    let server = Server::start();
    freeze(&server);
    let advance = || server.agent.post_keyed("/test/clock/advance", "once", &json!({ "seconds": 60 }));
    let first = advance();
    let again = advance();
    assert_eq!((first.text, again.header("Idempotency-Replayed")), (again.text.clone(), Some("true")));
}

#[test]
fn the_test_clock_survives_a_restart_and_leaves_live_time_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let first = KeptServer::start(&data, &["--mode", "live"]);
    let (_, account) = register(&first.anyone, "agent", "agent@example.com");
    let key = |mode: &str| account.post("/api-keys", &json!({ "mode": mode })).ok(201)["key"].as_str().unwrap().to_owned();
    let (live, test) = (key("live"), key("test"));
    let password = ["--data", data.to_str().unwrap(), "admin", "create", "operator@example.com", "--password-stdin"];
    assert!(crate::harness::run(&password, "correct horse\n").status.success());
    let operator = |server: &KeptServer, method: &str, path: &str, body: &Value| {
        let login = json!({ "email": "operator@example.com", "password": "correct horse" });
        let token = server.anyone.post("/public/auth/login", &login).ok(200)["idToken"].as_str().unwrap().to_owned();
        let body = if method == "GET" { String::new() } else { body.to_string() };
        server.anyone.with_token(&token).send(method, path, &[("X-Humans2AI-Mode", "test")], &body)
    };
    first.anyone.with_token(&test).post("/test/clock/advance", &json!({ "seconds": 1 })).error(403, "FORBIDDEN");
    operator(&first, "POST", "/test/clock/freeze", &json!({})).ok(200);
    let moved = operator(&first, "POST", "/test/clock/advance", &json!({ "seconds": 24 * HOUR * 365 })).ok(200);
    assert!(first.terminate());
    let second = KeptServer::start(&data, &["--mode", "live"]);
    let read = operator(&second, "GET", "/test/clock", &json!({})).ok(200);
    assert_eq!((&read["now"], &read["frozen"]), (&moved["now"], &json!(true)));
    let created = |key: &str| second.anyone.with_token(key).get("/wallet/transactions");
    created(&live).ok(200);
    let live_key = second.anyone.with_token(&live).post("/api-keys", &json!({})).ok(201);
    let days = seconds_between(&live_key["createdAt"], &moved["now"]) / (24 * 3_600);
    assert!((364..=365).contains(&days), "live time is the wall's: {days}");
    assert!(second.terminate());
    audit(&data);
}

#[test]
fn old_events_and_answers_are_forgotten_on_the_way() {
    let server = Server::start_with(&["webhooks.keep_days=1"]);
    let cursor = server.agent.get("/events?after=latest").ok(200)["next"].clone();
    let task = Server::example();
    for _ in 0..60 {
        server.agent.post_keyed("/tasks", "k", &task).ok(201);
        server.open_task();
    }
    advance(&server, 60 * 24 * HOUR);
    let count = |sql: &str| -> i64 { server.open_database().query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT count(*) FROM idempotency_key"), 0);
    assert_eq!(count("SELECT count(*) FROM event WHERE type = 'task.created'"), 0);
    assert_eq!(cursor, 0);
}
