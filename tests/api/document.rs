//! What the OpenAPI document says of a field is what the server does with it.

use crate::harness::Server;
use serde_json::{Value, json};

fn field(server: &Server, path: &str, name: &str) -> Value {
    let document = server.anyone.get("/openapi.json").json();
    document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"][name].clone()
}

#[test]
fn null_is_an_absent_field_where_it_may_be_absent() {
    let server = Server::start();
    assert_eq!(field(&server, "/tasks", "location")["type"], json!(["string", "null"]));
    assert_eq!(field(&server, "/tasks", "title")["type"], "string");
    assert!(field(&server, "/tasks", "urgency")["enum"].as_array().unwrap().contains(&Value::Null));
    let mut task = Server::example();
    (task["location"], task["urgency"]) = (Value::Null, Value::Null);
    assert_eq!(server.agent.post("/tasks", &task).ok(201)["urgency"], "medium");
}

#[test]
fn an_integer_may_be_written_with_a_point() {
    let server = Server::start();
    let task = server.submitted_task();
    let approve = |rating: &str| server.agent.send("POST", &format!("/tasks/{task}/approve"), &[], &format!(r#"{{"rating":{rating}}}"#));
    for refused in ["5.5", "50e-1", "6.0", ".0", "-1.0"] {
        assert_eq!(approve(refused).status, 400, "{refused}");
    }
    approve("5.0").ok(200);
}

#[test]
fn an_amount_has_the_steps_that_the_document_states() {
    let server = Server::start();
    assert_eq!(field(&server, "/tasks", "budget")["multipleOf"].to_string(), "1e-2");
    server.agent.post("/tasks", &Server::example_with(&json!({ "budget": 0.001 }))).error(400, "VALIDATION_ERROR");
}

#[test]
fn a_list_that_needs_an_entry_says_so() {
    let server = Server::start();
    for (path, name, body) in
        [("/api-keys", "scopes", json!({ "scopes": [] })), ("/webhooks", "events", json!({ "url": "http://127.0.0.1:9/", "events": [] }))]
    {
        assert_eq!(field(&server, path, name)["minItems"], 1, "{path}");
        let message = server.agent.post(path, &body).error(400, "VALIDATION_ERROR");
        assert_eq!(message, format!("{name} must have at least 1 entry"));
    }
}
