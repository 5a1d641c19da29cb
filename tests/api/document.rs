//! What the OpenAPI document says of a field is what the server does with it.

use crate::harness::Server;
use serde_json::{Value, json};

fn field(server: &Server, path: &str, name: &str) -> Value {
    let document = server.anyone.get("/openapi.json").json();
    document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"][name].clone()
}

#[test]
fn null_is_an_absent_field_where_it_may_be_absent() {
    let server = Server::start();
    assert_eq!(field(&server, "/tasks", "location")["type"], json!(["string", "null"]));
    assert_eq!(field(&server, "/tasks", "title")["type"], "string");
    assert!(field(&server, "/tasks", "urgency")["enum"].as_array().unwrap().contains(&Value::Null));
    let mut task = Server::example();
    (task["location"], task["urgency"]) = (Value::Null, Value::Null);
    assert_eq!(server.agent.post("/tasks", &task).ok(201)["urgency"], "medium");
}

#[test]
fn an_integer_may_be_written_with_a_point() {
    let server = Server::start();
    let task = server.submitted_task();
    let approve = |rating: &str| server.agent.send("POST", &format!("/tasks/{task}/approve"), &[], &format!(r#"{{"rating":{rating}}}"#));
    for refused in ["5.5", "50e-1", "6.0", ".0", "-1.0"] {
        assert_eq!(approve(refused).status, 400, "{refused}");
    }
    approve("5.0").ok(200);
}

#[test]
fn an_amount_has_the_steps_that_the_document_states() {
    let server = Server::start();
    assert_eq!(field(&server, "/tasks", "budget")["multipleOf"].to_string(), "1e-2");
    server.agent.post("/tasks", &Server::example_with(&json!({ "budget": 0.001 }))).error(400, "VALIDATION_ERROR");
}

#[test]
fn a_list_that_needs_an_entry_says_so() {
    let server = Server::start();
    for (path, name, body) in
        [("/api-keys", "scopes", json!({ "scopes": [] })), ("/webhooks", "events", json!({ "url": "http://127.0.0.1:9/", "events": [] }))]
    {
        assert_eq!(field(&server, path, name)["minItems"], 1, "{path}");
        let message = server.agent.post(path, &body).error(400, "VALIDATION_ERROR");
        assert_eq!(message, format!("{name} must have at least 1 entry"));
    }
}

#[test]
fn blanks_at_the_ends_are_no_part_of_a_reason() {
    let server = Server::start();
    let pattern = field(&server, "/tasks/{taskId}/reject", "reason")["pattern"].as_str().unwrap().to_owned();
    assert!(pattern.contains("{48,}"), "{pattern}");
    let task = server.submitted_task();
    let reject = |reason: &str| server.agent.post(&format!("/tasks/{task}/reject"), &json!({ "reason": reason }));
    let message = reject(&format!("  {}  ", "x".repeat(49))).error(400, "VALIDATION_ERROR");
    assert!(message.contains("at least 50 characters"), "{message}");
    reject(&format!("  {}  ", "x".repeat(50))).ok(200);
}

#[test]
fn metadata_has_names_of_1_to_50_characters_and_each_once() {
    let server = Server::start();
    let names = field(&server, "/tasks", "metadata")["propertyNames"].clone();
    assert_eq!((&names["minLength"], &names["maxLength"]), (&json!(1), &json!(50)));
    let create = |metadata: Value| server.agent.post("/tasks", &Server::example_with(&json!({ "metadata": metadata })));
    for name in [String::new(), " ".into(), "x".repeat(51), "a\u{0}".into()] {
        create(json!({ name: "1" })).error(400, "VALIDATION_ERROR");
    }
    let message = create(json!({ "a": "1", " a": "2" })).error(400, "VALIDATION_ERROR");
    assert_eq!(message, "metadata must have each name only once");
    assert_eq!(create(json!({ " a ": "1", "b": "2" })).ok(201)["metadata"], json!({ "a": "1", "b": "2" }));
}

/// The answer's own place in the document.
fn described(document: &Value, path: &str, method: &str, status: u16) -> Value {
    let response = &document["paths"][path][method]["responses"][status.to_string()];
    response["$ref"].as_str().map_or(response, |reference| document.pointer(&reference[1..]).unwrap()).clone()
}

#[test]
fn an_answer_has_the_headers_that_the_document_promises() {
    let server = Server::start();
    let document = server.anyone.get("/openapi.json").json();
    let answers = [
        ("/health", "get", server.anyone.get("/health")),
        ("/tasks", "get", server.agent.get("/tasks?page=0")),
        ("/tasks", "get", server.anyone.get("/tasks")),
        ("/tasks", "post", server.agent.send("PUT", "/tasks", &[], "")),
        ("/tasks/{taskId}", "get", server.agent.get("/tasks/x")),
        ("/wallet", "get", server.agent.get("/wallet")),
        ("/mcp", "post", server.anyone.send("GET", "/mcp", &[], "")),
        ("/mcp", "post", server.anyone.post("/mcp", &json!({ "tool": "get_wallet" }))),
        ("/mcp", "post", server.anyone.post("/mcp", &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))),
    ];
    for (path, method, answer) in answers {
        let headers = described(&document, path, method, answer.status)["headers"].as_object().unwrap().clone();
        assert!(headers.len() >= 4, "{path} {}", answer.status);
        for name in headers.keys() {
            assert_eq!(document["components"]["headers"][name]["required"], true, "{name}");
            assert!(answer.header(name).is_some(), "{path} {}: {name}", answer.status);
        }
    }
}

#[test]
fn the_document_says_which_refusals_an_endpoint_has() {
    let server = Server::start();
    let document = server.anyone.get("/openapi.json").json();
    let has = |method: &str, path: &str, status: u16| described(&document, path, method, status).is_object();
    for (status, with, without) in [
        (409, ("delete", "/webhooks/{webhookId}"), ("get", "/wallet")),
        (410, ("get", "/events"), ("get", "/tasks")),
        (415, ("post", "/public/auth/login"), ("get", "/tasks")),
        (422, ("post", "/tasks"), ("post", "/public/auth/login")),
    ] {
        assert!(has(with.0, with.1, status) && !has(without.0, without.1, status), "{status}");
    }
    server.agent.get("/events?after=999999").error(410, "CURSOR_EXPIRED");
    let keyed = server.anyone.post_keyed("/public/check-email", "k", &json!({ "email": "a@b.example" }));
    assert_eq!((keyed.status, keyed.header("Idempotency-Replayed")), (200, None));
}

#[test]
fn what_was_made_is_linked_to_what_can_be_done_with_it() {
    let server = Server::start();
    let document = server.anyone.get("/openapi.json").json();
    let operations: Vec<_> = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values()).collect();
    for (path, operation) in [("/tasks", "get_task"), ("/webhooks", "delete_webhook"), ("/api-keys", "revoke_api_key")] {
        let links = described(&document, path, "post", 201)["links"].clone();
        assert!(links[operation].is_object(), "{path}: {links}");
        for link in links.as_object().unwrap().values() {
            let target = operations.iter().find(|operation| operation["operationId"] == link["operationId"]).unwrap();
            let (name, value) = link["parameters"].as_object().unwrap().iter().next().unwrap();
            assert!(
                target["parameters"].as_array().unwrap().iter().any(|parameter| parameter["name"] == *name && parameter["in"] == "path")
            );
            assert_eq!(value, "$response.body#/data/id");
        }
    }
    assert!(described(&document, "/test/tasks/{taskId}/simulate", "post", 200).get("links").is_none());
}

