//! /api-keys

use crate::harness::{Server, id};
use serde_json::json;

#[test]
fn a_key_is_shown_once_and_refused_after_its_revocation() {
    let server = Server::start();
    let created = server.agent.post("/api-keys", &json!({ "name": "ci", "scopes": ["wallet:read"] })).ok(201);
    let key = created["key"].as_str().unwrap();
    assert!(key.starts_with("sk_test_") && created["livemode"] == false);
    let holder = server.anyone.with_token(key);
    holder.get("/wallet").ok(200);
    holder.get("/tasks").error(403, "FORBIDDEN");
    assert!(!server.agent.get("/api-keys").text.contains(key));
    assert_eq!(server.agent.delete(&format!("/api-keys/{}", id(&created))).ok(200)["active"], false);
    holder.get("/wallet").error(401, "UNAUTHORIZED");
}

#[test]
fn ten_active_keys_are_the_most() {
    let server = Server::start();
    let (_, account) = server.register("agent", "bo@example.com");
    let keys: Vec<_> = (0..10).map(|_| account.post("/api-keys", &json!({})).ok(201)).collect();
    account.post("/api-keys", &json!({})).error(400, "LIMIT_EXCEEDED");
    account.delete(&format!("/api-keys/{}", id(&keys[0]))).ok(200);
    account.post("/api-keys", &json!({})).ok(201);
}

#[test]
fn a_key_makes_no_key_that_can_more() {
    let server = Server::start();
    let narrow = server.agent.post("/api-keys", &json!({ "scopes": ["tasks:read", "tasks:write"] })).ok(201);
    let narrow = server.anyone.with_token(narrow["key"].as_str().unwrap());
    narrow.post("/api-keys", &json!({ "scopes": ["wallet:read"] })).error(403, "FORBIDDEN");
    narrow.get("/api-keys").error(403, "FORBIDDEN");
}

#[test]
fn a_sandbox_makes_no_live_key_and_names_bad_scopes() {
    let server = Server::start();
    server.agent.post("/api-keys", &json!({ "mode": "live" })).error(403, "FORBIDDEN");
    let (_, account) = server.register("agent", "bo@example.com");
    account.post("/api-keys", &json!({ "mode": "live" })).error(400, "VALIDATION_ERROR");
    for scopes in [json!([]), json!(["tasks:fly"]), json!("tasks:read"), json!([1])] {
        let message = account.post("/api-keys", &json!({ "scopes": scopes })).error(400, "VALIDATION_ERROR");
        assert!(message.starts_with("scopes"), "{message}");
    }
}

#[test]
fn anothers_key_is_unknown() {
    let server = Server::start();
    let (_, other) = server.register("agent", "other@example.com");
    let key = id(&other.post("/api-keys", &json!({})).ok(201));
    server.agent.delete(&format!("/api-keys/{key}")).error(404, "API_KEY_NOT_FOUND");
    server.agent.delete("/api-keys/key_1").error(404, "API_KEY_NOT_FOUND");
}
