//! The `OpenAPI` 3.1 document, made from the routes and the operations' own declarations.

use super::rest::ROUTES;
use super::{mcp, schema};
use crate::domain::actor::{Access, Scope};
use crate::domain::field::Field;
use crate::http::route::{BASE, Route};
use crate::operation::Pagination;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The errors that any request can get, beside its own.
const COMMON_ERRORS: [(&str, &str); 13] = [
    ("400", "VALIDATION_ERROR, or INSUFFICIENT_BALANCE, RISK_GATE_BLOCKED, LIMIT_EXCEEDED where the operation can"),
    ("401", "UNAUTHORIZED: no valid Bearer token, or a wrong password"),
    ("403", "FORBIDDEN: a scope or role is missing, or the account is suspended"),
    ("404", "TASK_NOT_FOUND or the like: unknown, or not to be seen by the caller"),
    ("405", "METHOD_NOT_ALLOWED"),
    ("408", "VALIDATION_ERROR: the request did not arrive in time"),
    ("410", "CURSOR_EXPIRED: events after the cursor are no longer kept"),
    ("413", "PAYLOAD_TOO_LARGE: the body is over 256 KiB"),
    ("415", "UNSUPPORTED_MEDIA_TYPE: the body is not JSON"),
    ("429", "RATE_LIMITED: wait as Retry-After says"),
    ("431", "VALIDATION_ERROR: the head is over 16 KiB or 64 headers"),
    ("500", "INTERNAL_ERROR: safe to retry with backoff"),
    ("503", "SERVICE_UNAVAILABLE: retry as Retry-After says"),
];
/// The errors that a change can get, too.
const CHANGE_ERRORS: [(&str, &str); 2] =
    [("409", "STATE_CONFLICT: the message names the state it is in and the states it needs"), ("422", "IDEMPOTENCY_KEY_REUSED")];

/// The document of [`ROUTES`]; `server_url` is where the API answers.
pub fn document(server_url: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let pagination = generator.subschema_for::<Pagination>();
    let mut paths: Map<String, Value> = Map::new();
    for route in &ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation(route, &pagination, &mut generator);
    }
    paths.insert(mcp::PATH.into(), mcp::document::path());
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Error".into(), error_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Humans2AI",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A marketplace where AI agents hire humans. Amounts are in A9, exact to 6 decimals.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": format!("{server_url}{BASE}") }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "description": "An API key (sk_live_…, sk_test_…) or an ID token" } },
        },
    })
}

fn operation(route: &Route, pagination: &schemars::Schema, generator: &mut SchemaGenerator) -> Value {
    let spec = &route.spec;
    let fields = (spec.fields)();
    let in_path: Vec<_> = route.path_names().collect();
    let (path_fields, others): (Vec<_>, Vec<_>) = fields.iter().partition(|field| in_path.contains(&field.name));
    let has_body = matches!(route.method, "POST" | "PATCH");
    let mut parameters: Vec<Value> = path_fields.iter().map(|field| parameter(field, "path")).collect();
    if has_body && spec.access != Access::Public {
        parameters.push(idempotency_key());
    } else if !has_body {
        parameters.extend(others.iter().map(|field| parameter(field, "query")));
    }
    let mut operation = json!({
        "operationId": spec.name,
        "summary": spec.doc,
        "tags": [route.path.split('/').nth(1).unwrap_or_default()],
        "parameters": parameters,
        "responses": responses(route, pagination, generator),
        "security": if spec.access == Access::Public { json!([]) } else { json!([{ "bearer": [] }]) },
        "x-access": access(spec.access),
    });
    if let Some(role) = spec.role {
        operation["x-role"] = json!(role);
    }
    if has_body && !others.is_empty() {
        operation["requestBody"] = request_body(&others);
    }
    operation
}

/// What the caller must hold, in a word or two: `public`, a scope, `all scopes`, `operator` or `sandbox`.
pub fn access(access: Access) -> Value {
    match access {
        Access::Public => json!("public"),
        Access::Scope(scope) => json!(Scope::to_string(&scope)),
        Access::AllScopes => json!("all scopes"),
        Access::Operator => json!("operator"),
        Access::Sandbox | Access::SandboxControl => json!("sandbox"),
    }
}

fn parameter(field: &Field, place: &str) -> Value {
    let mut parameter = json!({ "name": field.name, "in": place, "required": place == "path" || field.required,
        "description": field.doc, "schema": schema::field(field) });
    if field.schema["type"] == "array" {
        // A list is one value, separated by commas.
        parameter["explode"] = json!(false);
    }
    parameter
}

fn idempotency_key() -> Value {
    json!({ "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "The same key again replays the first answer for 24 h, with Idempotency-Replayed: true",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" } })
}

fn request_body(fields: &[&Field]) -> Value {
    let mut schema = schema::object(fields.iter().copied());
    for field in fields.iter().filter(|field| !field.required) {
        allow_null(&mut schema["properties"][field.name]);
    }
    let required = fields.iter().any(|field| field.required);
    json!({ "required": required, "content": { "application/json": { "schema": schema } } })
}

/// In a body, `null` is a field that is not there.
fn allow_null(schema: &mut Value) {
    schema["type"] = json!([schema["type"], "null"]);
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
}

fn responses(route: &Route, pagination: &schemars::Schema, generator: &mut SchemaGenerator) -> Value {
    let spec = &route.spec;
    let mut properties = json!({ "success": { "const": true }, "data": (spec.output)(generator) });
    let mut required = vec!["success", "data"];
    if spec.paged {
        properties["pagination"] = json!(pagination);
        required.push("pagination");
    }
    let success = json!({ "type": "object", "properties": properties, "required": required });
    let mut responses = Map::new();
    responses
        .insert(route.status.to_string(), json!({ "description": "Success", "content": { "application/json": { "schema": success } } }));
    let changes = (route.method != "GET").then_some(CHANGE_ERRORS);
    for (status, description) in COMMON_ERRORS.into_iter().chain(changes.into_iter().flatten()) {
        let schema = json!({ "$ref": "#/components/schemas/Error" });
        responses.insert(status.into(), json!({ "description": description, "content": { "application/json": { "schema": schema } } }));
    }
    Value::Object(responses)
}

/// The documented envelope of a failure.
pub fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["success", "error"],
        "properties": {
            "success": { "const": false },
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": { "type": "string", "description": "What went wrong, for programs" },
                    "message": { "type": "string", "description": "What went wrong and what to do, for people" },
                },
            },
        },
    })
}
