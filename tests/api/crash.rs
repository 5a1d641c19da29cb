//! SIGKILL under load: what was acknowledged is there, exactly once, and the ledger is exact.

use crate::harness::{Client, KeptServer, Server, audit, id, register};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 8;

/// Creates tasks, each with its own key, until the server is gone; the acknowledged ones by key.
fn load(client: &Client, name: &str, body: &str, acknowledged: &Mutex<HashMap<String, String>>) {
    for number in 0..100_000 {
        let key = format!("{name}-{number}");
        match client.try_send("POST", "/tasks", &[("Idempotency-Key", &key)], body.as_bytes()) {
            Ok(answer) if answer.status == 201 => acknowledged.lock().unwrap().insert(key, id(&answer.ok(201))),
            Ok(answer) => panic!("{}", answer.text),
            Err(_) => return,
        };
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let acknowledged = Mutex::new(HashMap::new());
    let body = Server::example_with(&json!({ "budget": 0.01 })).to_string();
    let no_limits = ["--set", "rate_limits.enabled=false"];
    let first = KeptServer::start(&data, &no_limits);
    let (_, agent) = register(&first.anyone, "agent", "agent@example.com");
    let key = agent.post("/api-keys", &json!({})).ok(201)["key"].as_str().unwrap().to_owned();
    drop(first);
    for round in 0..5 {
        let server = KeptServer::start(&data, &no_limits);
        let agent = server.anyone.with_token(&key);
        let before = acknowledged.lock().unwrap().len();
        thread::scope(|scope| {
            for number in 0..CLIENTS {
                let (agent, body, acknowledged) = (agent.clone(), &body, &acknowledged);
                scope.spawn(move || load(&agent, &format!("{round}-{number}"), body, acknowledged));
            }
            let deadline = Instant::now() + Duration::from_secs(20);
            while acknowledged.lock().unwrap().len() < before + 60 {
                assert!(Instant::now() < deadline, "the load did not get going");
                thread::yield_now();
            }
            server.kill();
        });
        audit(&data);
    }
    let server = KeptServer::start(&data, &no_limits);
    let agent = server.anyone.with_token(&key);
    let acknowledged = acknowledged.into_inner().unwrap();
    for (key, task) in acknowledged.iter().take(200) {
        let replay = agent.send("POST", "/tasks", &[("Idempotency-Key", key)], &body);
        assert_eq!((id(&replay.ok(201)), replay.header("Idempotency-Replayed")), (task.clone(), Some("true")));
    }
    let database = crate::harness::open_database(&data);
    for task in acknowledged.values() {
        let found: i64 = database.query_row("SELECT count(*) FROM task WHERE id = ?1", [task], |row| row.get(0)).unwrap();
        assert_eq!(found, 1, "{task}");
    }
    let effects: (i64, i64) = database
        .query_row("SELECT (SELECT count(*) FROM task), (SELECT count(*) FROM idempotency_key WHERE key LIKE '%-%')", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(effects.0, effects.1, "an effect and its key are one");
    assert!(server.terminate());
    audit(&data);
}
