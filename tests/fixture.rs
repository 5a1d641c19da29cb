//! The in-process fixture, used as any program would: by what the crate shows of itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot go on should fail there

use humans2ai::{Fixture, Server};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

fn send(fixture: &Fixture, key: &str, method: &str, path: &str, body: &Value) -> (u16, String) {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let request = Request::builder().method(method).uri(format!("{}/api/v1{path}", fixture.url()));
    let request = request.header("Authorization", format!("Bearer {key}")).header("Content-Type", "application/json");
    let mut response = agent.run(request.body(body).unwrap()).unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

fn task() -> Value {
    json!({ "title": "Photograph a shop", "description": "From the outside.", "category": "photography", "budget": 150,
        "deadline": "2030-02-01T00:00:00Z" })
}

/// A round of requests that show every kind of id and secret; each answer as it came.
fn round(fixture: &Fixture) -> Vec<String> {
    let (agent, human) = (fixture.agent.api_key.clone().unwrap(), fixture.human.api_key.clone().unwrap());
    let mut answers = Vec::new();
    let mut step = |key: &str, method: &str, path: &str, body: Value| -> Value {
        let (status, text) = send(fixture, key, method, path, &body);
        assert!(status < 300, "{method} {path}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        answers.push(text);
        answer["data"].clone()
    };
    let account = json!({ "email": "a@example.com", "password": "correct horse" });
    step("", "POST", "/public/auth/register", account.clone());
    let login = step("", "POST", "/public/auth/login", account);
    step("", "POST", "/public/auth/refresh", json!({ "refreshToken": login["refreshToken"] }));
    let token = login["idToken"].as_str().unwrap();
    step(token, "POST", "/api-keys", json!({ "name": "another" }));
    step(&agent, "POST", "/webhooks", json!({ "url": "http://127.0.0.1:9/", "events": ["task.submitted"] }));
    let id = step(&agent, "POST", "/tasks", task())["id"].as_str().unwrap().to_owned();
    step(&human, "POST", &format!("/tasks/{id}/apply"), json!({}));
    step(&agent, "POST", &format!("/tasks/{id}/select"), json!({ "humanId": fixture.human.user_id }));
    step(&human, "POST", &format!("/tasks/{id}/messages"), json!({ "content": "On my way" }));
    step(&human, "POST", &format!("/tasks/{id}/submit"), json!({ "proof": "Here" }));
    step(&agent, "POST", "/test/drain", json!({}));
    step(&agent, "POST", "/test/snapshots", json!({}));
    step(&agent, "POST", "/test/clock/advance", json!({ "seconds": 72 * 3_600 }));
    let played = step(&agent, "POST", "/tasks", task())["id"].as_str().unwrap().to_owned();
    step(&agent, "POST", "/test/humans", json!({ "count": 2 }));
    let script = json!({ "script": ["apply", "select", "submit", "reject", "dispute"], "delaySeconds": 60 });
    step(&agent, "POST", &format!("/test/tasks/{played}/simulate"), script);
    let mut diligent = task();
    diligent["metadata"] = json!({ "sandbox.human": "diligent", "sandbox.fault": "webhook_twice" });
    step(&agent, "POST", "/tasks", diligent);
    step(&agent, "POST", "/test/clock/advance", json!({ "seconds": 600 }));
    step(&agent, "POST", "/test/faults", json!({ "route": "POST /tasks", "fault": "conflict" }));
    for path in
        ["/tasks", "/wallet", "/wallet/transactions", "/notifications", "/events", "/api-keys", "/webhooks", "/my/referrals", "/test/clock"]
    {
        step(&agent, "GET", path, json!({}));
        step(&human, "GET", path, json!({}));
    }
    answers
}

#[test]
fn two_runs_with_one_seed_are_identical_and_another_seed_is_another() {
    let run = |seed| {
        let fixture = Server::ephemeral().seed(seed).start().unwrap();
        (fixture.agent.api_key.clone(), round(&fixture))
    };
    let (first, second) = (run(42), run(42));
    assert_eq!(first.0, second.0);
    for (one, other) in first.1.iter().zip(&second.1) {
        assert_eq!(one, other);
    }
    let other = run(43);
    assert!(first.0 != other.0 && first.1 != other.1);
}

#[test]
fn twenty_stand_side_by_side_and_none_disturbs_anothers_sequence() {
    let alone = round(&Server::ephemeral().seed(1).start().unwrap());
    let threads: Vec<_> = (0..20).map(|_| std::thread::spawn(|| round(&Server::ephemeral().seed(1).start().unwrap()))).collect();
    for thread in threads {
        assert!(thread.join().unwrap() == alone);
    }
}

#[test]
fn it_is_configured_like_any_server_and_leaves_nothing_behind() {
    let fixture = Server::ephemeral().set("wallet.test_grant", "7").start().unwrap();
    let (status, wallet) = send(&fixture, fixture.agent.api_key.as_deref().unwrap(), "GET", "/wallet", &json!({}));
    assert_eq!((status, wallet.contains("\"balance\":7,")), (200, true));
    let database = fixture.server().database().to_owned();
    assert!(database.exists());
    drop(fixture);
    assert!(!database.parent().unwrap().exists());
    assert!(Server::ephemeral().set("wallet.gift", "7").start().is_err());
}
