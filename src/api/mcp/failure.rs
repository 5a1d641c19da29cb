//! What goes wrong with a message rather than with a tool: JSON-RPC errors and their HTTP statuses.

use super::era::{Era, VERSIONS};
use super::message::MessageId;
use crate::domain::Error;
use crate::http::response::{Wire, status};
use serde_json::{Value, json};

#[derive(Debug)]
pub enum Failure {
    /// No JSON at all.
    Parse(String),
    InvalidRequest(String),
    MethodNotFound(String),
    InvalidParams(String),
    /// The modern era's `_meta` lacks something.
    Meta(String),
    HeaderMismatch(String),
    UnsupportedVersion {
        requested: String,
    },
    /// The HTTP request is refused, whatever it says: no valid credential, too many requests.
    Refused(Error),
    /// Logged where it happened.
    Internal,
}

impl Failure {
    fn code(&self) -> i32 {
        match self {
            Failure::Parse(_) => -32700,
            Failure::InvalidRequest(_) => -32600,
            Failure::MethodNotFound(_) => -32601,
            Failure::InvalidParams(_) | Failure::Meta(_) => -32602,
            Failure::Internal => -32603,
            Failure::Refused(_) => -32000,
            Failure::HeaderMismatch(_) => -32020,
            Failure::UnsupportedVersion { .. } => -32022,
        }
    }

    /// In the legacy era a well-formed request is answered with 200: there, clients take another status for the end of
    /// the session, or hide the error.
    fn status(&self, era: Era) -> u16 {
        match self {
            Failure::Parse(_)
            | Failure::InvalidRequest(_)
            | Failure::Meta(_)
            | Failure::HeaderMismatch(_)
            | Failure::UnsupportedVersion { .. } => 400,
            Failure::MethodNotFound(_) if era == Era::Modern => 404,
            Failure::MethodNotFound(_) | Failure::InvalidParams(_) | Failure::Internal => 200,
            Failure::Refused(error) => status(error),
        }
    }

    fn message(&self) -> String {
        match self {
            Failure::Parse(why)
            | Failure::InvalidRequest(why)
            | Failure::InvalidParams(why)
            | Failure::Meta(why)
            | Failure::HeaderMismatch(why) => why.clone(),
            Failure::MethodNotFound(method) => format!("There is no method {method}; there are tools/list and tools/call"),
            Failure::UnsupportedVersion { requested } => {
                format!("The protocol version {requested} is not supported; send one of {}", VERSIONS.join(", "))
            }
            Failure::Refused(error) => format!("{}: {error}", error.code()),
            Failure::Internal => "The server failed; it is safe to retry with backoff".into(),
        }
    }

    fn data(&self) -> Option<Value> {
        match self {
            Failure::UnsupportedVersion { requested } => Some(json!({ "supported": VERSIONS, "requested": requested })),
            Failure::Refused(error) => Some(json!({ "code": error.code(), "message": error.to_string() })),
            _ => None,
        }
    }

    /// The answer to the request `id`.
    pub fn answer(&self, era: Era, id: &MessageId) -> Wire {
        let mut error = json!({ "code": self.code(), "message": self.message() });
        if let Some(data) = self.data() {
            error["data"] = data;
        }
        let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}");
        let headers = if let Failure::Refused(error) = self { Wire::error(error).headers } else { Vec::new() };
        Wire { status: self.status(era), body: body.into_bytes(), headers }
    }

    /// The answer when there is no request to name.
    pub fn alone(&self) -> Wire {
        self.answer(Era::Legacy, &MessageId::NULL)
    }
}
