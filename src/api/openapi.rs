//! The `OpenAPI` 3.1 document, made from the routes and the operations' own declarations.

use super::rest::ROUTES;
use super::{mcp, responses, schema};
use crate::domain::actor::{Access, Scope};
use crate::domain::field::Field;
use crate::http::route::{BASE, Route};
use crate::operation::Pagination;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

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
            "headers": responses::headers(),
            "responses": responses::failures(),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "description": "An API key (sk_live_…, sk_test_…) or an ID token" } },
        },
    })
}

fn operation(route: &Route, pagination: &schemars::Schema, generator: &mut SchemaGenerator) -> Value {
    let spec = &route.spec;
    let fields = (spec.fields)();
    let in_path: Vec<_> = route.path_names().collect();
    let (path_fields, others): (Vec<_>, Vec<_>) = fields.iter().partition(|field| in_path.contains(&field.name));
    let mut parameters: Vec<Value> = path_fields.iter().map(|field| parameter(field, "path")).collect();
    if route.takes_key() {
        parameters.push(idempotency_key());
    } else if !route.has_body() {
        parameters.extend(others.iter().map(|field| parameter(field, "query")));
    }
    let mut operation = json!({
        "operationId": spec.name,
        "summary": spec.doc,
        "tags": [route.path.split('/').nth(1).unwrap_or_default()],
        "parameters": parameters,
        "responses": responses::of(route, pagination, generator),
        "security": if spec.access == Access::Public { json!([]) } else { json!([{ "bearer": [] }]) },
        "x-access": access(spec.access),
    });
    if let Some(role) = spec.role {
        operation["x-role"] = json!(role);
    }
    if route.has_body() && !others.is_empty() {
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

/// Where the document has [`error_schema`].
pub fn error() -> Value {
    json!({ "$ref": "#/components/schemas/Error" })
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
