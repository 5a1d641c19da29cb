//! The legacy era: 2024-11-05 to 2025-11-25.

use super::client::request;
use crate::harness::Server;
use serde_json::{Value, json};

#[test]
fn the_handshake_echoes_a_version_it_knows_or_offers_the_newest() {
    let server = Server::start();
    let version =
        |wanted: Value| server.anyone.rpc("initialize", &json!({ "protocolVersion": wanted })).result()["protocolVersion"].clone();
    for known in ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] {
        assert_eq!(version(json!(known)), known);
    }
    for unknown in [json!("2026-07-28"), json!("1999-01-01"), json!(7), Value::Null] {
        assert_eq!(version(unknown.clone()), "2025-11-25", "{unknown}");
    }
    let result = server.anyone.rpc("initialize", &json!({})).result();
    assert_eq!(result["capabilities"], json!({ "tools": {} }));
    assert_eq!(result["serverInfo"]["name"], "humans2ai");
    assert!(result["instructions"].as_str().unwrap().contains("create_task"));
    assert_eq!(result["resultType"], Value::Null);
}

#[test]
fn a_missing_version_header_is_fine_and_an_unknown_one_is_not() {
    let server = Server::start();
    let ping = request("ping", &json!({})).to_string();
    let send = |versions: &[&str]| {
        let headers: Vec<_> = versions.iter().map(|version| ("MCP-Protocol-Version", *version)).collect();
        server.anyone.mcp(&headers, &ping)
    };
    assert_eq!(send(&[]).result(), json!({}));
    assert_eq!(send(&["2025-06-18"]).result(), json!({}));
    let refused = send(&["2019-01-01"]);
    refused.failure(400, -32022, &json!(7));
    assert_eq!(refused.json()["error"]["data"]["requested"], "2019-01-01");
    send(&["2025-06-18", "2025-06-18"]).failure(400, -32600, &json!(7));
}

#[test]
fn errors_of_well_formed_requests_are_answered_with_200() {
    let server = Server::start();
    let agent = &server.agent;
    agent.rpc("resources/list", &json!({})).failure(200, -32601, &json!(7));
    agent.rpc("server/discover", &json!({})).failure(200, -32601, &json!(7));
    let message = agent.tool("make_coffee", &json!({})).failure(200, -32602, &json!(7));
    assert!(message.contains("create_task"), "{message}");
    agent.rpc("tools/call", &json!({})).failure(200, -32602, &json!(7));
    for arguments in [json!([]), json!("{}"), json!(7), Value::Null] {
        agent.tool("get_wallet", &arguments).failure(200, -32602, &json!(7));
    }
    agent.rpc("tools/call", &json!({ "name": "get_wallet" })).content();
}

#[test]
fn what_is_no_message_is_answered_with_400() {
    let server = Server::start();
    let send = |body: &str| server.anyone.mcp(&[("Content-Type", "application/json")], body);
    for body in ["{", "", "{\"jsonrpc\":\"2.0\",}", "\u{feff}{}"] {
        send(body).failure(400, -32700, &Value::Null);
    }
    for body in ["7", "null", "\"ping\"", "{}", "{\"method\":\"ping\",\"id\":null}", "{\"jsonrpc\":\"1.0\",\"method\":\"ping\"}"] {
        send(body).failure(400, -32600, &Value::Null);
    }
    for id in ["null", "1.5", "1e3", "true", "[]", "{}"] {
        send(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}")).failure(400, -32600, &Value::Null);
    }
    send("{\"jsonrpc\":\"2.0\",\"id\":7}").failure(400, -32600, &json!(7));
    send("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":5}").failure(400, -32600, &json!(7));
    send("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\",\"params\":[]}").failure(400, -32600, &json!(7));
    send("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":7,\"method\":\"ping\"}").failure(400, -32700, &Value::Null);
}

#[test]
fn an_id_comes_back_as_it_was_sent() {
    let server = Server::start();
    for id in ["0", "-1", "\"\"", "\"ä\\n\"", "123456789012345678901234567890"] {
        let answer = server.anyone.mcp(&[], &format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}"));
        assert_eq!(answer.json(), serde_json::from_str::<Value>(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}")).unwrap());
    }
}

#[test]
fn notifications_and_responses_are_taken_without_an_answer() {
    let server = Server::start();
    for body in [
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "method": "notifications/unheard_of", "params": {} }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
        json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 1, "message": "x" } }),
        json!([{ "jsonrpc": "2.0", "method": "notifications/initialized" }]),
    ] {
        let answer = server.anyone.mcp(&[], &body.to_string());
        assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{body}");
    }
    let bad = server.anyone.mcp(&[("MCP-Protocol-Version", "1")], &json!({ "jsonrpc": "2.0", "method": "notifications/x" }).to_string());
    bad.failure(400, -32022, &Value::Null);
}

#[test]
fn a_batch_is_answered_in_its_order() {
    let server = Server::start();
    let call = |id: u32, name: &str, arguments: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": name, "arguments": arguments } });
    let batch = json!([
        call(1, "create_task", Server::example()),
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        call(2, "get_wallet", json!({})),
        { "jsonrpc": "2.0", "id": 3, "method": "initialize" },
        { "jsonrpc": "2.0", "id": "x", "method": "ping" },
        7,
        call(4, "login", json!({ "email": "agent@example.com", "password": "ephemeral" })),
        call(5, "create_task", Server::example()),
        call(6, "get_wallet", json!({})),
    ]);
    let answer = server.agent.mcp(&[], &batch.to_string());
    let answers = answer.json();
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|each| each["id"].clone()).collect();
    assert_eq!((answer.status, json!(ids)), (200, json!([1, 2, 3, "x", null, 4, 5, 6])));
    let frozen = |index: usize| answers[index]["result"]["structuredContent"]["frozenBalance"].clone();
    assert_eq!((frozen(1), frozen(7)), (json!(150), json!(300)), "each runs when the one before is done");
    assert_eq!((&answers[2]["error"]["code"], &answers[4]["error"]["code"]), (&json!(-32600), &json!(-32600)));
}

#[test]
fn batches_are_bounded_and_gone_from_newer_versions() {
    let server = Server::start();
    let batch = |length: usize| json!(vec![request("ping", &json!({})); length]).to_string();
    assert_eq!(server.anyone.mcp(&[], &batch(20)).json().as_array().unwrap().len(), 20);
    assert_eq!(server.anyone.mcp(&[("MCP-Protocol-Version", "2025-03-26")], &batch(2)).status, 200);
    for length in [0, 21, 3000] {
        server.anyone.mcp(&[], &batch(length)).failure(400, -32600, &Value::Null);
    }
    for version in ["2025-06-18", "2025-11-25", "2026-07-28"] {
        server.anyone.mcp(&[("MCP-Protocol-Version", version)], &batch(2)).failure(400, -32600, &Value::Null);
    }
    server.agent.mcp(&[("Idempotency-Key", "k")], &batch(2)).failure(400, -32600, &Value::Null);
    let refused = server.anyone.mcp(&[], &json!([request("tools/call", &json!({ "name": "get_wallet" }))]).to_string());
    assert_eq!((refused.status, &refused.json()[0]["error"]["code"]), (401, &json!(-32000)));
}

#[test]
fn a_failed_login_is_the_tools_error_and_no_challenge() {
    let server = Server::start();
    let answer = server.anyone.tool("login", &json!({ "email": "agent@example.com", "password": "wrong horse" }));
    answer.tool_error("UNAUTHORIZED");
    assert_eq!(answer.header("WWW-Authenticate"), None);
}
