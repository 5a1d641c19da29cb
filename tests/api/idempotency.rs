//! Idempotency-Key

use crate::harness::Server;
use serde_json::json;

#[test]
fn the_first_answer_is_replayed_byte_for_byte() {
    let server = Server::start();
    let first = server.agent.post_keyed("/tasks", "k", &Server::example());
    let again = server.agent.post_keyed("/tasks", "k", &Server::example());
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!((first.header("Idempotency-Replayed"), again.header("Idempotency-Replayed")), (None, Some("true")));
    assert_eq!(server.agent.get("/tasks").json()["pagination"]["total"], 1);
}

#[test]
fn the_same_meaning_in_another_order_is_the_same_request() {
    let server = Server::start();
    let task = server.open_task();
    let path = format!("/tasks/{task}/cancel");
    let send = |body: &str| server.agent.send("POST", &path, &[("Idempotency-Key", "k")], body);
    send(r#"{"a":1,"b":2}"#).ok(200);
    assert_eq!(send(r#"{ "b" : 2, "a" : 1 }"#).header("Idempotency-Replayed"), Some("true"));
}

#[test]
fn a_number_is_the_same_however_it_is_written() {
    let server = Server::start();
    let body = |budget: &str| Server::example().to_string().replace("\"budget\":150", &format!("\"budget\":{budget}"));
    let send = |budget: &str| server.agent.send("POST", "/tasks", &[("Idempotency-Key", "k")], &body(budget));
    send("1.25").ok(201);
    assert_eq!(send("1.250").header("Idempotency-Replayed"), Some("true"));
    assert_eq!(send("125e-2").header("Idempotency-Replayed"), Some("true"));
    send("1.26").error(422, "IDEMPOTENCY_KEY_REUSED");
}

#[test]
fn a_key_for_another_request_is_refused() {
    let server = Server::start();
    let task = server.open_task();
    server.agent.post_keyed("/tasks", "k", &Server::example()).ok(201);
    let other = Server::example_with(&json!({ "budget": 2 }));
    server.agent.post_keyed("/tasks", "k", &other).error(422, "IDEMPOTENCY_KEY_REUSED");
    server.agent.post_keyed(&format!("/tasks/{task}/cancel"), "k", &json!({})).error(422, "IDEMPOTENCY_KEY_REUSED");
    server.agent.post_keyed("/tasks", "k", &json!({ "title": 7 })).error(422, "IDEMPOTENCY_KEY_REUSED");
}

#[test]
fn what_an_operation_decided_is_kept_and_a_refused_request_is_not() {
    let server = Server::start();
    let dear = Server::example_with(&json!({ "budget": 999_999 }));
    server.agent.post_keyed("/tasks", "dear", &dear).error(400, "INSUFFICIENT_BALANCE");
    let deposit = json!({ "userId": server.agent_id, "amount": 1_000_000, "reference": "x" });
    server.operator.post("/admin/deposits", &deposit).ok(201);
    let replay = server.agent.post_keyed("/tasks", "dear", &dear);
    replay.error(400, "INSUFFICIENT_BALANCE");
    assert_eq!(replay.header("Idempotency-Replayed"), Some("true"));
    server.agent.post_keyed("/tasks", "bad", &json!({})).error(400, "VALIDATION_ERROR");
    server.agent.post_keyed("/tasks", "bad", &Server::example()).ok(201);
}

#[test]
fn keys_are_one_accounts_own() {
    let server = Server::start();
    let (_, other) = server.register("agent", "other@example.com");
    server.agent.post_keyed("/tasks", "k", &Server::example()).ok(201);
    assert_eq!(other.post_keyed("/tasks", "k", &Server::example()).header("Idempotency-Replayed"), None);
}

#[test]
fn a_replay_shows_no_secret() {
    let server = Server::start();
    for (path, body, name) in [("/api-keys", json!({}), "key"), ("/webhooks", json!({ "url": "http://127.0.0.1:9/" }), "secret")] {
        let first = server.agent.post_keyed(path, path, &body).ok(201);
        let again = server.agent.post_keyed(path, path, &body).ok(201);
        assert_ne!(first[name], again[name]);
        assert_eq!(first["id"], again["id"]);
        let stored: String = server
            .open_database()
            .query_row("SELECT CAST(body AS TEXT) FROM idempotency_key WHERE key = ?1", [path], |row| row.get(0))
            .unwrap();
        assert!(!stored.contains(first[name].as_str().unwrap()));
    }
}

#[test]
fn a_bad_key_is_refused() {
    let server = Server::start();
    let send = |headers: &[(&str, &str)]| server.agent.send("POST", "/tasks", headers, &Server::example().to_string());
    send(&[("Idempotency-Key", "a"), ("Idempotency-Key", "a")]).error(400, "VALIDATION_ERROR");
    send(&[("Idempotency-Key", &"x".repeat(256))]).error(400, "VALIDATION_ERROR");
    send(&[("Idempotency-Key", "")]).error(400, "VALIDATION_ERROR");
    assert_eq!(server.agent.get("/tasks").json()["pagination"]["total"], 0);
}
