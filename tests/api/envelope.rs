//! What every response has, and what bad bodies get.

use crate::harness::{Answer, Server};
use serde_json::json;

fn has_the_headers_of_every_response(answer: &Answer) {
    for name in ["X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"] {
        assert!(answer.header(name).is_some(), "{name} on {}", answer.text);
    }
    assert!(answer.header("X-Request-Id").unwrap().starts_with("req_"));
    assert!(answer.header("X-RateLimit-Reset").unwrap().ends_with(":00:00.000Z"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert!(answer.json()["success"].is_boolean());
}

#[test]
fn every_response_has_the_envelope_and_the_headers() {
    let server = Server::start();
    for answer in [
        server.agent.get("/tasks"),
        server.agent.get("/nowhere"),
        server.anyone.get("/tasks"),
        server.agent.send("PUT", "/tasks", &[], ""),
        server.agent.send("POST", "/tasks", &[], "{"),
        server.agent.send("POST", "/tasks", &[("Content-Type", "text/plain")], "{}"),
        server.agent.send("POST", "/tasks", &[], &"x".repeat(300 * 1024)),
        server.anyone.post("/public/auth/login", &json!({})),
        server.anyone.get("/../../etc/passwd"),
    ] {
        has_the_headers_of_every_response(&answer);
        assert!(answer.status < 500, "{}", answer.text);
    }
}

#[test]
fn paths_methods_and_types_have_their_own_errors() {
    let server = Server::start();
    server.agent.get("/nowhere").error(404, "NOT_FOUND");
    let answer = server.agent.delete("/tasks");
    answer.error(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.header("Allow"), Some("GET, POST"));
    server
        .agent
        .send("POST", "/tasks", &[("Content-Type", "application/x-www-form-urlencoded")], "a=b")
        .error(415, "UNSUPPORTED_MEDIA_TYPE");
    server.agent.send("POST", "/tasks", &[], &"x".repeat(300 * 1024)).error(413, "PAYLOAD_TOO_LARGE");
}

#[test]
fn bad_bodies_are_validation_errors_that_change_nothing() {
    let server = Server::start();
    let nested = format!(r#"{{"title":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
    for body in ["{", "[]", "null", "7", "\"x\"", "{\"a\":NaN}", "{} {}", "{\"a\":1,}", &nested] {
        server.agent.send("POST", "/tasks", &[], body).error(400, "VALIDATION_ERROR");
    }
    let twice = Server::example().to_string().replacen('{', "{\"title\":\"x\",", 1);
    let message = server.agent.send("POST", "/tasks", &[], &twice).error(400, "VALIDATION_ERROR");
    assert!(message.starts_with("title"), "{message}");
    let invalid = server.agent.try_send("POST", "/tasks", &[], b"{\"title\":\"\xff\"}").unwrap();
    invalid.error(400, "VALIDATION_ERROR");
    assert_eq!(server.agent.get("/tasks").json()["pagination"]["total"], 0);
}

#[test]
fn unknown_fields_are_ignored_and_head_has_no_body() {
    let server = Server::start();
    server.create(&json!({ "colour": "blue", "__proto__": { "x": 1 } }));
    let head = server.agent.send("HEAD", "/tasks", &[], "");
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[test]
fn the_document_describes_every_published_endpoint() {
    let server = Server::start();
    let document = server.anyone.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let page = [
        "POST /public/auth/register",
        "POST /public/auth/login",
        "POST /public/auth/refresh",
        "POST /public/check-email",
        "GET /tasks",
        "POST /tasks",
        "GET /tasks/{taskId}",
        "POST /tasks/{taskId}/apply",
        "GET /tasks/{taskId}/applications",
        "POST /tasks/{taskId}/select",
        "POST /tasks/{taskId}/submit",
        "POST /tasks/{taskId}/approve",
        "POST /tasks/{taskId}/reject",
        "POST /tasks/{taskId}/dispute",
        "GET /tasks/{taskId}/messages",
        "POST /tasks/{taskId}/messages",
        "GET /wallet",
        "GET /wallet/transactions",
        "GET /my/applications",
        "GET /my/referrals",
        "GET /notifications",
        "PATCH /notifications",
        "GET /api-keys",
        "POST /api-keys",
        "DELETE /api-keys/{apiKeyId}",
        "GET /webhooks",
        "POST /webhooks",
        "DELETE /webhooks/{webhookId}",
    ];
    for endpoint in page {
        let (method, path) = endpoint.split_once(' ').unwrap();
        let operation = &document["paths"][path][method.to_lowercase()];
        assert!(operation["operationId"].is_string(), "{endpoint}");
        assert!(operation["responses"].as_object().unwrap().len() > 5, "{endpoint}");
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}
