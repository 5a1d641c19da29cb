//! The tools: how they are listed, and what they do.

use super::client::request;
use crate::harness::{Server, id};
use serde_json::{Value, json};

const FIFTEEN: [&str; 15] = [
    "register",
    "login",
    "create_task",
    "list_tasks",
    "get_task",
    "list_applications",
    "select_applicant",
    "get_submission",
    "approve_task",
    "reject_task",
    "dispute_task",
    "list_messages",
    "send_message",
    "get_wallet",
    "list_transactions",
];

fn listed(server: &Server) -> Vec<Value> {
    server.anyone.rpc("tools/list", &json!({})).result()["tools"].as_array().unwrap().clone()
}

fn names(tools: &[Value]) -> Vec<&str> {
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn there_are_exactly_the_fifteen_and_more_only_if_asked_for() {
    let server = Server::start();
    assert_eq!(names(&listed(&server)), FIFTEEN);
    server.agent.tool("cancel_task", &json!({})).failure(200, -32602, &json!(7));
    let extended = Server::start_with(&["mcp.extended=true"]);
    assert_eq!(names(&listed(&extended))[15..], ["cancel_task", "wait_for_task", "list_notifications"]);
}

#[test]
fn each_tool_is_fully_described() {
    let server = Server::start_with(&["mcp.extended=true"]);
    for tool in listed(&server) {
        let name = tool["name"].as_str().unwrap();
        assert!(name.len() <= 21 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        let description = tool["description"].as_str().unwrap();
        for part in ["oney", "Errors:", "Next:"] {
            assert!(description.contains(part) || (part == "oney" && description.contains("escrow")), "{name} says nothing of {part}");
        }
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name} {hint}");
        }
        for schema in ["inputSchema", "outputSchema"] {
            assert_eq!(tool[schema]["type"], "object", "{name} {schema}");
            assert!(!tool[schema].to_string().contains("$ref"), "{name} {schema} stands alone");
        }
        for word in ["oneOf", "anyOf", "allOf"] {
            assert!(tool["inputSchema"].get(word).is_none(), "{name} {word}");
        }
    }
}

#[test]
fn the_limits_stand_in_the_schemas() {
    let tools = listed(&Server::start());
    let schema =
        |name: &str, field: &str| tools.iter().find(|tool| tool["name"] == name).unwrap()["inputSchema"]["properties"][field].clone();
    assert_eq!(schema("reject_task", "reason")["minLength"], 50);
    assert_eq!(schema("dispute_task", "reason")["minLength"], 20);
    assert_eq!(schema("send_message", "content")["maxLength"], 2000);
    assert_eq!(schema("create_task", "budget")["maximum"], 1_000_000);
    assert_eq!(schema("create_task", "urgency")["default"], "medium");
    for name in ["create_task", "approve_task", "reject_task", "send_message"] {
        assert_eq!(schema(name, "idempotency_key")["maxLength"], 255, "{name}");
    }
    for name in ["get_wallet", "register", "list_tasks"] {
        assert!(schema(name, "idempotency_key").is_null(), "{name}");
    }
}

#[test]
fn an_agent_goes_the_whole_round_by_the_next_actions() {
    let server = Server::start();
    let account = json!({ "email": "new@example.com", "password": "correct horse" });
    let registered = server.anyone.tool("register", &account).content();
    let agent = server.anyone.with_token(registered["idToken"].as_str().unwrap());
    let next = |content: &Value, word: &str| assert!(content["nextAction"].as_str().unwrap().contains(word), "{content}");
    let task = agent.tool("create_task", &Server::example()).content();
    next(&task, "list_applications");
    let task = json!({ "taskId": id(&task) });
    let path = format!("/tasks/{}", task["taskId"].as_str().unwrap());
    agent.tool("get_submission", &task).tool_error("STATE_CONFLICT");
    server.human.post(&format!("{path}/apply"), &json!({ "message": "Me" })).ok(201);
    let applications = agent.tool("list_applications", &task).content();
    next(&applications, "select_applicant");
    assert_eq!(applications["pagination"]["total"], 1);
    let chosen = json!({ "taskId": task["taskId"], "applicationId": applications["data"][0]["id"] });
    let selected = agent.tool("select_applicant", &chosen).content();
    assert_eq!(selected["status"], "assigned");
    next(&selected, "get_task");
    agent.tool("send_message", &json!({ "taskId": task["taskId"], "content": "Hello" })).content();
    assert_eq!(agent.tool("list_messages", &task).content()["data"][0]["content"], "Hello");
    server.human.post(&format!("{path}/submit"), &json!({ "proof": "First" })).ok(201);
    next(&agent.tool("get_task", &task).content(), "get_submission");
    let reason = json!({ "taskId": task["taskId"], "reason": "The interior of the second shop is missing on all photos." });
    assert_eq!(agent.tool("reject_task", &reason).content()["status"], "rejected");
    server.human.post(&format!("{path}/submit"), &json!({ "proof": "Second" })).ok(201);
    let submission = agent.tool("get_submission", &task).content();
    assert_eq!((&submission["proof"], &submission["earlier"][0]["proof"]), (&json!("Second"), &json!("First")));
    next(&submission, "approve_task");
    let approved = agent.tool("approve_task", &json!({ "taskId": task["taskId"], "rating": 5 })).content();
    assert_eq!((&approved["status"], &approved["payout"]), (&json!("completed"), &json!(149.985)));
    assert_eq!(agent.tool("get_wallet", &json!({})).content()["balance"], 9_850);
    let transactions = agent.tool("list_transactions", &json!({ "type": "escrow_lock" })).content();
    assert_eq!((&transactions["data"][0]["amount"], &transactions["pagination"]["total"]), (&json!(-150), &json!(1)));
    agent.tool("dispute_task", &json!({ "taskId": task["taskId"], "reason": "x".repeat(20) })).tool_error("STATE_CONFLICT");
}

