//! Scopes and rate limits of tools.

use super::client::request;
use crate::harness::{Answer, Client, KeptServer, Server, register};
use serde_json::{Value, json};

fn limited(sets: &[&str]) -> (tempfile::TempDir, KeptServer, Client) {
    let directory = tempfile::tempdir().unwrap();
    let args: Vec<_> = sets.iter().flat_map(|set| ["--set", *set]).collect();
    let server = KeptServer::start(&directory.path().join("market.db"), &args);
    let (_, account) = register(&server.anyone, "agent", "agent@example.com");
    let key = account.post("/api-keys", &json!({})).ok(201)["key"].as_str().unwrap().to_owned();
    let agent = account.with_token(&key);
    (directory, server, agent)
}

#[track_caller]
fn is_told_to_wait(answer: &Answer) {
    let result = answer.result();
    assert_eq!(result["isError"], true, "{}", answer.text);
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("RATE_LIMITED: retry in ") && text.ends_with(" s"), "{text}");
    answer.tool_error("RATE_LIMITED");
    assert_eq!(answer.header("X-RateLimit-Remaining"), Some("0"));
    assert!((1..=3600).contains(&answer.header("Retry-After").unwrap().parse::<u32>().unwrap()));
}

#[test]
fn creating_tasks_is_held_to_the_limit_of_task_creation() {
    let (_directory, _server, agent) = limited(&["rate_limits.task_creation=2"]);
    agent.tool("create_task", &Server::example()).content();
    agent.post("/tasks", &Server::example()).ok(201);
    is_told_to_wait(&agent.tool("create_task", &Server::example()));
    agent.post("/tasks", &Server::example()).error(429, "RATE_LIMITED");
    let mut input = Server::example();
    input["idempotency_key"] = json!("k");
    agent.documented("create_task", &input).error(429, "RATE_LIMITED");
    let modern = agent.modern("tools/call", &json!({ "name": "create_task", "arguments": Server::example() }));
    assert!(modern.failure(429, -32000, &json!(7)).starts_with("RATE_LIMITED"));
    assert!(modern.header("Retry-After").is_some());
    assert_eq!(agent.tool("list_tasks", &json!({})).content()["pagination"]["total"], 2);
}

#[test]
fn every_call_counts_against_the_key() {
    let (_directory, _server, agent) = limited(&["rate_limits.mcp=3"]);
    let answer = agent.tool("get_wallet", &json!({}));
    assert_eq!((answer.header("X-RateLimit-Limit"), answer.header("X-RateLimit-Remaining")), (Some("3"), Some("2")));
    agent.rpc("ping", &json!({})).result();
    agent.tool("get_task", &json!({})).tool_error("VALIDATION_ERROR");
    is_told_to_wait(&agent.tool("get_wallet", &json!({})));
    agent.rpc("ping", &json!({})).failure(429, -32000, &json!(7));
    agent.documented("get_wallet", &json!({})).error(429, "RATE_LIMITED");
    agent.get("/wallet").ok(200);
    let another = json!({ "email": "agent@example.com", "password": "correct horse" });
    let token = agent.post("/public/auth/login", &another).ok(200)["idToken"].as_str().unwrap().to_owned();
    agent.with_token(&token).tool("get_wallet", &json!({})).content();
}

#[test]
fn every_message_counts_against_the_address() {
    let (_directory, server, agent) = limited(&["rate_limits.mcp_ip=4"]);
    let batch = json!([request("ping", &json!({})), request("ping", &json!({}))]).to_string();
    assert_eq!(server.anyone.mcp(&[], &batch).status, 200);
    server.anyone.mcp(&[], "{").failure(400, -32700, &Value::Null);
    let last = server.anyone.mcp(&[], &batch).json();
    assert_eq!((&last[0]["result"], &last[1]["error"]["code"]), (&json!({}), &json!(-32000)));
    server.anyone.rpc("ping", &json!({})).failure(429, -32000, &json!(7));
    server.anyone.mcp(&[], "{").failure(429, -32000, &Value::Null);
    is_told_to_wait(&agent.tool("get_wallet", &json!({})));
    agent.get("/wallet").ok(200);
}

#[test]
fn guesses_of_a_key_are_limited_and_registrations_too() {
    let (_directory, server, _agent) = limited(&["rate_limits.default=3", "rate_limits.register=2"]);
    let guess = server.anyone.with_token("sk_test_guess");
    for _ in 0..3 {
        guess.tool("get_wallet", &json!({})).failure(401, -32000, &json!(7));
    }
    guess.modern("tools/call", &json!({ "name": "get_wallet" })).failure(429, -32000, &json!(7));
    let account = |email: &str| server.anyone.tool("register", &json!({ "email": email, "password": "correct horse" }));
    account("one@example.com").content();
    is_told_to_wait(&account("two@example.com"));
}

#[test]
fn a_tool_needs_its_scope() {
    const ALL: [&str; 5] = ["tasks:read", "tasks:write", "wallet:read", "messages:read", "messages:write"];
    let server = Server::start_with(&["mcp.extended=true"]);
    let (_, account) = server.register("agent", "narrow@example.com");
    let tools = server.anyone.rpc("tools/list", &json!({})).result()["tools"].clone();
    for tool in tools.as_array().unwrap() {
        let (name, access) = (tool["name"].as_str().unwrap(), tool["_meta"]["humans2ai/access"].as_str().unwrap());
        if access == "public" {
            assert!(["register", "login"].contains(&name));
            continue;
        }
        server.anyone.tool(name, &json!({})).failure(401, -32000, &json!(7));
        let others: Vec<_> = ALL.into_iter().filter(|scope| *scope != access).collect();
        assert_eq!(others.len(), 4, "{name} needs {access}");
        let key = account.post("/api-keys", &json!({ "scopes": others })).ok(201);
        let narrow = server.anyone.with_token(key["key"].as_str().unwrap());
        let message = narrow.tool(name, &json!({})).tool_error("FORBIDDEN");
        assert!(message.contains(access), "{message}");
        narrow.documented(name, &json!({})).error(403, "FORBIDDEN");
        account.delete(&format!("/api-keys/{}", key["id"].as_str().unwrap())).ok(200);
    }
}

#[test]
fn a_tool_hides_anothers_task() {
    let server = Server::start_with(&["mcp.extended=true"]);
    let (_, stranger) = server.register("agent", "stranger@example.com");
    let task = server.submitted_task();
    let tools = server.anyone.rpc("tools/list", &json!({})).result()["tools"].clone();
    let of_a_task: Vec<_> =
        tools.as_array().unwrap().iter().filter(|tool| tool["inputSchema"]["properties"]["taskId"].is_object()).collect();
    assert_eq!(of_a_task.len(), 11);
    for tool in of_a_task {
        let name = tool["name"].as_str().unwrap();
        let arguments = json!({ "taskId": task, "humanId": server.human_id, "reason": "x".repeat(50), "content": "x" });
        stranger.tool(name, &arguments).tool_error("TASK_NOT_FOUND");
    }
    assert_eq!(server.status_of(&task), "submitted");
}
