//! Where webhooks may go: nowhere inside (contract §7).

use crate::harness::{Client, KeptServer, Receiver, Server, id, register};
use serde_json::json;
use std::time::{Duration, Instant};

/// The error of an endpoint's only attempt.
#[track_caller]
fn refusal(client: &Client, webhook: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let log = client.get(&format!("/webhooks/{webhook}/deliveries?state=failed")).ok(200);
        if let Some(error) = log.pointer("/0/attempts/0/error") {
            return error.as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < deadline, "no attempt has failed");
    }
}

#[test]
fn a_live_endpoint_must_be_https_and_public() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let server = KeptServer::start(&data, &["--mode", "live", "--set", "webhooks.retry_delays=[]", "--set", "rate_limits.enabled=false"]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://10.0.0.7/",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.7]/",
        "https://[64:ff9b::a00:7]/",
        "https://[fd00:ec2::254]/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://user@example.com/",
    ] {
        let message = agent.post("/webhooks", &json!({ "url": url })).error(400, "VALIDATION_ERROR");
        assert!(message.starts_with("url "), "{url}: {message}");
        assert!(!message.contains("public") || message.contains("webhooks.allow"), "{url}: {message}");
    }
    // A name is judged by what it leads to, at the moment of connecting.
    let webhook = id(&agent.post("/webhooks", &json!({ "url": "https://localhost:9/" })).ok(201));
    agent.post(&format!("/webhooks/{webhook}/test"), &json!({})).ok(202);
    let error = refusal(&agent, &webhook);
    assert!(error.contains("not public") && error.contains("webhooks.allow"), "{error}");
    assert!(server.terminate());
}

#[test]
fn what_the_operator_allows_is_reached_and_nothing_else() {
    let (receiver, directory) = (Receiver::start(), tempfile::tempdir().unwrap());
    let data = directory.path().join("market.db");
    let start = |allow: &str| {
        let allow = format!("webhooks.allow={allow}");
        KeptServer::start(
            &data,
            &["--mode", "live", "--set", "webhooks.retry_delays=[]", "--set", "rate_limits.enabled=false", "--set", &allow],
        )
    };
    let server = start("[\"127.0.0.0/8\"]");
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let key = agent.send("POST", "/api-keys", &[("X-Humans2AI-Mode", "test")], "{}").ok(201)["key"].as_str().unwrap().to_owned();
    let agent = server.anyone.with_token(&key);
    let webhook = id(&agent.post("/webhooks", &json!({ "url": receiver.url })).ok(201));
    agent.post(&format!("/webhooks/{webhook}/test"), &json!({})).ok(202);
    receiver.wait_for(1);
    assert!(server.terminate());
    // On a live server test data may not reach its neighbours either.
    let server = start("[]");
    let agent = server.anyone.with_token(&key);
    agent.post(&format!("/webhooks/{webhook}/test"), &json!({})).ok(202);
    let error = refusal(&agent, &webhook);
    assert!(error.contains("webhooks.allow"), "{error}");
    assert_eq!(receiver.received().len(), 1);
    assert!(server.terminate());
}

#[test]
fn a_proxy_in_the_environment_is_none_of_its_business() {
    let (server, receiver) =
        (Server::start_in(&[("http_proxy", "http://127.0.0.1:9"), ("ALL_PROXY", "http://127.0.0.1:9")]), Receiver::start());
    server.agent.post("/webhooks", &json!({ "url": receiver.url, "events": ["task.created"] })).ok(201);
    server.open_task();
    receiver.wait_for(1);
}
