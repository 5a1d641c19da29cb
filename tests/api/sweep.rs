//! What is old is forgotten, in small steps, and nothing else is.

use crate::harness::{KeptServer, Receiver, audit, id, register};
use rusqlite::Connection;
use serde_json::json;
use std::time::{Duration, Instant};

const DAY_MS: i64 = 86_400_000;

fn count(database: &Connection, table: &str) -> i64 {
    database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn old_events_logs_answers_and_sessions_go_and_what_is_pending_stays() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::start());
    let data = directory.path().join("market.db");
    let sets = ["--set", "rate_limits.enabled=false"];
    let server = KeptServer::start(&data, &sets);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let webhook = id(&agent.post("/webhooks", &json!({ "url": receiver.url, "events": ["task.created"] })).ok(201));
    let task = crate::harness::Server::example_with(&json!({ "budget": 1 }));
    for number in 0..120 {
        agent.post_keyed("/tasks", &format!("key-{number}"), &task).ok(201);
    }
    receiver.wait_for(120);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !agent.get(&format!("/webhooks/{webhook}/deliveries?state=pending")).ok(200).as_array().unwrap().is_empty() {
        assert!(Instant::now() < deadline, "deliveries are pending");
    }
    let early = agent.get("/events?limit=1").ok(200)["next"].clone();
    assert!(server.terminate());
    {
        let database = Connection::open(&data).unwrap();
        database.execute("UPDATE event SET created_at = created_at - ?1 WHERE seq <= 100", [31 * DAY_MS]).unwrap();
        database.execute("UPDATE idempotency_key SET created_at = created_at - ?1 WHERE seq <= 100", [DAY_MS]).unwrap();
        database.execute("UPDATE session SET expires_at = 0", []).unwrap();
        // One of the old ones is still on its way, far from its time.
        let far = "UPDATE delivery SET state = 'pending', retry_at = 1000 * unixepoch() + 15000 WHERE event_seq = 90";
        assert_eq!(database.execute(far, []).unwrap(), 1);
    }
    let server = KeptServer::start(&data, &sets);
    let agent = server.anyone.with_token(&{
        let body = json!({ "email": "agent@example.com", "password": "correct horse" });
        server.anyone.post("/public/auth/login", &body).ok(200)["idToken"].as_str().unwrap().to_owned()
    });
    let database = crate::harness::open_database(&data);
    let deadline = Instant::now() + Duration::from_secs(10);
    while (count(&database, "event"), count(&database, "idempotency_key"), count(&database, "session")) != (21, 20, 1) {
        assert!(
            Instant::now() < deadline,
            "{} events, {} answers, {} sessions",
            count(&database, "event"),
            count(&database, "idempotency_key"),
            count(&database, "session")
        );
    }
    assert_eq!((count(&database, "delivery"), count(&database, "attempt")), (21, 21), "with the events go their deliveries");
    assert_eq!(agent.get(&format!("/webhooks/{webhook}/deliveries")).json()["pagination"]["total"], 21);
    agent.get(&format!("/events?after={early}")).error(410, "CURSOR_EXPIRED");
    assert_eq!(agent.get("/events").ok(200)["events"][0]["seq"], 90, "from the beginning is from what is kept");
    assert_eq!(count(&database, "task"), 120);
    assert!(server.terminate());
    audit(&data);
}

#[test]
fn a_deleted_endpoint_is_swept_with_its_log() {
    let (directory, receiver) = (tempfile::tempdir().unwrap(), Receiver::start());
    let data = directory.path().join("market.db");
    let server = KeptServer::start(&data, &["--set", "rate_limits.enabled=false"]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let webhook = id(&agent.post("/webhooks", &json!({ "url": receiver.url })).ok(201));
    for _ in 0..120 {
        agent.post(&format!("/webhooks/{webhook}/test"), &json!({})).ok(202);
    }
    agent.delete(&format!("/webhooks/{webhook}")).ok(200);
    assert!(server.terminate());
    let server = KeptServer::start(&data, &[]);
    let database = crate::harness::open_database(&data);
    let deadline = Instant::now() + Duration::from_secs(10);
    while (count(&database, "webhook"), count(&database, "delivery"), count(&database, "delivery_count")) != (0, 0, 0) {
        assert!(Instant::now() < deadline, "{} deliveries are left", count(&database, "delivery"));
    }
    assert!(server.terminate());
}