#[test]
fn the_mcp_endpoint_takes_the_tools_that_its_document_names_and_refuses_in_its_forms() {
    let server = Server::start();
    let document = server.anyone.get("/openapi.json").json();
    let forms = &document["paths"]["/mcp"]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"];
    let tools = forms[0]["properties"]["tool"]["enum"].as_array().unwrap();
    assert_eq!(tools.len(), 19);
    for tool in tools {
        let answer = server.agent.post("/mcp", &json!({ "tool": tool, "input": {} }));
        assert!(!answer.text.contains("tool must be one of"), "{tool}: {}", answer.text);
    }
    let refusals = described(&document, "/mcp", "post", 400)["content"]["application/json"]["schema"]["anyOf"].clone();
    let (documented, rpc) = (server.agent.post("/mcp", &json!({ "tool": "x" })), server.agent.post("/mcp", &json!([])));
    documented.error(400, "VALIDATION_ERROR");
    assert_eq!(refusals[0]["$ref"], "#/components/schemas/Error");
    assert_eq!(refusals[1]["properties"]["error"]["properties"]["code"]["type"], "integer");
    assert!(rpc.status == 400 && rpc.json()["error"]["code"].is_i64(), "{}", rpc.text);
}

#[test]
fn a_script_has_a_step_as_the_document_says() {
    let server = Server::start();
    assert_eq!(field(&server, "/test/tasks/{taskId}/simulate", "script")["minItems"], 1);
    let task = server.open_task();
    let message = server.agent.post(&format!("/test/tasks/{task}/simulate"), &json!({ "script": [] })).error(400, "VALIDATION_ERROR");
    assert_eq!(message, "script must have at least 1 entry");
}

#[test]
fn a_list_takes_a_cursor_where_its_pages_have_one() {
    let server = Server::start();
    let document = server.anyone.get("/openapi.json").json();
    let takes_cursor = |path: &str| {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        parameters.iter().any(|parameter| parameter["name"] == "cursor")
    };
    server.agent.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/" })).ok(201);
    server.agent.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/other" })).ok(201);
    server.open_task();
    server.open_task();
    for path in ["/tasks", "/wallet/transactions", "/webhooks", "/api-keys"] {
        let page = server.agent.get(&format!("{path}?limit=1")).json();
        assert_eq!(page["pagination"]["nextCursor"].is_string(), takes_cursor(path), "{path}: {page}");
    }
    assert!(takes_cursor("/tasks") && !takes_cursor("/webhooks"));
}
