//! Any bytes for the socket.

use super::server::Answer;
use serde_json::Value;

/// Bytes on a new connection: whatever is answered is no 5xx, and in the envelope.
pub fn request(bytes: &[u8]) {
    // A long poll would only take its time.
    if bytes.windows(4).any(|window| window == b"wait") {
        return;
    }
    let Some(answer) = Answer::to(bytes) else { return };
    if bytes.trim_ascii_start().starts_with(b"HEAD ") {
        return;
    }
    let body = answer.json();
    let enveloped = body["success"] == Value::Bool(answer.status < 400) || body.get("openapi").is_some();
    assert!(enveloped, "{}{body}", answer.head);
}
