//! What time causes: expiry, approval at the end of a review, refund after a rejection.

use crate::harness::{KeptServer, Server, audit, register};
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
