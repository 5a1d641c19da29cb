//! The modern era: 2026-07-28, without a handshake.

use super::client::{MODERN, meta, request};
use crate::harness::Server;
use serde_json::{Value, json};

#[test]
fn every_result_says_that_it_is_whole_and_whose_it_is() {
    let server = Server::start();
    for answer in [
        server.agent.modern("server/discover", &json!({})),
        server.agent.modern("tools/list", &json!({})),
        server.agent.modern("tools/call", &json!({ "name": "get_wallet", "arguments": {} })),
        server.agent.modern("tools/call", &json!({ "name": "get_task", "arguments": {} })),
    ] {
        let result = answer.result();
        assert_eq!(result["resultType"], "complete");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "humans2ai");
    }
}

#[test]
fn discovery_tells_versions_and_capabilities_and_may_be_kept() {
    let server = Server::start();
    let discovered = server.anyone.modern("server/discover", &json!({})).result();
    assert_eq!(discovered["supportedVersions"][0], MODERN);
    assert_eq!(discovered["capabilities"], json!({ "tools": {} }));
    let listed = server.anyone.modern("tools/list", &json!({})).result();
    assert_eq!(listed["tools"].as_array().unwrap().len(), 15);
    for result in [discovered, listed] {
        assert!(result["ttlMs"].as_u64().is_some_and(|ttl| ttl > 0));
        assert_eq!(result["cacheScope"], "public");
    }
    let wallet = server.agent.modern("tools/call", &json!({ "name": "get_wallet" }));
    assert_eq!(wallet.result()["ttlMs"], Value::Null);
    assert_eq!(wallet.content()["balance"], 10_000);
}

#[test]
fn a_request_without_its_meta_is_refused() {
    let server = Server::start();
    let headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", "tools/list")];
    let without = |key: &str| {
        let mut meta = meta(MODERN);
        meta.as_object_mut().unwrap().remove(key);
        meta
    };
    for meta in [
        json!({}),
        json!(7),
        without("io.modelcontextprotocol/protocolVersion"),
        without("io.modelcontextprotocol/clientCapabilities"),
        json!({ "io.modelcontextprotocol/protocolVersion": 7 }),
        json!({ "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": [] }),
    ] {
        let body = request("tools/list", &json!({ "_meta": meta })).to_string();
        server.anyone.mcp(&headers, &body).failure(400, -32602, &json!(7));
    }
    server.anyone.mcp(&headers, &request("tools/list", &json!({})).to_string()).failure(400, -32602, &json!(7));
}

#[test]
fn headers_must_say_what_the_body_says() {
    let server = Server::start();
    let call = json!({ "name": "get_wallet" });
    let send = |changes: &[(&str, Option<&str>)]| server.agent.modern_with("tools/call", &call, changes);
    for changes in [
        [("Mcp-Method", None)],
        [("Mcp-Method", Some("tools/list"))],
        [("Mcp-Method", Some("TOOLS/CALL"))],
        [("Mcp-Name", None)],
        [("Mcp-Name", Some("create_task"))],
        [("Mcp-Name", Some("=?base64?!!?="))],
        [("MCP-Protocol-Version", None)],
        [("MCP-Protocol-Version", Some("2025-11-25"))],
    ] {
        send(&changes).failure(400, -32020, &json!(7));
    }
    send(&[("Mcp-Name", Some("get_wallet")), ("Mcp-Name", Some("get_wallet"))]).failure(400, -32020, &json!(7));
    send(&[("MCP-Protocol-Version", Some(MODERN)), ("MCP-Protocol-Version", Some(MODERN))]).failure(400, -32020, &json!(7));
    send(&[("Mcp-Name", Some("=?base64?Z2V0X3dhbGxldA==?="))]).content();
}

#[test]
fn an_unknown_version_is_told_the_known_ones() {
    let server = Server::start();
    for version in ["2099-01-01", "2025-11-25", ""] {
        let body = request("tools/list", &json!({ "_meta": meta(version) })).to_string();
        let answer = server.anyone.mcp(&[("MCP-Protocol-Version", version), ("Mcp-Method", "tools/list")], &body);
        answer.failure(400, -32022, &json!(7));
        let data = &answer.json()["error"]["data"];
        assert_eq!((&data["requested"], &data["supported"][0]), (&json!(version), &json!(MODERN)));
    }
}

#[test]
fn an_unknown_method_is_not_found_the_removed_ones_included() {
    let server = Server::start();
    for method in ["initialize", "ping", "logging/setLevel", "resources/list", "subscriptions/listen", "nothing"] {
        server.agent.modern(method, &json!({})).failure(404, -32601, &json!(7));
    }
}

#[test]
fn bad_parameters_and_tool_errors_come_with_200() {
    let server = Server::start();
    let call = |params: Value| server.agent.modern("tools/call", &params);
    call(json!({ "name": "make_coffee" })).failure(200, -32602, &json!(7));
    call(json!({ "name": "get_wallet", "arguments": [] })).failure(200, -32602, &json!(7));
    call(json!({})).failure(200, -32602, &json!(7));
    let unknown = json!({ "taskId": format!("task_{}", "f".repeat(32)) });
    call(json!({ "name": "get_task", "arguments": unknown })).tool_error("TASK_NOT_FOUND");
}

#[test]
fn a_notification_is_taken_and_a_response_is_not() {
    let server = Server::start();
    let headers = [("MCP-Protocol-Version", MODERN)];
    let notification = server.anyone.mcp(&headers, &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled" }).to_string());
    assert_eq!((notification.status, notification.text.as_str()), (202, ""));
    server.anyone.mcp(&headers, &json!({ "jsonrpc": "2.0", "id": 1, "result": {} }).to_string()).failure(400, -32600, &Value::Null);
    let in_batch = json!([request("tools/list", &json!({ "_meta": meta(MODERN) }))]).to_string();
    let refused = server.anyone.mcp(&[], &in_batch);
    assert_eq!(refused.json()[0]["error"]["code"], -32020, "{}", refused.text);
}
