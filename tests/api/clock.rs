//! What time causes: expiry, approval at the end of a review, refund after a rejection.

use crate::harness::{KeptServer, Receiver, Server, audit, id, register};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const HOUR_MS: i64 = 3_600_000;

/// Lets so much time pass for a task by moving its own times back.
fn pass(server: &Server, task: &str, hours: i64) {
    let database = rusqlite::Connection::open(&server.database).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    let sql =
        "UPDATE task SET deadline = deadline - ?2, submitted_at = submitted_at - ?2, dispute_until = dispute_until - ?2 WHERE id = ?1";
    assert_eq!(database.execute(sql, rusqlite::params![task, hours * HOUR_MS]).unwrap(), 1);
}

/// Waits until the clock has brought the task there.
#[track_caller]
fn becomes(server: &Server, task: &str, status: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.status_of(task) != status {
        assert!(Instant::now() < deadline, "{task} is {} and not {status}", server.status_of(task));
        std::thread::yield_now();
    }
}

fn events(server: &Server, task: &str, kind: &str) -> Vec<Value> {
    let database = server.open_database();
    let mut statement = database.prepare("SELECT data FROM event WHERE task_id = ?1 AND type = ?2").unwrap();
    let data = statement.query_map([task, kind], |row| row.get::<_, String>(0)).unwrap();
    data.map(|data| serde_json::from_str(&data.unwrap()).unwrap()).collect()
}

#[test]
fn an_open_or_assigned_task_expires_at_its_deadline_and_is_refunded() {
    let server = Server::start();
    let (open, assigned) = (server.open_task(), server.assigned_task());
    for task in [&open, &assigned] {
        pass(&server, task, 24 * 31);
        becomes(&server, task, "expired");
        let expired = events(&server, task, "task.expired");
        assert_eq!((expired.len(), &expired[0]["refunded"]), (1, &json!(150)));
    }
    assert_eq!(server.agent.get("/wallet").ok(200)["balance"], 10_000);
    assert_eq!(server.human.get("/notifications").ok(200)["notifications"][0]["type"], "task.expired");
}

#[test]
fn a_submission_is_approved_when_its_review_ends() {
    let server = Server::start();
    let task = server.submitted_task();
    pass(&server, &task, 72);
    becomes(&server, &task, "completed");
    assert_eq!(events(&server, &task, "task.completed").len(), 1);
    assert_eq!(server.human.get("/wallet").ok(200)["totalEarned"].to_string(), "149.985");
    server.act(&server.agent, &task, "approve").error(409, "STATE_CONFLICT");
}

#[test]
fn a_rejection_that_nobody_disputes_is_refunded() {
    let server = Server::start();
    let task = server.rejected_task();
    pass(&server, &task, 72);
    becomes(&server, &task, "refunded");
    assert_eq!(events(&server, &task, "task.refunded").len(), 1);
    assert_eq!(server.agent.get("/wallet").ok(200)["balance"], 10_000);
}

#[test]
fn no_clock_touches_what_is_disputed_or_reviewed_for_ever() {
    let server = Server::start();
    let (disputed, _) = server.disputed_task();
    let patient = server.create(&json!({ "reviewHours": 0 }));
    for (client, action) in [(&server.human, "apply"), (&server.agent, "select"), (&server.human, "submit")] {
        assert!(server.act(client, &patient, action).status < 300);
    }
    let due = server.open_task();
    for task in [&disputed, &patient, &due] {
        pass(&server, task, 24 * 365);
    }
    becomes(&server, &due, "expired");
    assert_eq!((server.status_of(&disputed), server.status_of(&patient)), ("disputed".into(), "submitted".into()));
}

#[test]
fn what_came_due_while_the_server_was_down_happens_once_it_is_up() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let first = KeptServer::start(&data, &["--set", "rate_limits.enabled=false"]);
    let (_, agent) = register(&first.anyone, "agent", "agent@example.com");
    let key = agent.post("/api-keys", &json!({})).ok(201)["key"].as_str().unwrap().to_owned();
    for _ in 0..120 {
        agent.post("/tasks", &Server::example_with(&json!({ "budget": 1 }))).ok(201);
    }
    assert!(first.terminate());
    rusqlite::Connection::open(&data).unwrap().execute("UPDATE task SET deadline = 1000", []).unwrap();
    let second = KeptServer::start(&data, &["--set", "rate_limits.enabled=false"]);
    let agent = second.anyone.with_token(&key);
    let deadline = Instant::now() + Duration::from_secs(10);
    while agent.get("/tasks?status=expired").json()["pagination"]["total"] != 120 {
        assert!(Instant::now() < deadline, "not all have expired");
    }
    let wallet = agent.get("/wallet").ok(200);
    assert_eq!((&wallet["balance"], &wallet["frozenBalance"]), (&json!(10_000), &json!(0)));
    assert!(second.terminate());
    audit(&data);
}

