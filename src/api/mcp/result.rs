//! Results: of a method, and of a tool as it is made from REST's envelope.

use super::era::Era;
use super::failure::Failure;
use super::message::MessageId;
use super::talk::Talk;
use super::tool::Tool;
use crate::domain::{Error, Result};
use crate::http::exchange::refusal;
use crate::http::response::Wire;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

pub const SERVER_NAME: &str = env!("CARGO_PKG_NAME");
pub const SERVER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// REST's envelope, its parts as they are.
#[derive(Deserialize)]
struct Envelope<'a> {
    success: bool,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    pagination: Option<&'a RawValue>,
}

/// What the next action depends on.
#[derive(Deserialize)]
struct Status<'a> {
    status: Option<&'a str>,
}

#[derive(Serialize)]
struct Text<'a> {
    r#type: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    content: [Text<'a>; 1],
    structured_content: &'a RawValue,
    is_error: bool,
}

impl Era {
    /// The answer to a request, with the members of its result (the text of a JSON object).
    pub fn result(self, id: &MessageId, members: &str) -> Wire {
        let result = match self {
            Era::Legacy => members.to_owned(),
            Era::Modern => {
                let server = json!({ "io.modelcontextprotocol/serverInfo": { "name": SERVER_NAME, "version": SERVER_VERSION } });
                with_members(members, &[("resultType", "\"complete\""), ("_meta", &server.to_string())])
            }
        };
        Wire { status: 200, body: format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}").into_bytes(), headers: Vec::new() }
    }

    /// The answer to a tool's call, from what the operation came to.
    pub fn tool_result(self, talk: &Talk, id: &MessageId, tool: &Tool, result: Result<Wire>) -> Wire {
        let (outcome, text) = match result {
            Ok(wire) => (wire, None),
            Err(Error::RateLimited { retry_after_seconds }) => {
                let text = format!("RATE_LIMITED: retry in {retry_after_seconds} s");
                (Wire::error(&Error::RateLimited { retry_after_seconds }), Some(text))
            }
            Err(error @ Error::Internal(_)) => {
                refusal(talk.exchange.id(), &error);
                return Failure::Internal.answer(self, id);
            }
            Err(error) => (Wire::error(&error), None),
        };
        let members = structured(tool, &outcome.body).and_then(|(structured, is_error)| {
            let content = [Text { r#type: "text", text: text.as_deref().unwrap_or(structured.get()) }];
            serde_json::to_string(&ToolResult { content, structured_content: &structured, is_error })
        });
        match members {
            Ok(members) => {
                let headers = outcome.headers.into_iter().filter(|(name, _)| *name != "WWW-Authenticate").collect();
                Wire { headers, ..self.result(id, &members) }
            }
            Err(error) => {
                refusal(talk.exchange.id(), &Error::internal(error));
                Failure::Internal.answer(self, id)
            }
        }
    }
}

/// The structured content of an answer, and whether it is an error: the data itself with what to do next, a list's beside
/// its pagination, and the documented envelope of an error.
fn structured(tool: &Tool, body: &[u8]) -> serde_json::Result<(Box<RawValue>, bool)> {
    let envelope: Envelope = serde_json::from_slice(body)?;
    let Some(data) = envelope.data.filter(|_| envelope.success) else {
        return Ok((serde_json::from_slice(body)?, true));
    };
    let is_list = data.get().starts_with('[');
    let status = if is_list { None } else { serde_json::from_str::<Status>(data.get())?.status };
    let next = serde_json::to_string(tool.next.after(status))?;
    let mut members = vec![("nextAction", next.as_str())];
    if let Some(pagination) = envelope.pagination {
        members.insert(0, ("pagination", pagination.get()));
    }
    let text = if is_list {
        members.insert(0, ("data", data.get()));
        with_members("{}", &members)
    } else {
        with_members(data.get(), &members)
    };
    Ok((RawValue::from_string(text)?, false))
}

/// The text of a JSON object with more members at its end; each value is JSON.
pub fn with_members(object: &str, members: &[(&str, &str)]) -> String {
    let mut text = object.trim_end().strip_suffix('}').unwrap_or(object).to_owned();
    for (name, value) in members {
        let comma = if text == "{" { "" } else { "," };
        text.extend([comma, "\"", name, "\":", value]);
    }
    text.push('}');
    text
}
