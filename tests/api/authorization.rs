//! Walks the OpenAPI document: every operation refuses who has no token, the wrong scope, or another's object.

use crate::harness::{Client, Server, id};
use serde_json::{Value, json};

/// The endpoint whose messages each have an access of their own: the walk of its tools is in [`crate::mcp`].
const OF_THE_TOOL: &str = "of the tool";

/// Where a stranger is told of the state: a human who applies too late lost a race (contract §6).
const TOLD: [&str; 1] = ["/tasks/{taskId}/apply"];

/// What is everybody's: a snapshot holds all test data.
const SHARED: &str = "/test/snapshots/";

/// One operation of the document.
struct Documented {
    method: String,
    path: String,
    access: String,
}

fn documented(server: &Server) -> Vec<Documented> {
    let document: Value = serde_json::from_str(&server.anyone.get("/openapi.json").text).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let access = operation["x-access"].as_str().unwrap().to_owned();
            if access == OF_THE_TOOL {
                assert_eq!(path, "/mcp");
                continue;
            }
            operations.push(Documented { method: method.to_uppercase(), path: path.clone(), access });
        }
    }
    assert!(operations.len() >= 29, "the published page alone has 29 endpoints");
    operations
}

/// A body that the operation would accept if its caller might.
fn body(server: &Server, path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "tasks" => Server::example(),
        "webhooks" => json!({ "url": "http://127.0.0.1:9/" }),
        "deposits" | "withdrawals" => json!({ "userId": server.agent_id, "amount": 1, "reference": "x" }),
        "resolve" => json!({ "outcome": "refund" }),
        "redeliver" => json!({ "since": "2026-01-01T00:00:00Z" }),
        "notifications" => json!({ "all": true }),
        "advance" => json!({ "seconds": 1 }),
        "fund" => json!({ "amount": 1 }),
        "simulate" => json!({ "script": ["approve"] }),
        "faults" => json!({ "route": "POST /tasks", "fault": "slow" }),
        action => server.body_of(action),
    }
}

/// An id of the right form that is nobody's.
fn unknown(path: &str) -> String {
    let nobody = "f".repeat(32);
    path.replace("{taskId}", &format!("task_{nobody}"))
        .replace("{apiKeyId}", &format!("key_{nobody}"))
        .replace("{webhookId}", &format!("wh_{nobody}"))
        .replace("{deliveryId}", &format!("dlv_{nobody}"))
        .replace("{disputeId}", &format!("dsp_{nobody}"))
        .replace("{userId}", &format!("user_{nobody}"))
        .replace("{snapshotId}", &format!("snap_{nobody}"))
}

fn call(client: &Client, server: &Server, operation: &Documented, path: &str) -> crate::harness::Answer {
    let body = match operation.method.as_str() {
        "POST" | "PATCH" => body(server, &operation.path).to_string(),
        _ => String::new(),
    };
    client.send(&operation.method, path, &[], &body)
}

#[test]
fn every_operation_needs_a_token_unless_it_is_public() {
    let server = Server::start();
    for operation in documented(&server) {
        let answer = call(&server.anyone, &server, &operation, &unknown(&operation.path));
        if operation.access == "public" {
            assert_ne!(answer.status, 403, "{} {}", operation.method, operation.path);
        } else {
            answer.error(401, "UNAUTHORIZED");
        }
    }
}

#[test]
fn every_operation_refuses_a_key_without_its_scope() {
    const ALL: [&str; 5] = ["tasks:read", "tasks:write", "wallet:read", "messages:read", "messages:write"];
    let server = Server::start();
    let (_, account) = server.register("agent", "narrow@example.com");
    let without = |scope: &str| {
        let scopes: Vec<_> = ALL.into_iter().filter(|other| *other != scope).collect();
        let key = account.post("/api-keys", &json!({ "scopes": scopes })).ok(201);
        server.anyone.with_token(key["key"].as_str().unwrap())
    };
    let lacking: Vec<(&str, Client)> = ALL.into_iter().map(|scope| (scope, without(scope))).collect();
    for operation in documented(&server).iter().filter(|operation| operation.access != "public") {
        let (_, client) = lacking.iter().find(|(scope, _)| *scope == operation.access).unwrap_or(&lacking[0]);
        call(client, &server, operation, &unknown(&operation.path)).error(403, "FORBIDDEN");
    }
}

#[test]
fn every_operation_on_an_object_hides_anothers() {
    let server = Server::start();
    let (_, stranger) = server.register("human", "stranger@example.com");
    let task = server.submitted_task();
    let webhook = id(&server.agent.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/" })).ok(201));
    let delivery = server.agent.post(&format!("/webhooks/{webhook}/test"), &json!({})).ok(202)["deliveryId"].as_str().unwrap().to_owned();
    let key = server.agent.get("/api-keys").ok(200)[0]["id"].as_str().unwrap().to_owned();
    let mut seen = 0;
    let owned =
        |operation: &&Documented| operation.path.contains('{') && operation.access != "operator" && !operation.path.starts_with(SHARED);
    for operation in documented(&server).iter().filter(owned) {
        let ids = [("{taskId}", &task), ("{apiKeyId}", &key), ("{webhookId}", &webhook), ("{deliveryId}", &delivery)];
        let path = ids.into_iter().fold(operation.path.clone(), |path, (name, id)| path.replace(name, id));
        assert!(!path.contains('{'), "a new kind of object needs its case here: {path}");
        let answer = call(&stranger, &server, operation, &path);
        let expected = if TOLD.contains(&operation.path.as_str()) { 409 } else { 404 };
        assert_eq!(answer.status, expected, "{} {path}: {}", operation.method, answer.text);
        seen += 1;
    }
    assert!(seen >= 14, "{seen}");
    server.agent.get(&format!("/tasks/{task}")).ok(200);
}

#[test]
fn the_operators_operations_on_unknown_objects_are_not_found() {
    let server = Server::start();
    for operation in documented(&server).iter().filter(|operation| operation.path.contains('{') && operation.access == "operator") {
        let answer = call(&server.operator, &server, operation, &unknown(&operation.path));
        assert_eq!(answer.status, 404, "{} {}: {}", operation.method, operation.path, answer.text);
    }
}

#[test]
fn a_snapshot_that_is_none_is_not_found() {
    let server = Server::start();
    for operation in documented(&server).iter().filter(|operation| operation.path.starts_with(SHARED)) {
        call(&server.agent, &server, operation, &unknown(&operation.path)).error(404, "SNAPSHOT_NOT_FOUND");
    }
}
