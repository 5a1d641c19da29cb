//! /events: the durable feed and its long poll.

use crate::harness::{Client, KeptServer, Receiver, Server, register};
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

fn feed(client: &Client, query: &str) -> Value {
    client.get(&format!("/events{query}")).ok(200)
}

fn kinds(feed: &Value) -> Vec<&str> {
    feed["events"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect()
}

#[test]
fn each_participant_reads_what_they_were_told_in_order() {
    let (server, receiver) = (Server::start(), Receiver::start());
    server.agent.post("/webhooks", &json!({ "url": receiver.url, "events": ["task.created", "task.submitted"] })).ok(201);
    let task = server.submitted_task();
    server.act(&server.human, &task, "messages").ok(201);
    let agents = feed(&server.agent, "");
    assert_eq!(kinds(&agents), ["task.created", "task.application_received", "task.human_accepted", "task.submitted", "message.received"]);
    assert_eq!(kinds(&feed(&server.human, "")), ["task.human_accepted", "task.submitted"]);
    let seqs: Vec<_> = agents["events"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|one, next| one < next), "{seqs:?}");
    assert_eq!((&agents["hasMore"], agents["next"].as_i64()), (&json!(false), seqs.last().copied()));
    let submitted = &agents["events"][3];
    let delivered = &receiver.wait_for(2)[1];
    assert_eq!((submitted["id"].as_str(), &submitted["taskId"]), (Some(delivered.event_id()), &json!(task)));
    assert_eq!(submitted["data"], delivered.json()["data"], "the same event as the webhook's");
    assert_eq!(kinds(&feed(&server.agent, &format!("?after={}", seqs[2]))), ["task.submitted", "message.received"]);
    let of_task = server.agent.get(&format!("/tasks/{task}/events")).ok(200);
    assert_eq!(of_task["events"], agents["events"]);
}

#[test]
fn types_and_limit_choose_and_has_more_tells() {
    let server = Server::start();
    for _ in 0..3 {
        let task = server.open_task();
        server.agent.post(&format!("/tasks/{task}/cancel"), &json!({})).ok(200);
    }
    let first = feed(&server.agent, "?types=task.cancelled&limit=2");
    assert_eq!((kinds(&first), &first["hasMore"]), (vec!["task.cancelled"; 2], &json!(true)));
    let rest = feed(&server.agent, &format!("?types=task.cancelled&limit=2&after={}", first["next"]));
    assert_eq!((kinds(&rest), &rest["hasMore"]), (vec!["task.cancelled"], &json!(false)));
    assert_eq!(kinds(&feed(&server.agent, "?types=task.created,task.cancelled")).len(), 6);
    assert_eq!(kinds(&feed(&server.agent, "?after=latest")), Vec::<&str>::new());
    for (field, query) in [("after", "?after=-1"), ("types", "?types=task.eaten"), ("limit", "?limit=0"), ("wait", "?wait=26")] {
        assert!(server.agent.get(&format!("/events{query}")).error(400, "VALIDATION_ERROR").starts_with(field), "{query}");
    }
}