#[test]
fn another_name_is_the_same_tool() {
    let server = Server::start();
    assert_eq!(server.agent.tool("get_balance", &json!({})).content(), server.agent.tool("get_wallet", &json!({})).content());
    let task = server.open_task();
    server.human.post(&format!("/tasks/{task}/apply"), &json!({})).ok(201);
    server.agent.tool("accept_application", &json!({ "taskId": task, "humanId": server.human_id })).content();
    server.act(&server.human, &task, "submit").ok(201);
    let reason = "The interior of the second shop is missing on all photos.";
    server.agent.tool("reject_submission", &json!({ "taskId": task, "reason": reason })).content();
    server.act(&server.human, &task, "submit").ok(201);
    let approve = |name: &str| server.agent.tool(name, &json!({ "taskId": task, "idempotency_key": "k" }));
    assert_eq!(approve("approve_submission").content()["status"], "completed");
    assert_eq!(approve("approve_task").header("Idempotency-Replayed"), Some("true"));
}

#[test]
fn a_repeated_key_is_done_once_in_whatever_dialect() {
    let server = Server::start();
    let mut task = Server::example();
    task["idempotency_key"] = json!("k");
    let first = server.agent.tool("create_task", &task);
    let again = server.agent.tool("create_task", &task);
    assert_eq!((first.content(), first.header("Idempotency-Replayed")), (again.content(), None));
    assert_eq!(again.header("Idempotency-Replayed"), Some("true"));
    let modern = server.agent.modern("tools/call", &json!({ "name": "create_task", "arguments": task }));
    assert_eq!((modern.content(), modern.header("Idempotency-Replayed")), (first.content(), Some("true")));
    assert_eq!(id(&server.agent.documented("create_task", &task).ok(201)), id(&first.content()));
    let plain = request("tools/call", &json!({ "name": "create_task", "arguments": Server::example() })).to_string();
    assert_eq!(server.agent.mcp(&[("Idempotency-Key", "k")], &plain).content(), first.content());
    task["budget"] = json!(2);
    server.agent.tool("create_task", &task).tool_error("IDEMPOTENCY_KEY_REUSED");
    server.agent.post_keyed("/tasks", "k", &Server::example()).error(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(server.agent.get("/tasks").json()["pagination"]["total"], 1);
    let without = server.agent.tool("create_task", &Server::example());
    assert_ne!(without.content()["id"], first.content()["id"], "without a key each call is its own");
}

#[test]
fn a_refusal_that_was_decided_is_replayed_as_one() {
    let server = Server::start();
    let mut dear = Server::example_with(&json!({ "budget": 999_999 }));
    dear["idempotency_key"] = json!("dear");
    server.agent.tool("create_task", &dear).tool_error("INSUFFICIENT_BALANCE");
    let replay = server.agent.tool("create_task", &dear);
    replay.tool_error("INSUFFICIENT_BALANCE");
    assert_eq!(replay.header("Idempotency-Replayed"), Some("true"));
    let weapons = Server::example_with(&json!({ "title": "Buy a gun for me" }));
    server.agent.tool("create_task", &weapons).tool_error("RISK_GATE_BLOCKED");
}

#[test]
fn secrets_are_told_once_and_kept_nowhere() {
    let server = Server::start();
    let account = json!({ "email": "new@example.com", "password": "a long secret", "idempotency_key": "k" });
    let registered = server.anyone.tool("register", &account).content();
    server.anyone.tool("register", &account).tool_error("EMAIL_TAKEN");
    let file = std::fs::read(&server.database).unwrap();
    let log = std::fs::read(server.database.with_extension("db-wal")).unwrap_or_default();
    for secret in ["a long secret", registered["idToken"].as_str().unwrap(), registered["refreshToken"].as_str().unwrap()] {
        let kept = [&file, &log].iter().any(|bytes| bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        assert!(!kept, "{secret}");
    }
}

#[test]
fn a_role_is_asked_for_as_in_rest() {
    let server = Server::start();
    server.human.tool("create_task", &Server::example()).tool_error("FORBIDDEN");
    server.agent.tool("create_task", &json!({})).tool_error("VALIDATION_ERROR");
}

#[test]
fn waiting_ends_when_the_task_moves() {
    let server = Server::start_with(&["mcp.extended=true"]);
    let task = server.open_task();
    let known = |status: &str| server.agent.tool("wait_for_task", &json!({ "taskId": task, "status": status, "wait": 25 })).content();
    assert_eq!(known("assigned")["status"], "open", "another status is told at once");
    assert_eq!(server.agent.tool("wait_for_task", &json!({ "taskId": task, "wait": 0 })).content()["status"], "open");
    let wait = || server.agent.tool("wait_for_task", &json!({ "taskId": task, "applicantCount": 0 })).content();
    std::thread::scope(|scope| {
        // More than the server has threads for requests: if they held them, all would have waited in vain before the human
        // could apply.
        let waits: Vec<_> = (0..12).map(|_| scope.spawn(wait)).collect();
        server.human.post(&format!("/tasks/{task}/apply"), &json!({})).ok(201);
        for wait in waits {
            assert_eq!(wait.join().unwrap()["applicantCount"], 1);
        }
    });
    server.agent.tool("wait_for_task", &json!({ "taskId": task, "wait": 26 })).tool_error("VALIDATION_ERROR");
    assert_eq!(server.agent.tool("cancel_task", &json!({ "taskId": task })).content()["status"], "cancelled");
    assert_eq!(server.human.tool("list_notifications", &json!({})).content()["unreadCount"], 1);
}
