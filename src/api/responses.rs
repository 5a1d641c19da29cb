//! The answers in the `OpenAPI` document: a success as its operation declares it, and every failure, described once.

use super::openapi;
use super::rest::ROUTES;
use crate::http::route::Route;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// What every answer carries: a header, what it holds, and its schema's type and form.
const HEADERS: [(&str, &str, &str, &str); 4] = [
    ("X-Request-Id", "Names the request, in the server's log too", "string", "^req_[0-9a-f]{32}$"),
    ("X-RateLimit-Limit", "Requests that the caller has in an hour", "integer", ""),
    ("X-RateLimit-Remaining", "How many of them are left", "integer", ""),
    ("X-RateLimit-Reset", "When the hour ends", "string", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$"),
];

/// The failures by status, and the header that comes with one.
pub const FAILURES: [(&str, &str, Option<&str>); 15] = [
    ("400", "VALIDATION_ERROR, or INSUFFICIENT_BALANCE, RISK_GATE_BLOCKED, LIMIT_EXCEEDED where the operation can", None),
    ("401", "UNAUTHORIZED: no valid Bearer token, or a wrong password", Some("WWW-Authenticate")),
    ("403", "FORBIDDEN: a scope or role is missing, or the account is suspended", None),
    ("404", "TASK_NOT_FOUND or the like: unknown, or not to be seen by the caller", None),
    ("405", "METHOD_NOT_ALLOWED", Some("Allow")),
    ("408", "VALIDATION_ERROR: the request did not arrive in time", None),
    ("409", "STATE_CONFLICT: the message names the state it is in and the states it needs; or EMAIL_TAKEN", None),
    ("410", "CURSOR_EXPIRED: events after the cursor are no longer kept", None),
    ("413", "PAYLOAD_TOO_LARGE: the body is over 256 KiB", None),
    ("415", "UNSUPPORTED_MEDIA_TYPE: the body is not JSON", None),
    ("422", "IDEMPOTENCY_KEY_REUSED", None),
    ("429", "RATE_LIMITED: wait as Retry-After says", Some("Retry-After")),
    ("431", "VALIDATION_ERROR: the head is over 16 KiB or 64 headers", None),
    ("500", "INTERNAL_ERROR: safe to retry with backoff", None),
    ("503", "SERVICE_UNAVAILABLE: retry as Retry-After says", Some("Retry-After")),
];

/// The answers of one endpoint.
pub fn of(route: &Route, pagination: &Schema, generator: &mut SchemaGenerator) -> Value {
    let spec = &route.spec;
    let mut properties = json!({ "success": { "const": true }, "data": (spec.output)(generator) });
    let mut required = vec!["success", "data"];
    if spec.paged {
        properties["pagination"] = json!(pagination);
        required.push("pagination");
    }
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    let mut success = response("Success", Some(&schema), None);
    if route.takes_key() {
        let replayed =
            json!({ "description": "The answer to an earlier request with this Idempotency-Key", "schema": { "const": "true" } });
        success["headers"]["Idempotency-Replayed"] = replayed;
    }
    let links = links(route);
    if !links.is_empty() {
        success["links"] = Value::Object(links);
    }
    let can = |status: &str| match status {
        "409" => route.method != "GET",
        "410" => spec.expires,
        "415" => route.has_body(),
        "422" => route.takes_key(),
        _ => true,
    };
    let failures = FAILURES.iter().filter(|(status, ..)| can(status));
    let failures = failures.map(|(status, ..)| ((*status).to_owned(), json!({ "$ref": format!("#/components/responses/Error{status}") })));
    Value::Object(std::iter::once((route.status.to_string(), success)).chain(failures).collect())
}

/// Where the id of what was made is of use: the endpoints below a collection's own path.
fn links(route: &Route) -> Map<String, Value> {
    let made = route.method == "POST" && route.status == 201;
    let below = |other: &Route| other.path.strip_prefix(route.path).is_some_and(|rest| rest.starts_with("/{"));
    let linked = ROUTES.iter().filter(|other| made && below(other));
    let link = |other: &Route| match other.path_names().collect::<Vec<_>>().as_slice() {
        [id] => {
            Some((other.spec.name.to_owned(), json!({ "operationId": other.spec.name, "parameters": { *id: "$response.body#/data/id" } })))
        }
        _ => None,
    };
    linked.filter_map(link).collect()
}

/// The failures, for endpoints to refer to.
pub fn failures() -> Value {
    let schema = openapi::error();
    let failure = |(status, description, header): &(&str, &str, Option<&str>)| {
        (format!("Error{status}"), response(description, Some(&schema), *header))
    };
    Value::Object(FAILURES.iter().map(failure).collect())
}

/// An answer with the headers of every one, and another and a body where it has them.
pub fn response(description: &str, schema: Option<&Value>, header: Option<&str>) -> Value {
    let names = HEADERS.iter().map(|(name, ..)| *name);
    let reference = |name: &str| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    let headers: Map<String, Value> = names.chain(header).map(reference).collect();
    let mut response = json!({ "description": description, "headers": headers });
    if let Some(schema) = schema {
        response["content"] = json!({ "application/json": { "schema": schema } });
    }
    response
}

/// The headers, for answers to refer to.
pub fn headers() -> Value {
    let of_failures = [
        ("WWW-Authenticate", "How to authenticate: Bearer", "string", "^Bearer"),
        ("Allow", "The methods there are", "string", "^[A-Z]+(, [A-Z]+)*$"),
        ("Retry-After", "Seconds to wait", "integer", ""),
    ];
    let header = |(name, description, kind, pattern): (&str, &str, &str, &str)| {
        let schema = if kind == "integer" { json!({ "type": kind, "minimum": 0 }) } else { json!({ "type": kind, "pattern": pattern }) };
        (name.to_owned(), json!({ "description": description, "required": true, "schema": schema }))
    };
    Value::Object(HEADERS.into_iter().chain(of_failures).map(header).collect())
}