#[test]
fn a_long_poll_answers_when_something_happens() {
    let server = Server::start();
    let latest = feed(&server.agent, "?after=latest")["next"].clone();
    thread::scope(|scope| {
        let poll = scope.spawn(|| feed(&server.agent, &format!("?after={latest}&wait=25&types=task.cancelled")));
        let task = server.open_task();
        assert!(!poll.is_finished(), "another type does not end it");
        server.agent.post(&format!("/tasks/{task}/cancel"), &json!({})).ok(200);
        assert_eq!(kinds(&poll.join().unwrap()), ["task.cancelled"]);
    });
    let begun = Instant::now();
    assert_eq!(kinds(&feed(&server.agent, "?after=latest&wait=1")), Vec::<&str>::new());
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn those_who_wait_keep_nobody_else_from_their_answers() {
    const ACCOUNTS: usize = 8;
    const POLLS: usize = 15;
    let server = Server::start();
    let accounts: Vec<Client> = (0..ACCOUNTS).map(|number| server.register("agent", &format!("a{number}@example.com")).1).collect();
    thread::scope(|scope| {
        let polls: Vec<_> = accounts
            .iter()
            .flat_map(|account| (0..POLLS).map(|_| account.clone()))
            .map(|account| scope.spawn(move || feed(&account, "?after=latest&wait=25&types=task.created")))
            .collect();
        for _ in 0..100 {
            server.agent.get("/wallet").ok(200);
        }
        assert!(polls.iter().all(|poll| !poll.is_finished()));
        // Whoever came before this is told; the others see it as they come.
        while polls.iter().any(|poll| !poll.is_finished()) {
            for account in &accounts {
                account.post("/tasks", &Server::example_with(&json!({ "budget": 1 }))).ok(201);
            }
        }
        for poll in polls {
            assert!(kinds(&poll.join().unwrap()).contains(&"task.created"));
        }
    });
}

#[test]
fn a_key_that_is_revoked_meanwhile_hears_nothing() {
    let server = Server::start();
    let (_, account) = server.register("agent", "revoked@example.com");
    let key = account.post("/api-keys", &json!({})).ok(201);
    let holder = server.anyone.with_token(key["key"].as_str().unwrap());
    thread::scope(|scope| {
        let poll = scope.spawn(|| holder.get("/events?after=latest&wait=25"));
        account.delete(&format!("/api-keys/{}", key["id"].as_str().unwrap())).ok(200);
        account.post("/tasks", &Server::example()).ok(201);
        poll.join().unwrap().error(401, "UNAUTHORIZED");
    });
}

#[test]
fn the_events_of_one_mode_do_not_age_the_cursors_of_the_other() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let start = || KeptServer::start(&data, &["--mode", "live", "--set", "rate_limits.enabled=false"]);
    let server = start();
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let test = |method: &str, path: &str, body: &str| agent.send(method, path, &[("X-Humans2AI-Mode", "test")], body);
    let key = test("POST", "/api-keys", "{}").ok(201)["key"].as_str().unwrap().to_owned();
    test("POST", "/tasks", &Server::example().to_string()).ok(201);
    let next = server.anyone.with_token(&key).get("/events").ok(200)["next"].clone();
    assert!(server.terminate());
    let database = rusqlite::Connection::open(&data).unwrap();
    let live =
        "INSERT INTO event (id, livemode, type, data, created_at) VALUES ('evt_' || hex(randomblob(16)), 1, 'task.created', '{}', 0)";
    for _ in 0..3 {
        database.execute(live, []).unwrap();
    }
    let server = start();
    let deadline = Instant::now() + Duration::from_secs(10);
    let left = "SELECT count(*) FROM event WHERE livemode = 1";
    while database.query_row(left, [], |row| row.get::<_, i64>(0)).unwrap() > 1 {
        assert!(Instant::now() < deadline, "the live events were not swept");
    }
    server.anyone.with_token(&key).get(&format!("/events?after={next}")).ok(200);
    assert!(server.terminate());
}

#[test]
fn a_server_that_stops_answers_those_who_wait() {
    let server = Server::start();
    let agent = server.agent.clone();
    let poll = thread::spawn(move || agent.try_send("GET", "/events?after=latest&wait=25", &[], b""));
    server.open_task();
    drop(server);
    // Answered with nothing new or, if it came too late, not at all; but not after 25 seconds.
    if let Ok(answer) = poll.join().unwrap() {
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn a_cursor_of_what_is_swept_or_never_was_has_expired() {
    let server = Server::start();
    server.open_task();
    let next = feed(&server.agent, "")["next"].as_i64().unwrap();
    server.agent.get(&format!("/events?after={}", next + 1_000)).error(410, "CURSOR_EXPIRED");
    assert_eq!(kinds(&feed(&server.agent, &format!("?after={next}"))), Vec::<&str>::new());
}
