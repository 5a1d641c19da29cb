//! `humans2ai mcp`

use super::client::{MODERN, meta, request};
use crate::harness::{Server, command, run_by};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;

/// What the bridge says to these lines, line by line, until its end.
fn bridge(url: &str, key: &str, lines: &[String]) -> Vec<Value> {
    let mut command = command();
    command.arg("mcp").env("HUMANS2AI_URL", url).env("API_KEY", key);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn key(server: &Server) -> String {
    server.ready["agent"]["apiKey"].as_str().unwrap().to_owned()
}

#[test]
fn each_line_is_answered_with_a_line_and_nothing_else_is_said() {
    let server = Server::start();
    let call = |name: &str, arguments: Value| request("tools/call", &json!({ "name": name, "arguments": arguments })).to_string();
    let lines = [
        request("initialize", &json!({ "protocolVersion": "2025-06-18" })).to_string(),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
        String::new(),
        call("create_task", Server::example()),
        "{".to_owned(),
        json!([request("ping", &json!({}))]).to_string(),
        json!({ "tool": "get_wallet" }).to_string(),
        call("get_wallet", json!({})),
    ];
    let answers = bridge(&server.url, &key(&server), &lines);
    assert_eq!(answers.len(), 6, "{answers:?}");
    assert_eq!(answers[0]["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(answers[1]["result"]["structuredContent"]["budget"], 150);
    assert_eq!(answers[2]["error"]["code"], -32700);
    assert_eq!(answers[3][0]["result"], json!({}));
    assert_eq!(answers[4]["data"]["frozenBalance"], 150);
    assert_eq!(answers[5]["result"]["structuredContent"]["frozenBalance"], 150);
}

#[test]
fn the_modern_era_gets_its_headers_from_the_message() {
    let server = Server::start();
    let with_meta = |method: &str, version: &str, name: &str| {
        let mut params = json!({ "_meta": meta(version) });
        if !name.is_empty() {
            params["name"] = json!(name);
        }
        request(method, &params).to_string()
    };
    let lines = [
        with_meta("server/discover", MODERN, ""),
        with_meta("tools/call", MODERN, "get_wallet"),
        with_meta("tools/call", MODERN, "wällét "),
        with_meta("server/discover", "2099-01-01", ""),
        with_meta("ping", MODERN, ""),
    ];
    let answers = bridge(&server.url, &key(&server), &lines);
    assert_eq!(answers[0]["result"]["supportedVersions"][0], MODERN);
    assert_eq!(answers[1]["result"]["structuredContent"]["balance"], 10_000);
    let codes: Vec<_> = answers[2..].iter().map(|answer| answer["error"]["code"].as_i64().unwrap()).collect();
    assert_eq!(codes, [-32602, -32022, -32601]);
}

#[test]
fn a_wrong_key_and_an_envelope_become_errors_of_the_message() {
    let server = Server::start();
    let wallet = request("tools/call", &json!({ "name": "get_wallet" })).to_string();
    let answers = bridge(&server.url, "sk_test_wrong", &[wallet, request("ping", &json!({ "x": "x".repeat(300 * 1024) })).to_string()]);
    assert!(answers[0]["error"]["message"].as_str().unwrap().starts_with("UNAUTHORIZED"));
    assert!(answers[1]["error"]["message"].as_str().unwrap().contains("256 KiB"));
    assert_eq!((&answers[0]["id"], &answers[1]["id"]), (&json!(7), &json!(7)));
}

#[test]
fn a_server_that_is_not_there_is_said_so_for_each_request() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lines = [
        request("ping", &json!({})).to_string(),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
        json!({ "jsonrpc": "2.0", "id": "x", "method": "ping" }).to_string(),
    ];
    let answers = bridge(&format!("http://{address}"), "", &lines);
    assert_eq!((answers.len(), &answers[0]["id"], &answers[1]["id"]), (2, &json!(7), &json!("x")));
    assert!(answers[0]["error"]["message"].as_str().unwrap().contains("HUMANS2AI_URL"));
}

#[test]
fn server_and_key_are_told_as_to_every_other_command() {
    let server = Server::start();
    let wallet = request("tools/call", &json!({ "name": "get_wallet" })).to_string();
    let mut command = command();
    command.env("HUMANS2AI_URL", "http://127.0.0.1:9").env("API_KEY", "sk_test_other");
    let output = run_by(command, &["mcp", "--url", &format!("{}/api/v1/", server.url), "--key", &key(&server)], &wallet);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("frozenBalance"), "a flag goes before the environment: {said}");
}

#[test]
fn the_key_is_not_logged_at_any_level() {
    let server = Server::start();
    let mut command = command();
    command.arg("mcp").env("HUMANS2AI_URL", &server.url).env("API_KEY", key(&server)).env("HUMANS2AI_LOG__LEVEL", "trace");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let wallet = request("tools/call", &json!({ "name": "get_wallet" })).to_string();
    child.stdin.take().unwrap().write_all(wallet.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("frozenBalance"));
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!log.is_empty() && !log.contains(&key(&server)), "{log}");
}
