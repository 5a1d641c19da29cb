//! Arguments that mean harm: each is refused in its dialect and changes nothing.

use super::client::request;
use crate::harness::Server;
use serde_json::{Value, json};

fn call(arguments: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"create_task","arguments":{arguments}}}}}"#)
}

#[test]
fn objects_and_stringified_json_are_no_values() {
    let server = Server::start();
    let agent = &server.agent;
    for id in [json!({ "$ne": null }), json!(["task_x"]), json!(7), Value::Null, json!(true)] {
        agent.tool("get_task", &json!({ "taskId": id })).tool_error("VALIDATION_ERROR");
        agent.documented("get_task", &json!({ "taskId": id })).error(400, "VALIDATION_ERROR");
    }
    for id in ["' OR 1=1 --", "../../wallet", "task_", "task_\u{0}"] {
        agent.tool("get_task", &json!({ "taskId": id })).tool_error("TASK_NOT_FOUND");
    }
    let with = |changes: Value| agent.tool("create_task", &Server::example_with(&changes)).tool_error("VALIDATION_ERROR");
    assert!(with(json!({ "metadata": "{\"a\":\"b\"}" })).contains("metadata must be an object"));
    assert!(with(json!({ "budget": "150" })).contains("budget"));
    assert!(with(json!({ "budget": { "value": 150 } })).contains("budget"));
    assert!(with(json!({ "title": ["x"] })).contains("title"));
    for key in [json!(7), json!({}), json!(""), json!("x".repeat(256)), json!("ä")] {
        with(json!({ "idempotency_key": key }));
    }
    agent.tool("list_tasks", &json!({ "limit": 1e9 })).tool_error("VALIDATION_ERROR");
    let message = agent.mcp(&[], &call(&json!(Server::example().to_string()).to_string())).failure(200, -32602, &json!(7));
    assert!(message.contains("not a string"), "{message}");
    assert_eq!(agent.get("/tasks").json()["pagination"]["total"], 0);
}

#[test]
fn prototypes_are_ordinary_unknown_fields() {
    let server = Server::start();
    let mut task = Server::example();
    for name in ["__proto__", "constructor", "prototype"] {
        task[name] = json!({ "budget": 1, "isAdmin": true });
    }
    let created = server.agent.tool("create_task", &task).content();
    assert_eq!((&created["budget"], created.get("__proto__")), (&json!(150), None));
    for name in ["__proto__", "constructor", "toString", ""] {
        server.agent.tool(name, &json!({})).failure(200, -32602, &json!(7));
        server.agent.rpc(name, &json!({})).failure(200, -32601, &json!(7));
    }
}

#[test]
fn bombs_do_not_go_off() {
    let server = Server::start();
    let agent = &server.agent;
    let deep = |levels: usize| call(&format!(r#"{{"title":{}{}}}"#, "[".repeat(levels), "]".repeat(levels)));
    for levels in [40, 100_000] {
        agent.mcp(&[], &deep(levels)).failure(400, -32700, &Value::Null);
    }
    agent.mcp(&[], &"[".repeat(200_000)).failure(400, -32700, &Value::Null);
    let many = format!("[{}]", vec!["{}"; 10_000].join(","));
    agent.mcp(&[], &many).failure(400, -32600, &Value::Null);
    let pings = json!(vec![json!({ "jsonrpc": "2.0", "method": "x" }); 5_000]).to_string();
    agent.mcp(&[], &pings).failure(400, -32600, &Value::Null);
    agent.mcp(&[], &call(&format!(r#"{{"title":"{}"}}"#, "x".repeat(300 * 1024)))).error(413, "PAYLOAD_TOO_LARGE");
    agent.mcp(&[], &call(r#"{"title":"a","title":"b"}"#)).failure(400, -32700, &Value::Null);
    let number = r#"{"budget":{"$serde_json::private::Number":"150"}}"#;
    agent.mcp(&[], &call(number)).failure(400, -32700, &Value::Null);
    assert_eq!(agent.try_send("POST", "/mcp", &[], b"{\"jsonrpc\":\"\xff\"}").unwrap().status, 400);
    assert_eq!(agent.get("/tasks").json()["pagination"]["total"], 0);
    agent.rpc("ping", &json!({})).result();
}

#[test]
fn an_unknown_method_cannot_break_its_answer() {
    let server = Server::start();
    for method in ["a\"b", "\u{2028}", "<script>", "a\\", "tools/call "] {
        let answer = server.agent.mcp(&[], &request(method, &json!({})).to_string());
        answer.failure(200, -32601, &json!(7));
    }
}
