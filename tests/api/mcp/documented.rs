//! The documented dialect: `{"tool", "input"}`.

use crate::harness::{Server, id};
use serde_json::json;

#[test]
fn a_tool_is_answered_as_rest_answers() {
    let server = Server::start();
    let agent = &server.agent;
    let mut input = Server::example();
    input["idempotency_key"] = json!("k");
    let created = agent.documented("create_task", &input);
    let task = id(&created.ok(201));
    assert_eq!(agent.get(&format!("/tasks/{task}")).ok(200)["budget"], 150);
    assert_eq!(agent.documented("list_tasks", &json!({})).text, agent.get("/tasks").text);
    agent.documented("get_task", &json!({ "taskId": format!("task_{}", "f".repeat(32)) })).error(404, "TASK_NOT_FOUND");
    agent.documented("reject_task", &json!({ "taskId": task, "reason": "short" })).error(400, "VALIDATION_ERROR");
    let message = agent.documented("reject_task", &json!({ "taskId": task, "reason": "x".repeat(50) })).error(409, "STATE_CONFLICT");
    assert!(message.contains("open") && message.contains("submitted"), "{message}");
}

#[test]
fn what_moves_money_needs_a_key_in_the_header_or_the_input() {
    let server = Server::start();
    let (agent, example) = (&server.agent, Server::example());
    let message = agent.documented("create_task", &example).error(400, "VALIDATION_ERROR");
    assert!(message.contains("Idempotency-Key") && message.contains("idempotency_key"), "{message}");
    let task = server.submitted_task();
    agent.documented("approve_task", &json!({ "taskId": task })).error(400, "VALIDATION_ERROR");
    let body = json!({ "tool": "create_task", "input": example }).to_string();
    let first = agent.mcp(&[("Idempotency-Key", "k")], &body);
    let again = agent.mcp(&[("Idempotency-Key", "k")], &body);
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!(again.header("Idempotency-Replayed"), Some("true"));
    agent.documented("approve_task", &json!({ "taskId": task, "idempotency_key": "a" })).ok(200);
    agent.documented("send_message", &json!({ "taskId": task, "content": "Thank you" })).ok(201);
    let mut both = example.clone();
    both["idempotency_key"] = json!("other");
    agent.mcp(&[("Idempotency-Key", "k")], &json!({ "tool": "create_task", "input": both }).to_string()).error(400, "VALIDATION_ERROR");
}

#[test]
fn what_is_no_call_is_a_validation_error() {
    let server = Server::start();
    let send = |body: &str| server.agent.mcp(&[], body).error(400, "VALIDATION_ERROR");
    for body in [r#"{"tool":"make_coffee"}"#, r#"{"tool":7}"#, r#"{"tool":null}"#] {
        assert!(send(body).contains("create_task"), "{body}");
    }
    for input in ["[]", "\"{}\"", "7", "null"] {
        assert!(send(&format!(r#"{{"tool":"get_wallet","input":{input}}}"#)).contains("input"), "{input}");
    }
    server.anyone.mcp(&[], r#"{"tool":"create_task"}"#).error(401, "UNAUTHORIZED");
    server.agent.mcp(&[], r#"{"tool":"get_wallet"}"#).ok(200);
}
