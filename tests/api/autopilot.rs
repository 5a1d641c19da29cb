//! Humans who work by themselves on the test clock: each persona to its end.

use crate::harness::{KeptServer, Server, audit, id, register, run};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A task that a human of this kind works on, with a deadline in two days.
fn task_for(server: &Server, persona: &str) -> String {
    let now = server.agent.get("/test/clock").ok(200)["now"].as_str().unwrap().to_owned();
    let database = rusqlite::Connection::open_in_memory().unwrap();
    let in_two_days = "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ?1, '+2 days')";
    let deadline: String = database.query_row(in_two_days, [now], |row| row.get(0)).unwrap();
    server.create(&json!({ "metadata": { "sandbox.human": persona }, "deadline": deadline }))
}

/// Selects the only applicant, whose id is returned.
fn select(server: &Server, task: &str) -> String {
    let applications = server.agent.get(&format!("/tasks/{task}/applications")).ok(200);
    assert_eq!(applications.as_array().unwrap().len(), 1);
    let human = applications[0]["humanId"].as_str().unwrap().to_owned();
    server.agent.post(&format!("/tasks/{task}/select"), &json!({ "humanId": human })).ok(200);
    human
}

fn proofs(server: &Server, task: &str) -> Vec<(String, usize)> {
    let submissions = server.agent.get(&format!("/tasks/{task}/submissions")).ok(200);
    let proof = |submission: &Value| (submission["proof"].as_str().unwrap().into(), submission["attachments"].as_array().unwrap().len());
    submissions.as_array().unwrap().iter().map(proof).collect()
}

fn messages(server: &Server, task: &str) -> usize {
    server.agent.get(&format!("/tasks/{task}/messages")).ok(200).as_array().unwrap().len()
}

#[test]
fn a_diligent_human_applies_answers_and_submits_good_proof_in_time() {
    let server = Server::start();
    let task = task_for(&server, "diligent");
    assert_eq!(server.pass(4)["autopilot"], 0);
    assert_eq!(server.pass(1)["autopilot"], 1);
    select(&server, &task);
    server.act(&server.agent, &task, "messages").ok(201);
    server.act(&server.agent, &task, "messages").ok(201);
    server.pass(2);
    assert_eq!(messages(&server, &task), 3, "one answer to two messages");
    server.pass(117);
    assert_eq!(server.status_of(&task), "assigned");
    server.pass(1);
    assert_eq!(server.status_of(&task), "submitted");
    server.act(&server.agent, &task, "reject").ok(200);
    server.pass(60);
    assert_eq!((server.status_of(&task), proofs(&server, &task).len()), ("submitted".into(), 2));
    server.act(&server.agent, &task, "approve").ok(200);
    assert_eq!(server.pass(10_000)["autopilot"], 0);
}

#[test]
fn a_sloppy_human_submits_poor_proof_and_better_after_a_rejection() {
    let server = Server::start();
    let task = task_for(&server, "sloppy");
    server.pass(1);
    select(&server, &task);
    server.pass(10);
    assert_eq!(proofs(&server, &task), [("done".to_owned(), 0)]);
    server.act(&server.agent, &task, "reject").ok(200);
    server.pass(30);
    let all = proofs(&server, &task);
    assert!(all[0].0.len() > 50 && all[0].1 > 0, "{all:?}");
    server.act(&server.agent, &task, "approve").ok(200);
}

#[test]
fn a_late_human_submits_in_the_last_minute_or_misses_it() {
    let server = Server::start();
    let (task, missed) = (task_for(&server, "late"), task_for(&server, "late"));
    server.pass(60);
    select(&server, &task);
    server.pass(47 * 60 - 2);
    assert_eq!(server.status_of(&task), "assigned");
    server.pass(1);
    assert_eq!(server.status_of(&task), "submitted");
    server.agent.post("/test/clock/advance", &json!({ "seconds": 30 })).ok(200);
    select(&server, &missed);
    server.pass(1);
    assert_eq!((server.status_of(&missed), proofs(&server, &missed).len()), ("expired".into(), 0));
}

#[test]
fn a_ghost_is_selected_and_never_heard_of_again() {
    let server = Server::start();
    let task = task_for(&server, "ghost");
    server.pass(5);
    select(&server, &task);
    server.act(&server.agent, &task, "messages").ok(201);
    assert_eq!(server.pass(2 * 24 * 60)["expired"], 1);
    assert_eq!((server.status_of(&task), server.agent.get("/wallet").ok(200)["balance"].clone()), ("expired".into(), json!(10_000)));
}

#[test]
fn a_human_who_disputes_disputes_every_rejection() {
    let server = Server::start();
    let task = task_for(&server, "disputes");
    server.pass(5);
    let human = select(&server, &task);
    server.pass(120);
    server.act(&server.agent, &task, "reject").ok(200);
    server.pass(30);
    assert_eq!(server.status_of(&task), "disputed");
    let disputes = server.operator.get("/admin/disputes").ok(200);
    assert_eq!((&disputes[0]["taskId"], &disputes[0]["openedBy"]), (&json!(task), &json!(human)));
}

