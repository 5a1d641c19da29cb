//! Faults on demand: by magic values of a task, and armed for the next requests of a route.

use crate::harness::{KeptServer, Receiver, Server, id, register};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The example, asking for a fault in its title or in its metadata.
fn asking(word: &str, in_title: bool) -> Value {
    Server::example_with(&if in_title {
        json!({ "title": format!("Photograph a shop [sandbox:{word}]") })
    } else {
        json!({ "metadata": { "sandbox.fault": word } })
    })
}

fn arm(server: &Server, route: &str, fault: &str, times: u32) {
    let armed = server.agent.post("/test/faults", &json!({ "route": route, "fault": fault, "times": times, "delayMs": 300 })).ok(201);
    assert_eq!((&armed["remaining"], &armed["fault"]), (&json!(times), &json!(fault)));
}

fn tasks(server: &Server) -> Value {
    server.agent.get("/tasks?mine=true").json()["pagination"]["total"].clone()
}

#[test]
fn every_failure_can_be_forced_by_title_metadata_and_arming_and_changes_nothing() {
    let server = Server::start();
    for (word, status, code) in [
        ("risk_gate_blocked", 400, "RISK_GATE_BLOCKED"),
        ("insufficient_balance", 400, "INSUFFICIENT_BALANCE"),
        ("conflict", 409, "STATE_CONFLICT"),
        ("rate_limited", 429, "RATE_LIMITED"),
        ("internal_error", 500, "INTERNAL_ERROR"),
        ("service_unavailable", 503, "SERVICE_UNAVAILABLE"),
    ] {
        arm(&server, "POST /tasks", word, 1);
        for body in [asking(word, true), asking(word, false), Server::example()] {
            let answer = server.agent.post("/tasks", &body);
            answer.error(status, code);
            assert_eq!(answer.header("Retry-After"), matches!(status, 429 | 503).then_some("1"), "{word}");
        }
    }
    assert_eq!(tasks(&server), 0);
    assert_eq!(server.agent.get("/wallet").ok(200)["frozenBalance"], 0);
    server.agent.post("/tasks", &Server::example()).ok(201);
}

#[test]
fn a_forced_decision_is_replayed_and_a_forced_failure_is_not() {
    let server = Server::start();
    for (word, kept) in [("insufficient_balance", true), ("conflict", true), ("rate_limited", false), ("service_unavailable", false)] {
        arm(&server, "POST /tasks", word, 1);
        let first = server.agent.post_keyed("/tasks", word, &Server::example());
        let again = server.agent.post_keyed("/tasks", word, &Server::example());
        assert_eq!(again.header("Idempotency-Replayed"), kept.then_some("true"), "{word}");
        assert_eq!(again.text == first.text, kept, "{word}");
    }
    assert_eq!(tasks(&server), 2);
}

#[test]
fn after_a_dropped_connection_the_same_key_gives_the_one_task() {
    let server = Server::start();
    let create = |key: &str, body: &Value| {
        let headers = [("Idempotency-Key", key)];
        server.agent.try_send("POST", "/tasks", &headers, body.to_string().as_bytes())
    };
    for (number, body) in
        [asking("dropped_after_commit", true), asking("dropped_after_commit", false), Server::example()].iter().enumerate()
    {
        if number == 2 {
            arm(&server, "POST /tasks", "dropped_after_commit", 1);
        }
        let key = format!("key-{number}");
        assert!(create(&key, body).is_err(), "the connection was to be dropped");
        let retry = create(&key, body).unwrap();
        assert_eq!(retry.header("Idempotency-Replayed"), Some("true"));
        let task = id(&retry.ok(201));
        assert_eq!((server.status_of(&task), tasks(&server)), ("open".into(), json!(number + 1)));
    }
}

#[test]
fn a_slow_answer_tells_what_has_happened_at_once_and_keeps_nobody_waiting() {
    let server = Server::start();
    arm(&server, "POST /tasks", "slow", 20);
    let began = Instant::now();
    std::thread::scope(|scope| {
        // More than there are threads for requests.
        for _ in 0..20 {
            scope.spawn(|| server.agent.post("/tasks", &Server::example()).ok(201));
        }
        while tasks(&server) != 20 {
            assert!(began.elapsed() < Duration::from_secs(10), "the tasks are to be there before their answers");
        }
    });
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_slow_answer_does_not_keep_the_server_from_stopping() {
    let server = Server::start();
    server.agent.post("/test/faults", &json!({ "route": "POST /tasks", "fault": "slow", "delayMs": 30_000 })).ok(201);
    let agent = server.agent.clone();
    let slow = std::thread::spawn(move || agent.post("/tasks", &Server::example()).status);
    while tasks(&server) != 1 {}
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < Duration::from_secs(25));
    assert_eq!(slow.join().unwrap(), 201);
}

