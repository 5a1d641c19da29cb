//! `humans2ai mcp`: MCP over stdio for clients that start a program. It forwards each line to a running server, so that
//! both transports are one implementation.

use super::client::{Connection, agent};
use crate::api::mcp;
use crate::config::Config;
use crate::server::StartError;
use serde_json::{Value, json};
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use ureq::Agent;
use ureq::http::Request;

const INTERNAL_ERROR: i32 = -32603;

/// Answers the messages of standard input, one a line, in their order, until it ends.
pub fn run(config: &Config, connection: &Connection) -> Result<ExitCode, StartError> {
    let bridge = Bridge::new(config, connection);
    let mut stdout = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Some(answer) = bridge.answer(&line) {
            writeln!(stdout, "{answer}")?;
            stdout.flush()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct Bridge {
    agent: Agent,
    url: String,
    authorization: Option<String>,
}

impl Bridge {
    fn new(config: &Config, connection: &Connection) -> Self {
        Bridge {
            agent: agent(),
            url: format!("{}/api/v1{}", connection.server.url_or(&config.client_url()), mcp::PATH),
            authorization: connection.key().map(|key| format!("Bearer {key}")),
        }
    }

    /// The server's answer to a line; a notification has none, whatever becomes of it.
    fn answer(&self, line: &[u8]) -> Option<Value> {
        // What is no JSON is the server's to refuse.
        let message: Option<Value> = serde_json::from_slice(line).ok();
        let answer = self.forward(line, message.as_ref()).unwrap_or_else(|error| {
            let why = format!("{} did not answer: {error}; start the server there, or set HUMANS2AI_URL to where it is", self.url);
            Some(failure(message.as_ref(), &why))
        });
        let wants_none =
            message.as_ref().is_some_and(|message| message.is_object() && message["method"].is_string() && message.get("id").is_none());
        answer.filter(|_| !wants_none)
    }

    fn forward(&self, line: &[u8], message: Option<&Value>) -> Result<Option<Value>, ureq::Error> {
        let mut request = Request::post(&self.url).header("Content-Type", "application/json").header("Accept", "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        for (name, value) in message.map(mcp::headers).unwrap_or_default() {
            request = request.header(name, value);
        }
        let mut response = self.agent.run(request.body(line)?)?;
        let text = response.body_mut().read_to_string()?;
        if text.is_empty() {
            return Ok(None);
        }
        let answer: Option<Value> = serde_json::from_str(&text).ok();
        Ok(Some(match answer {
            Some(answer) if speaks_as(message, &answer) => answer,
            Some(envelope) if envelope["error"]["message"].is_string() => {
                failure(message, envelope["error"]["message"].as_str().unwrap_or_default())
            }
            _ => failure(message, &format!("{} answered {} and no JSON; is it a Humans2AI server?", self.url, response.status())),
        }))
    }
}

/// Whether the answer is in the message's own language: JSON-RPC, or the documented form.
fn speaks_as(message: Option<&Value>, answer: &Value) -> bool {
    let documented = message.is_some_and(|message| message.get("tool").is_some() && message.get("jsonrpc").is_none());
    documented || answer.is_array() || answer["jsonrpc"] == "2.0"
}

/// A JSON-RPC error for the message that could not be brought to a server.
fn failure(message: Option<&Value>, why: &str) -> Value {
    let id = message.and_then(|message| message.get("id")).filter(|id| id.is_string() || id.is_number()).unwrap_or(&Value::Null);
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": INTERNAL_ERROR, "message": why } })
}