#[test]
fn the_first_applicant_who_works_by_itself_needs_nobody_to_select_it() {
    let server = Server::start();
    let task = server.create(&json!({ "metadata": { "sandbox.human": "diligent" }, "selection": "first" }));
    let other = server.create(&json!({ "metadata": { "sandbox.human": "diligent" } }));
    server.pass(125);
    assert_eq!((server.status_of(&task), server.status_of(&other)), ("submitted".into(), "open".into()));
    let human = |task: &str| server.agent.get(&format!("/tasks/{task}/applications")).ok(200)[0]["humanId"].clone();
    assert_eq!(human(&task), human(&other), "an account has one human of each kind");
}

#[test]
fn who_works_by_itself_gives_way_to_another_and_to_the_owner() {
    let server = Server::start();
    let (taken, cancelled) = (task_for(&server, "diligent"), task_for(&server, "sloppy"));
    server.act(&server.agent, &cancelled, "cancel").ok(200);
    server.human.post(&format!("/tasks/{taken}/apply"), &json!({})).ok(201);
    server.agent.post(&format!("/tasks/{taken}/select"), &json!({ "humanId": server.human_id })).ok(200);
    server.pass(240);
    assert_eq!((server.status_of(&taken), proofs(&server, &taken).len()), ("assigned".into(), 0));
    let planned: i64 = server.open_database().query_row("SELECT count(*) FROM autopilot", [], |row| row.get(0)).unwrap();
    assert_eq!(planned, 0);
}

#[test]
fn what_is_planned_survives_a_restart_and_happens_once_without_anybody_moving_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let server = KeptServer::start(&data, &[]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let key = agent.post("/api-keys", &json!({})).ok(201)["key"].as_str().unwrap().to_owned();
    let task = id(&agent.post("/tasks", &Server::example_with(&json!({ "metadata": { "sandbox.human": "sloppy" } }))).ok(201));
    server.kill();
    let database = rusqlite::Connection::open(&data).unwrap();
    assert_eq!(database.execute("UPDATE autopilot SET due_at = 1000", []).unwrap(), 1);
    drop(database);
    let server = KeptServer::start(&data, &[]);
    let agent = server.anyone.with_token(&key);
    let path = format!("/tasks/{task}/applications");
    let began = Instant::now();
    while agent.get(&path).json()["pagination"]["total"] != 1 {
        assert!(began.elapsed() < Duration::from_secs(10), "it did not apply");
    }
    assert!(server.terminate());
    let database = rusqlite::Connection::open(&data).unwrap();
    let left: i64 = database.query_row("SELECT count(*) FROM autopilot", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
    audit(&data);
}

#[test]
fn a_snapshot_keeps_what_is_planned_and_a_reset_forgets_it() {
    let server = Server::start();
    let task = task_for(&server, "sloppy");
    let snapshot = id(&server.agent.post("/test/snapshots", &json!({})).ok(201));
    for _ in 0..2 {
        assert_eq!(server.pass(1)["autopilot"], 1);
        select(&server, &task);
        server.agent.post(&format!("/test/snapshots/{snapshot}/restore"), &json!({})).ok(200);
    }
    server.agent.post("/test/faults", &json!({ "route": "POST /tasks", "fault": "conflict" })).ok(201);
    server.agent.post("/test/reset", &json!({})).ok(200);
    assert_eq!(server.pass(100)["autopilot"], 0);
    let task = task_for(&server, "sloppy");
    server.pass(1);
    select(&server, &task);
}

#[test]
fn an_unknown_persona_is_refused_with_the_choices_and_live_data_knows_none() {
    let server = Server::start();
    let body = Server::example_with(&json!({ "metadata": { "sandbox.human": "angel" } }));
    let message = server.agent.post("/tasks", &body).error(400, "VALIDATION_ERROR");
    assert!(message.contains("sandbox.human") && message.contains("diligent, sloppy, late, ghost or disputes"), "{message}");
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let live = KeptServer::start(&data, &["--mode", "live"]);
    let (user, agent) = register(&live.anyone, "agent", "agent@example.com");
    let deposit = ["--data", data.to_str().unwrap(), "--mode", "live", "admin", "deposit", &user, "500", "--reference", "x"];
    assert!(run(&deposit, "").status.success());
    for persona in ["angel", "diligent"] {
        let body = Server::example_with(&json!({ "metadata": { "sandbox.human": persona } }));
        agent.post("/tasks", &body).ok(201);
    }
    let people: i64 = rusqlite::Connection::open(&data).unwrap().query_row("SELECT count(*) FROM user", [], |row| row.get(0)).unwrap();
    assert_eq!(people, 1);
    for (method, path) in
        [("POST", "/test/humans"), ("POST", "/test/tasks/x/simulate"), ("GET", "/test/requests"), ("DELETE", "/test/faults")]
    {
        agent.send(method, path, &[], if method == "POST" { "{}" } else { "" }).error(404, "NOT_FOUND");
    }
}