#[test]
fn armed_faults_are_counted_down_and_the_callers_own() {
    let server = Server::start();
    let (_, other) = server.register("agent", "other@example.com");
    arm(&server, "GET /wallet", "internal_error", 2);
    arm(&server, "POST /tasks/:id/cancel", "conflict", 1);
    other.get("/wallet").ok(200);
    server.agent.get("/tasks").ok(200);
    server.agent.get("/wallet").error(500, "INTERNAL_ERROR");
    let listed = server.agent.get("/test/faults").ok(200);
    let left: Vec<_> = listed.as_array().unwrap().iter().map(|fault| (fault["route"].clone(), fault["remaining"].clone())).collect();
    assert_eq!(left, [(json!("GET /wallet"), json!(1)), (json!("POST /tasks/{taskId}/cancel"), json!(1))]);
    assert_eq!(other.get("/test/faults").ok(200), json!([]));
    assert_eq!(other.delete("/test/faults").ok(200)["disarmed"], 0);
    server.agent.get("/wallet").error(500, "INTERNAL_ERROR");
    server.agent.get("/wallet").ok(200);
    let task = server.open_task();
    server.act(&server.agent, &task, "cancel").error(409, "STATE_CONFLICT");
    arm(&server, "POST /tasks", "slow", 9);
    assert_eq!(server.agent.delete("/test/faults").ok(200)["disarmed"], 1);
    server.act(&server.agent, &task, "cancel").ok(200);
}

#[test]
fn a_word_or_route_that_is_none_is_refused_with_the_choices() {
    let server = Server::start();
    for in_title in [true, false] {
        let message = server.agent.post("/tasks", &asking("explosion", in_title)).error(400, "VALIDATION_ERROR");
        assert!(message.contains("dropped_after_commit") && message.contains("sandbox"), "{message}");
    }
    for (name, body) in [
        ("fault", json!({ "route": "POST /tasks", "fault": "explosion" })),
        ("route", json!({ "route": "POST /nowhere", "fault": "slow" })),
        ("route", json!({ "route": "DELETE /test/faults", "fault": "slow" })),
        ("route", json!({ "route": "POST /public/auth/login", "fault": "slow" })),
        ("times", json!({ "route": "POST /tasks", "fault": "slow", "times": 0 })),
        ("delayMs", json!({ "route": "POST /tasks", "fault": "slow", "delayMs": 30_001 })),
    ] {
        let message = server.agent.post("/test/faults", &body).error(400, "VALIDATION_ERROR");
        assert!(message.starts_with(name), "{message}");
    }
}

#[test]
fn live_data_knows_no_faults() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let server = KeptServer::start(&data, &["--mode", "live"]);
    let (user, agent) = register(&server.anyone, "agent", "agent@example.com");
    let deposit = ["--data", data.to_str().unwrap(), "--mode", "live", "admin", "deposit", &user, "1000", "--reference", "x"];
    assert!(crate::harness::run(&deposit, "").status.success());
    agent.post("/test/faults", &json!({ "route": "POST /tasks", "fault": "conflict" })).error(404, "NOT_FOUND");
    for word in ["conflict", "explosion"] {
        agent.post("/tasks", &asking(word, true)).ok(201);
        agent.post("/tasks", &asking(word, false)).ok(201);
    }
}

/// A task of the agent's that goes from creation to completion.
fn complete(server: &Server, changes: &Value) {
    let task = server.create(changes);
    for (client, action) in [(&server.human, "apply"), (&server.agent, "select"), (&server.human, "submit"), (&server.agent, "approve")] {
        assert!(server.act(client, &task, action).status < 300);
    }
}

#[test]
fn a_webhook_arrives_twice_on_demand() {
    let server = Server::start();
    let receiver = Receiver::start();
    server.agent.post("/webhooks", &json!({ "url": receiver.url, "events": ["task.created", "task.cancelled"] })).ok(201);
    let task = server.create(&json!({ "metadata": { "sandbox.fault": "webhook_twice" } }));
    let (first, second) = (receiver.next(), receiver.next());
    assert_eq!((first.json()["event"].clone(), &first.json()["data"]), (json!("task.created"), &second.json()["data"]));
    assert_eq!(first.header("X-Humans2AI-Delivery"), second.header("X-Humans2AI-Delivery"));
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    server.act(&server.agent, &task, "cancel").ok(200);
    assert_eq!(receiver.next_events(2), ["task.cancelled", "task.cancelled"]);
    let other = server.open_task();
    arm(&server, "POST /tasks/{taskId}/cancel", "webhook_twice", 1);
    server.act(&server.agent, &other, "cancel").ok(200);
    assert_eq!(receiver.next_events(3), ["task.created", "task.cancelled", "task.cancelled"]);
    server.open_task();
    assert_eq!(receiver.next_events(1), ["task.created"]);
    assert!(receiver.is_empty());
}

#[test]
fn webhooks_arrive_out_of_order_on_demand_and_none_is_lost() {
    let server = Server::start_with(&["webhooks.retry_delays=[600]"]);
    let receiver = Receiver::start();
    let events = json!(["task.created", "task.human_accepted", "task.submitted", "task.completed"]);
    server.agent.post("/webhooks", &json!({ "url": receiver.url, "events": events })).ok(201);
    complete(&server, &json!({ "title": "Photograph a shop [sandbox:webhook_out_of_order]" }));
    assert_eq!(receiver.next_events(4), ["task.human_accepted", "task.created", "task.completed", "task.submitted"]);
    assert!(receiver.is_empty());
}
