//! /webhooks: registration, and the fan-out in the event's own transaction.

use crate::harness::{Server, id};
use serde_json::json;

#[test]
fn an_endpoint_gets_the_documented_events_by_default_and_its_secret_once() {
    let server = Server::start();
    let created = server.agent.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/hook" })).ok(201);
    assert_eq!(created["events"].as_array().unwrap().len(), 6);
    let secret = created["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() == 50);
    assert!(!server.agent.get("/webhooks").text.contains(secret));
    assert_eq!(server.agent.get("/webhooks").json()["pagination"]["total"], 1);
}

#[test]
fn an_event_is_fanned_out_to_the_matching_endpoints_of_its_participants() {
    let server = Server::start();
    server.agent.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/agent" })).ok(201);
    server.human.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/human", "events": ["task.submitted", "message.received"] })).ok(201);
    let task = server.submitted_task();
    server.act(&server.human, &task, "messages").ok(201);
    let deliveries = |kind: &str| -> i64 {
        let sql = "SELECT count(*) FROM delivery d JOIN event e ON e.seq = d.event_seq WHERE e.type = ?1";
        server.open_database().query_row(sql, [kind], |row| row.get(0)).unwrap()
    };
    assert_eq!((deliveries("task.human_accepted"), deliveries("task.submitted"), deliveries("task.created")), (1, 2, 0));
    assert_eq!(deliveries("message.received"), 1, "nobody is told of their own message");
}

#[test]
fn a_deleted_endpoint_takes_its_deliveries_along() {
    let server = Server::start();
    let webhook = id(&server.agent.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/" })).ok(201));
    server.submitted_task();
    server.agent.delete(&format!("/webhooks/{webhook}")).ok(200);
    server.agent.delete(&format!("/webhooks/{webhook}")).error(404, "WEBHOOK_NOT_FOUND");
    server.agent.get(&format!("/webhooks/{webhook}/deliveries")).error(404, "WEBHOOK_NOT_FOUND");
    let live = "SELECT count(*) FROM webhook WHERE deleted_at IS NULL OR secret <> ''";
    let left: i64 = server.open_database().query_row(live, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn twenty_endpoints_are_the_most_and_bad_ones_are_refused() {
    let server = Server::start();
    for (field, body) in [
        ("url", json!({ "url": "ftp://example.com" })),
        ("url", json!({ "url": "http://me:secret@example.com" })),
        ("url", json!({})),
        ("events", json!({ "url": "http://example.com", "events": [] })),
        ("events", json!({ "url": "http://example.com", "events": ["task.eaten"] })),
    ] {
        let message = server.agent.post("/webhooks", &body).error(400, "VALIDATION_ERROR");
        assert!(message.starts_with(field), "{message}");
    }
    for _ in 0..20 {
        server.agent.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/" })).ok(201);
    }
    server.agent.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/" })).error(400, "LIMIT_EXCEEDED");
}
