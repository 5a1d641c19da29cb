//! What is decided before a message is read.

use super::client::request;
use crate::harness::Server;
use serde_json::{Value, json};

#[test]
fn foreign_origins_and_hosts_are_refused_and_local_ones_are_not() {
    let server = Server::start_with(&["server.public_url=https://market.example.com"]);
    let list = request("tools/list", &json!({})).to_string();
    let send = |name: &str, value: &str| server.anyone.mcp(&[(name, value)], &list);
    for origin in ["http://localhost:3000", "http://127.0.0.1:1", "http://[::1]:1", "https://market.example.com"] {
        assert_eq!(send("Origin", origin).status, 200, "{origin}");
    }
    for origin in ["https://evil.example.com", "null", "http://localhost.evil.com", "file:///x"] {
        let message = send("Origin", origin).error(403, "FORBIDDEN");
        assert!(message.contains("server.public_url"), "{message}");
    }
    for host in ["localhost:8080", "market.example.com"] {
        assert_eq!(send("Host", host).status, 200, "{host}");
    }
    send("Host", "evil.example.com").error(403, "FORBIDDEN");
}

#[test]
fn only_post_is_answered_at_each_of_the_four_paths() {
    let server = Server::start();
    for method in ["GET", "DELETE", "PUT", "HEAD"] {
        let answer = server.anyone.send(method, "/mcp", &[], "");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST")), "{method}");
    }
    let list = request("tools/list", &json!({})).to_string();
    assert_eq!(server.anyone.send("POST", "/mcp/", &[], &list).status, 200);
    for path in ["/mcp", "/mcp/"] {
        let answer = server.anyone.send_to("POST", path, &[("Content-Type", "application/json")], list.as_bytes()).unwrap();
        assert_eq!(answer.result()["tools"].as_array().unwrap().len(), 15, "{path}");
    }
}

#[test]
fn what_clients_probe_for_oauth_is_not_found_in_json() {
    let server = Server::start();
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server/mcp", "/authorize", "/token"] {
        server.anyone.send_to("GET", path, &[], b"").unwrap().error(404, "NOT_FOUND");
    }
    let json = [("Content-Type", "application/json")];
    server.anyone.send_to("POST", "/register", &json, b"{}").unwrap().error(404, "NOT_FOUND");
}

#[test]
fn only_json_is_read_and_any_accept_is_fine() {
    let server = Server::start();
    let list = request("tools/list", &json!({})).to_string();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"] {
        server.anyone.mcp(&[("Content-Type", content_type)], &list).error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for accept in ["application/json", "text/event-stream", "text/html", "application/json, text/event-stream"] {
        let answer = server.anyone.mcp(&[("Accept", accept)], &list);
        assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("application/json")), "{accept}");
        assert_eq!(answer.header("Mcp-Session-Id"), None);
    }
    assert_eq!(server.anyone.mcp(&[("Mcp-Session-Id", "made-up")], &list).status, 200);
}

#[test]
fn a_missing_key_is_challenged_and_a_bad_one_is_called_invalid() {
    let server = Server::start();
    let bad = server.anyone.with_token("sk_test_wrong");
    let call = json!({ "name": "get_wallet" });
    let missing = server.anyone.rpc("tools/call", &call);
    assert!(missing.failure(401, -32000, &json!(7)).contains("Authorization"));
    assert_eq!(missing.header("WWW-Authenticate"), Some("Bearer realm=\"humans2ai\""));
    for answer in [bad.rpc("tools/call", &call), bad.modern("tools/call", &call), bad.rpc("initialize", &json!({}))] {
        let message = answer.failure(401, -32000, &json!(7));
        assert!(message.starts_with("UNAUTHORIZED"), "{message}");
        assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer realm=\"humans2ai\", error=\"invalid_token\""));
        assert_eq!(answer.json()["error"]["data"]["code"], "UNAUTHORIZED");
    }
    let documented = bad.documented("get_wallet", &json!({}));
    documented.error(401, "UNAUTHORIZED");
    assert_eq!(documented.header("WWW-Authenticate"), Some("Bearer realm=\"humans2ai\", error=\"invalid_token\""));
}

#[test]
fn what_needs_no_key_needs_none() {
    let server = Server::start();
    let anyone = &server.anyone;
    anyone.rpc("initialize", &json!({})).result();
    anyone.rpc("ping", &json!({})).result();
    anyone.rpc("tools/list", &json!({})).result();
    anyone.modern("server/discover", &json!({})).result();
    let account = json!({ "email": "new@example.com", "password": "correct horse" });
    anyone.tool("register", &account).content();
    anyone.documented("login", &account).ok(200);
    // Whoever has an old token logs in for a new one.
    anyone.with_token("old").tool("login", &account).content();
}

#[test]
fn an_old_client_is_told_to_update() {
    let server = Server::start();
    let list = request("tools/list", &json!({})).to_string();
    let warning =
        |version: &str| server.anyone.mcp(&[("X-MCP-Client-Version", version)], &list).header("X-MCP-Version-Warning").map(str::to_owned);
    assert!(warning("0.9.1").unwrap().contains("1.0.0"));
    assert_eq!((warning("1.0.0"), warning("2.1")), (None, None));
}

#[test]
fn the_document_has_the_endpoint() {
    let document = Server::start().anyone.get("/openapi.json").json();
    let endpoint: &Value = &document["paths"]["/mcp"]["post"];
    assert!(endpoint["description"].as_str().unwrap().contains("Model Context Protocol"));
}
