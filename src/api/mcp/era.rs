//! The two eras of the protocol: the legacy one begins with a handshake, in the modern one (2026-07-28) each request
//! says all about itself, in its `_meta` and once more in headers for those who route by them.

use super::failure::Failure;
use super::message::{Params, Request};
use crate::http::request::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What `initialize` and `server/discover` tell of: the newest first.
pub const VERSIONS: [&str; 5] = [MODERN, "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
pub const LEGACY_VERSIONS: &[&str] = VERSIONS.split_at(1).1;
const MODERN: &str = "2026-07-28";
/// The versions that know batches.
const BATCHING: [&str; 2] = ["2025-03-26", "2024-11-05"];

const VERSION_HEADER: &str = "MCP-Protocol-Version";
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    Legacy,
    Modern,
}

impl Era {
    /// The era in which a message with these parameters speaks.
    pub fn of(request: &rouille::Request, params: &Params) -> Self {
        let in_meta = params.get("_meta").is_some_and(|meta| meta.get(VERSION_KEY).is_some());
        if in_meta || versions(request).any(|version| version == MODERN) { Era::Modern } else { Era::Legacy }
    }

    /// Whether the HTTP request is in order for this message.
    pub fn check(self, http: &rouille::Request, message: &Request) -> Result<(), Failure> {
        match self {
            Era::Legacy => check_legacy(http),
            Era::Modern => check_modern(http, message),
        }
    }
}

fn versions(request: &rouille::Request) -> impl Iterator<Item = &str> {
    request.headers().filter(|(name, _)| name.eq_ignore_ascii_case(VERSION_HEADER)).map(|(_, value)| value)
}

pub fn allows_batches(request: &rouille::Request) -> bool {
    versions(request).all(|version| BATCHING.contains(&version))
}

/// A missing version is fine, an unknown one is not.
pub fn check_legacy(http: &rouille::Request) -> Result<(), Failure> {
    let version = header(http, VERSION_HEADER).map_err(|error| Failure::InvalidRequest(error.to_string()))?;
    match version {
        Some(version) if !LEGACY_VERSIONS.contains(&version) => Err(Failure::UnsupportedVersion { requested: version.to_owned() }),
        _ => Ok(()),
    }
}

fn check_modern(http: &rouille::Request, message: &Request) -> Result<(), Failure> {
    let meta = message.params.get("_meta");
    let text = |key: &str| meta.and_then(|meta| meta.get(key)).and_then(Value::as_str);
    let Some(version) = text(VERSION_KEY) else {
        return Err(Failure::Meta(format!("params._meta must have {VERSION_KEY}, a string")));
    };
    if !meta.and_then(|meta| meta.get(CAPABILITIES_KEY)).is_some_and(Value::is_object) {
        return Err(Failure::Meta(format!("params._meta must have {CAPABILITIES_KEY}, an object")));
    }
    check_header(http, VERSION_HEADER, version)?;
    check_header(http, "Mcp-Method", &message.method)?;
    if message.method == "tools/call"
        && let Some(name) = message.params.get("name").and_then(Value::as_str)
    {
        check_header(http, "Mcp-Name", name)?;
    }
    if version == MODERN { Ok(()) } else { Err(Failure::UnsupportedVersion { requested: version.to_owned() }) }
}

/// The header must be there once and say what the body says.
fn check_header(http: &rouille::Request, name: &str, expected: &str) -> Result<(), Failure> {
    let mismatch = |why: String| Err(Failure::HeaderMismatch(why));
    match header(http, name) {
        Err(error) => mismatch(error.to_string()),
        Ok(None) => mismatch(format!("The header {name} is missing; it must be the same as in the body")),
        Ok(Some(value)) if decode(value).as_deref() == Some(expected) => Ok(()),
        Ok(Some(_)) => mismatch(format!("The header {name} is not the same as in the body")),
    }
}

/// A header's text; what a header cannot hold stands in `=?base64?…?=`.
fn decode(value: &str) -> Option<String> {
    match value.strip_prefix("=?base64?").and_then(|value| value.strip_suffix("?=")) {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}

/// `text` for a header: as it is, if a header can hold it.
pub fn encode(text: &str) -> String {
    let plain = text.bytes().all(|b| (b' '..=b'~').contains(&b)) && text.trim() == text && !text.starts_with("=?base64?");
    if plain { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) }
}

/// The headers that a modern message needs, made from its body: for a transport that has none.
pub fn headers(message: &Value) -> Vec<(&'static str, String)> {
    let Some(version) = message["params"]["_meta"][VERSION_KEY].as_str() else { return Vec::new() };
    let text = |value: &Value| value.as_str().map(encode);
    let name = text(&message["params"]["name"]).map(|name| ("Mcp-Name", name));
    let method = text(&message["method"]).map(|method| ("Mcp-Method", method));
    [Some((VERSION_HEADER, encode(version))), method, name].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_header_cannot_hold_is_encoded() {
        for text in ["create_task", "täsk", " a ", "=?base64?x?=", "", "a\nb"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text), "{text:?}");
        }
        assert_eq!(encode("create_task"), "create_task");
        assert_eq!(decode("=?base64?%%?="), None);
    }
}
