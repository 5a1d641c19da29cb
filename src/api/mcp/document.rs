//! The endpoint in the `OpenAPI` document: what REST's readers need to know of it.

use serde_json::{Value, json};

/// The path's item: one POST, in general terms; `tools/list` has the particulars.
pub fn path() -> Value {
    let envelope =
        |description: &str| json!({ "description": description, "content": { "application/json": { "schema": { "type": "object" } } } });
    let error = |description: &str| json!({ "description": description, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } });
    json!({ "post": {
        "operationId": "call_tool",
        "summary": "Call a tool: the MCP endpoint.",
        "description": "Takes {\"tool\", \"input\"} and answers with the envelope; or JSON-RPC 2.0 messages of the Model Context Protocol, \
            2024-11-05 to 2026-07-28, whose tools/list describes each tool with its schemas. Each tool has its operation's scope; \
            register and login need no credential. Also at /mcp.",
        "tags": ["mcp"],
        "security": [{}, { "bearer": [] }],
        "x-access": "of the tool",
        "parameters": [{ "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "As everywhere; required (or idempotency_key in input) for create_task and approve_task in the first form",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" } }],
        "requestBody": { "required": true, "content": { "application/json": { "schema": { "oneOf": [
            { "type": "object", "required": ["tool"], "properties": {
                "tool": { "type": "string", "description": "The tool's name, such as create_task" },
                "input": { "type": "object", "description": "The tool's arguments" } } },
            { "type": "object", "required": ["jsonrpc", "method"], "properties": {
                "jsonrpc": { "const": "2.0" }, "id": { "type": ["string", "integer"] }, "method": { "type": "string" },
                "params": { "type": "object" } } },
            { "type": "array", "maxItems": 20, "description": "A batch, in protocol versions to 2025-03-26" }
        ] } } } },
        "responses": {
            "200": envelope("The tool's envelope (201 where REST has it), or a JSON-RPC answer: its errors are in it"),
            "201": envelope("The tool made something"),
            "202": { "description": "Notifications want no answer" },
            "400": error("VALIDATION_ERROR or the tool's own; for JSON-RPC a parse error, an invalid request or a header's mismatch"),
            "401": error("UNAUTHORIZED: no valid Bearer token"),
            "403": error("FORBIDDEN: a scope is missing, or the Origin or Host is not allowed"),
            "404": error("TASK_NOT_FOUND or the like; for JSON-RPC 2026-07-28 an unknown method"),
            "405": error("METHOD_NOT_ALLOWED: POST only"),
            "409": error("STATE_CONFLICT"),
            "413": error("PAYLOAD_TOO_LARGE: the body is over 256 KiB"),
            "415": error("UNSUPPORTED_MEDIA_TYPE: the body is not JSON"),
            "422": error("IDEMPOTENCY_KEY_REUSED"),
            "429": error("RATE_LIMITED: wait as Retry-After says"),
            "500": error("INTERNAL_ERROR: safe to retry with backoff"),
            "503": error("SERVICE_UNAVAILABLE: retry as Retry-After says"),
        },
    } })
}
