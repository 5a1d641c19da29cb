//! Many at once: the ledger decides, one after the other.

use crate::harness::{Server, id};
use serde_json::json;
use std::thread;

/// The statuses of `count` calls made at the same time.
fn at_once(count: usize, call: impl Fn(usize) -> u16 + Sync) -> Vec<u16> {
    let start = std::sync::Barrier::new(count);
    thread::scope(|scope| {
        let (start, call) = (&start, &call);
        let threads: Vec<_> = (0..count)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    call(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|found| **found == status).count()
}

#[test]
fn of_64_tasks_only_those_that_can_be_paid_are_made() {
    let server = Server::start();
    let body = Server::example_with(&json!({ "budget": 1000 }));
    let statuses = at_once(64, |_| server.agent.post("/tasks", &body).status);
    assert_eq!((count(&statuses, 201), count(&statuses, 400)), (10, 54));
    let wallet = server.agent.get("/wallet").ok(200);
    assert_eq!((&wallet["balance"], &wallet["frozenBalance"]), (&json!(0), &json!(10_000)));
}

#[test]
fn of_50_approvals_one_pays() {
    let server = Server::start();
    let task = server.submitted_task();
    let statuses = at_once(50, |_| server.act(&server.agent, &task, "approve").status);
    assert_eq!((count(&statuses, 200), count(&statuses, 409)), (1, 49));
    assert_eq!(server.human.get("/wallet").ok(200)["balance"].to_string(), "10149.985");
}

#[test]
fn cancelling_against_selecting_has_one_winner() {
    let server = Server::start();
    for _ in 0..10 {
        let task = server.open_task();
        server.act(&server.human, &task, "apply").ok(201);
        let actions = ["cancel", "select"];
        let statuses = at_once(2, |number| server.act(&server.agent, &task, actions[number]).status);
        assert_eq!((count(&statuses, 200), count(&statuses, 409)), (1, 1));
    }
}

#[test]
fn of_many_humans_the_first_is_taken_and_the_others_are_told() {
    let server = Server::start();
    let humans: Vec<_> = (0..8).map(|number| server.register("human", &format!("h{number}@example.com")).1).collect();
    let task = server.create(&json!({ "selection": "first" }));
    let statuses = at_once(8, |number| server.act(&humans[number], &task, "apply").status);
    assert_eq!((count(&statuses, 201), count(&statuses, 409)), (1, 7));
}

#[test]
fn one_key_has_one_effect_however_often_it_is_sent() {
    let server = Server::start();
    let answers = std::sync::Mutex::new(std::collections::HashSet::new());
    at_once(20, |_| {
        let answer = server.agent.post_keyed("/tasks", "same", &Server::example());
        answers.lock().unwrap().insert(id(&answer.ok(201)));
        answer.status
    });
    assert_eq!(answers.lock().unwrap().len(), 1);
    assert_eq!(server.agent.get("/tasks").json()["pagination"]["total"], 1);
}

#[test]
fn of_20_registrations_of_an_email_one_succeeds() {
    let server = Server::start();
    let body = json!({ "email": "race@example.com", "password": "correct horse" });
    let statuses = at_once(20, |_| server.anyone.post("/public/auth/register", &body).status);
    assert_eq!((count(&statuses, 201), count(&statuses, 409)), (1, 19));
}