/// Moves every time in the file: what is written looks as if it came from a clock that was so far ahead.
fn turn_back(data: &std::path::Path, ms: i64) {
    let database = rusqlite::Connection::open(data).unwrap();
    for sql in [
        "UPDATE task SET created_at = created_at + ?1, updated_at = updated_at + ?1, submitted_at = submitted_at + ?1,
           completed_at = completed_at + ?1, dispute_until = dispute_until + ?1, deadline = deadline + ?1",
        "UPDATE event SET created_at = created_at + ?1",
        "UPDATE delivery SET retry_at = retry_at + ?1",
        "UPDATE idempotency_key SET created_at = created_at + ?1",
    ] {
        database.execute(sql, [ms]).unwrap();
    }
}

#[test]
fn a_clock_turned_back_repeats_nothing_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let receiver = Receiver::answering(|number, _| rouille::Response::text("").with_status_code(if number == 0 { 500 } else { 200 }));
    let sets = ["--set", "rate_limits.enabled=false", "--set", "webhooks.retry_delays=[300]"];
    let server = KeptServer::start(&data, &sets);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let key = agent.post("/api-keys", &json!({})).ok(201)["key"].as_str().unwrap().to_owned();
    agent.post("/webhooks", &json!({ "url": receiver.url, "events": ["task.expired"] })).ok(201);
    let body = Server::example_with(&json!({ "budget": 1 }));
    let expired = id(&agent.post_keyed("/tasks", "once", &body).ok(201));
    let open = id(&agent.post("/tasks", &body).ok(201));
    assert!(server.terminate());
    rusqlite::Connection::open(&data).unwrap().execute("UPDATE task SET deadline = 1000 WHERE id = ?1", [&expired]).unwrap();
    let server = KeptServer::start(&data, &sets);
    receiver.wait_for(1);
    assert!(server.terminate());
    turn_back(&data, HOUR_MS);
    let server = KeptServer::start(&data, &sets);
    // Its retry is further away than a retry ever is, so it is due.
    let attempts = receiver.wait_for(2);
    assert_eq!(attempts[0].event_id(), attempts[1].event_id());
    let agent = server.anyone.with_token(&key);
    let replay = agent.post_keyed("/tasks", "once", &body);
    assert_eq!((id(&replay.ok(201)), replay.header("Idempotency-Replayed")), (expired.clone(), Some("true")));
    let status = |task: &str| agent.get(&format!("/tasks/{task}")).ok(200)["status"].clone();
    assert_eq!((status(&expired), status(&open)), (json!("expired"), json!("open")));
    agent.post(&format!("/tasks/{open}/cancel"), &json!({})).ok(200);
    assert_eq!(agent.get("/wallet").ok(200)["balance"], 10_000);
    let told = agent.get("/events").ok(200)["events"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect::<Vec<_>>();
    assert_eq!(told, ["task.created", "task.created", "task.expired", "task.cancelled"], "new events follow the old ones");
    assert!(server.terminate());
    audit(&data);
}

#[test]
fn an_approval_that_races_the_end_of_the_review_pays_once() {
    const TASKS: usize = 60;
    let server = Server::start();
    let tasks: Vec<_> = (0..TASKS).map(|_| server.submitted_task()).collect();
    let all = "UPDATE task SET submitted_at = submitted_at - 72 * 3600000 WHERE status = 'submitted'";
    let database = rusqlite::Connection::open(&server.database).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    std::thread::scope(|scope| {
        let (server, tasks) = (&server, &tasks);
        scope.spawn(move || {
            for task in tasks {
                let answer = server.act(&server.agent, task, "approve");
                assert!(matches!(answer.status, 200 | 409), "{}", answer.text);
            }
        });
        assert!(database.execute(all, []).unwrap() > 0, "the clock came too late to race");
    });
    for task in &tasks {
        becomes(&server, task, "completed");
        assert_eq!(events(&server, task, "task.completed").len(), 1);
    }
    let earned: f64 = server.human.get("/wallet").ok(200)["totalEarned"].to_string().parse().unwrap();
    assert!((earned - 149.985 * f64::from(u32::try_from(TASKS).unwrap())).abs() < 1e-6, "{earned}");
}

#[test]
fn requests_are_answered_while_many_tasks_expire_at_once() {
    const TASKS: usize = 1_500;
    let server = Server::start();
    let body = Server::example_with(&json!({ "budget": 1 }));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..TASKS / 8).for_each(|_| drop(server.agent.post("/tasks", &body).ok(201))));
        }
    });
    let database = rusqlite::Connection::open(&server.database).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    let due = database.execute("UPDATE task SET deadline = 1000 * unixepoch()", []).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let expired = || server.agent.get("/tasks?status=expired&limit=1").json()["pagination"]["total"].as_u64().unwrap();
    let mut answered_meanwhile = 0;
    while expired() < due as u64 {
        server.agent.post("/tasks", &body).ok(201);
        answered_meanwhile += 1;
        assert!(Instant::now() < deadline, "{} of {due}", expired());
    }
    assert!(answered_meanwhile > 0);
    let refunds = "SELECT count(*), count(DISTINCT task_id) FROM transfer WHERE kind = 'escrow_refund'";
    let refunds: (u64, u64) =
        database.query_row(refunds, [], |row| Ok((row.get::<_, u32>(0)?.into(), row.get::<_, u32>(1)?.into()))).unwrap();
    assert_eq!(refunds, (due as u64, due as u64), "each once");
}
