//! The endpoint in the `OpenAPI` document: what REST's readers need to know of it.

use super::message::MAX_BATCH;
use super::tools::{ALIASES, TOOLS};
use crate::api::{openapi, responses};
use serde_json::{Value, json};

/// The path's item: one POST, in general terms; `tools/list` has the particulars.
pub fn path() -> Value {
    json!({ "post": {
        "operationId": "call_tool",
        "summary": "Call a tool: the MCP endpoint.",
        "description": "Takes {\"tool\", \"input\"} and answers with the envelope; or JSON-RPC 2.0 messages of the Model Context Protocol, \
            2024-11-05 to 2026-07-28, whose tools/list describes each tool with its schemas, and whose errors have JSON-RPC's form and codes. Each tool has its operation's scope; \
            register and login need no credential. Also at /mcp.",
        "tags": ["mcp"],
        "security": [{}, { "bearer": [] }],
        "x-access": "of the tool",
        "parameters": [{ "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "1 to 255 printable ASCII characters, read where a tool writes; required (or idempotency_key in input) for create_task and approve_task in the first form",
            "schema": { "type": "string" } }],
        "requestBody": { "required": true, "content": { "application/json": { "schema": body() } } },
        "responses": answers(),
    } })
}

fn body() -> Value {
    let names: Vec<&str> = TOOLS.iter().map(|tool| tool.spec.name).chain(ALIASES.iter().map(|(alias, _)| *alias)).collect();
    let message = json!({ "type": "object", "required": ["jsonrpc", "method"], "properties": {
        "jsonrpc": { "const": "2.0" },
        "id": { "type": ["string", "integer"], "description": "Absent, it is a notification, which is not answered" },
        "method": { "type": "string" },
        "params": { "type": "object" } } });
    json!({ "oneOf": [
        { "type": "object", "required": ["tool"], "properties": {
            "tool": { "enum": names, "description": "The tool's name" },
            "input": { "type": "object", "description": "The tool's arguments" } },
          "not": { "required": ["jsonrpc"] } },
        message,
        { "type": "array", "minItems": 1, "maxItems": MAX_BATCH, "items": message,
          "description": "A batch, in protocol versions to 2025-03-26 and without an Idempotency-Key" },
    ] })
}

fn answers() -> Value {
    let envelope = json!({ "type": "object", "required": ["success", "data"], "properties": { "success": { "const": true }, "data": {} } });
    let id = json!({ "type": ["string", "integer", "null"] });
    let result = json!({ "type": "object", "required": ["jsonrpc", "id", "result"], "properties": {
        "jsonrpc": { "const": "2.0" }, "id": id, "result": { "type": "object" } } });
    let error = json!({ "type": "object", "required": ["jsonrpc", "id", "error"], "properties": {
        "jsonrpc": { "const": "2.0" }, "id": id,
        "error": { "type": "object", "required": ["code", "message"], "properties": {
            "code": { "type": "integer" }, "message": { "type": "string" }, "data": { "type": "object" } } } } });
    let batch = json!({ "type": "array", "minItems": 1, "maxItems": MAX_BATCH, "items": { "anyOf": [result, error] } });
    let mut answers = json!({
        "200": responses::response("The tool's envelope (201 where REST has it), or a JSON-RPC answer: its errors are in it",
            Some(&json!({ "anyOf": [envelope, result, error, batch] })), None),
        "201": responses::response("The tool made something", Some(&envelope), None),
        "202": responses::response("Notifications want no answer", None, None),
    });
    let failure = json!({ "anyOf": [openapi::error(), error, batch] });
    for (status, description, header) in responses::FAILURES.iter().filter(|(status, ..)| *status != "410") {
        answers[*status] = responses::response(description, Some(&failure), *header);
    }
    answers
}
