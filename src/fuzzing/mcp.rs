//! Bodies for the MCP endpoint, in whatever dialect and era they speak.

use super::server::Answer;
use crate::api::mcp::{PATH, headers};
use serde_json::Value;

/// The headers that mean something to the endpoint.
const HEADERS: [&str; 8] = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "MCP-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "Origin",
    "X-MCP-Client-Version",
];
/// Of an agent on the bridge from standard input.
const BRIDGE: [&str; 2] = ["Authorization: Bearer sk_test_KEY", "Content-Type: application/json"];
/// What is not read as a message at all, and answered in REST's envelope: a stranger's page, no JSON by its own account.
const UNREAD: [u16; 2] = [403, 415];
/// Longer ones could make a head that is refused for its length.
const MAX_BYTES: usize = 8 * 1_024;

/// A body, after an empty line if it brings its headers; without them it is sent as the bridge sends it. Whatever is
/// answered is no 5xx, and a well-formed answer to just what was asked, in the dialect it was asked in.
pub fn mcp(bytes: &[u8]) {
    // A sandbox makes failures on demand.
    if bytes.len() > MAX_BYTES || bytes.windows(7).any(|window| window == b"sandbox") {
        return;
    }
    let (head, body) = match bytes.windows(2).position(|window| window == b"\n\n") {
        Some(end) => (Some(&bytes[..end]), &bytes[end + 2..]),
        None => (None, bytes),
    };
    let sent: Option<Value> = serde_json::from_slice(body).ok();
    let lines = head.map_or_else(|| bridged(sent.as_ref()), meaningful);
    let request = format!("POST /api/v1{PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{}\r\n", body.len(), lines.concat());
    let answer = Answer::to(&[request.as_bytes(), body].concat()).expect("an answer");
    check(sent.as_ref(), &answer);
    let mismatch = answer.status == 400 && answer.json().pointer("/error/code").is_some_and(|code| *code == -32020);
    let made = head.is_none() && sent.as_ref().is_some_and(Value::is_object);
    assert!(!(made && mismatch), "{sent:?}: the bridge's headers do not fit");
}

fn bridged(sent: Option<&Value>) -> Vec<String> {
    let repeated = sent.map(headers).unwrap_or_default();
    let of_message = repeated.into_iter().map(|(name, value)| format!("{name}: {value}"));
    BRIDGE.map(str::to_owned).into_iter().chain(of_message).map(|line| line + "\r\n").collect()
}

/// The lines of `head` that are headers for the endpoint.
fn meaningful(head: &[u8]) -> Vec<String> {
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let known = lines.filter(|line| {
        let name = line.split(':').next().unwrap_or_default();
        line.len() > name.len() && HEADERS.contains(&name) && line.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    });
    known.map(|line| format!("{line}\r\n")).collect()
}

fn check(sent: Option<&Value>, answer: &Answer) {
    if answer.status == 202 {
        let silent = answer.body().is_empty() && sent.is_some_and(|sent| messages(sent).iter().all(wants_no_answer));
        return assert!(silent, "{sent:?}: {}", answer.head);
    }
    let body = answer.json();
    if body.get("success").is_some() {
        return check_envelope(sent, answer, &body);
    }
    match (sent, &body) {
        (Some(Value::Array(sent)), Value::Array(answers)) => {
            let asked: Vec<_> = sent.iter().filter(|message| !wants_no_answer(message)).collect();
            assert!(!answers.is_empty() && asked.len() == answers.len(), "{sent:?}: {body}");
            for (message, answer) in asked.into_iter().zip(answers) {
                check_one(Some(message), answer, None);
            }
        }
        (sent, one) => check_one(sent, one, Some(answer.status)),
    }
}

/// The documented form is answered in REST's envelope, and so is what is not read as a message.
fn check_envelope(sent: Option<&Value>, answer: &Answer, body: &Value) {
    let success = answer.status < 400;
    let whole = if success { body["data"].is_object() || body["data"].is_array() } else { body["error"]["code"].is_string() };
    let twice = body["error"]["message"].as_str().is_some_and(|message| message.ends_with("must be sent only once"));
    let in_place = sent.is_some_and(is_documented) || UNREAD.contains(&answer.status) || twice;
    assert!(body["success"] == success && whole && in_place, "{sent:?}: {body}");
}

/// Whether the answer is one of JSON-RPC 2.0 to this message; `status` is its own, unless it is one of several.
fn check_one(sent: Option<&Value>, answer: &Value, status: Option<u16>) {
    assert_eq!(answer["jsonrpc"], "2.0", "{sent:?}: {answer}");
    let unread = answer["error"]["code"] == -32700;
    let asked = sent.filter(|sent| !unread && !wants_no_answer(sent));
    let id = asked.and_then(|asked| asked.get("id")).filter(|id| is_id(id)).unwrap_or(&Value::Null);
    assert_eq!(&answer["id"], id, "{sent:?}: {answer}");
    if let Some(result) = answer.get("result") {
        let alone = result.is_object() && answer.get("error").is_none() && status.is_none_or(|status| status == 200);
        assert!(alone && !id.is_null(), "{sent:?}: {answer}");
        return check_result(result);
    }
    let message = answer["error"]["message"].as_str().unwrap_or_default();
    let statuses: &[u16] = match answer["error"]["code"].as_i64() {
        Some(-32700 | -32600 | -32020 | -32022) => &[400],
        Some(-32601) => &[200, 404],
        Some(-32602) => &[200, 400],
        Some(-32000) => &[401],
        _ => &[],
    };
    assert!(!message.is_empty() && status.map_or(!statuses.is_empty(), |status| statuses.contains(&status)), "{sent:?}: {answer}");
}

/// What a tool came to is told twice, for programs and as text.
fn check_result(result: &Value) {
    if let Some(content) = result.get("content") {
        let text: Value = serde_json::from_str(content[0]["text"].as_str().expect("a text")).expect("JSON in it");
        assert!(text.is_object() && text == result["structuredContent"] && result["isError"].is_boolean(), "{result}");
    }
}

fn messages(sent: &Value) -> &[Value] {
    sent.as_array().map_or_else(|| std::slice::from_ref(sent), Vec::as_slice)
}

fn is_documented(sent: &Value) -> bool {
    sent.get("tool").is_some() && sent.get("jsonrpc").is_none()
}

/// A notification, or a response to what this server never asked.
fn wants_no_answer(message: &Value) -> bool {
    let notifies = message["method"].is_string() && message.get("id").is_none() && message.get("params").is_none_or(Value::is_object);
    let responds = message.get("method").is_none() && (message.get("result").is_some() || message.get("error").is_some());
    message["jsonrpc"] == "2.0" && (notifies || responds)
}

/// A string, or a number without a fraction or exponent.
fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_number() && !id.to_string().contains(['.', 'e', 'E'])
}
