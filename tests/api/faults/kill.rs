//! The process dies before any one change that a money operation makes: each is there wholly or not at all, and once.
//!
//! A test does not list the points. It dies at the first, the second, the third … statement, until the operation
//! survives because it has no more of them.

use super::shop::{Shop, Who};
use crate::harness::{Answer, Server, command};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

/// Every operation has at least so many points: fewer would mean that nobody counts them.
const FEWEST: u32 = 10;

fn doomed(shop: &Shop) -> Command {
    let mut command = command();
    command.env("FAILPOINT", shop.path("failpoint"));
    command
}

impl Shop {
    fn arm(&self, point: u32) {
        // Seen whole or not at all.
        std::fs::write(self.path("armed"), point.to_string()).unwrap();
        std::fs::rename(self.path("armed"), self.path("failpoint")).unwrap();
    }

    fn disarm(&self) {
        let _ = std::fs::remove_file(self.path("failpoint"));
    }

    /// The operation has no such point any more.
    fn survived(&self, point: u32) {
        assert!(point > FEWEST, "only {} points", point - 1);
        self.verify();
    }

    /// After the server has died: what is on disk is sound, and a new one takes over.
    fn recover(&mut self) {
        self.disarm();
        self.server.take().unwrap().wait();
        self.verify();
        self.start();
    }
}

/// A request, and how to count its effects.
struct Deed {
    who: Who,
    path: String,
    body: Value,
    effects: (&'static str, String),
}

const ENDED: &str = "SELECT count(*) FROM escrow WHERE task_id = ?1 AND status <> 'held'";
const KEYS: &str = "SELECT count(*) FROM idempotency_key WHERE key = ?1";

impl Deed {
    fn send(&self, shop: &Shop, key: &str) -> Result<Answer, ureq::Error> {
        shop.client(self.who).try_send("POST", &self.path, &[("Idempotency-Key", key)], self.body.to_string().as_bytes())
    }

    fn effects(&self, shop: &Shop) -> i64 {
        shop.count(self.effects.0, &self.effects.1)
    }
}

/// Dies at each point of what `prepare` makes ready, and asks again with the same key.
fn at_every_point(prepare: impl Fn(&Shop, u32) -> Deed) {
    let mut shop = Shop::open(doomed);
    for point in 1.. {
        let (deed, key) = (prepare(&shop, point), format!("deed-{point}"));
        shop.arm(point);
        if let Ok(answer) = deed.send(&shop, &key) {
            assert!(answer.status < 300, "point {point}: {}", answer.text);
            assert_eq!(deed.effects(&shop), 1);
            return shop.survived(point);
        }
        shop.recover();
        let done = deed.effects(&shop);
        assert_eq!(done, shop.count(KEYS, &key), "point {point}: an effect and its key are one");
        let answer = deed.send(&shop, &key).unwrap();
        assert!(answer.status < 300, "point {point}: {}", answer.text);
        assert_eq!(answer.header("Idempotency-Replayed").is_some(), done == 1, "point {point}");
        assert_eq!((deed.effects(&shop), shop.count(KEYS, &key)), (1, 1), "point {point}");
    }
}

fn settle(shop: &Shop, steps: &[&str], who: Who, action: &str) -> Deed {
    let (_, task) = shop.task(steps);
    Deed { who, path: format!("/tasks/{task}/{action}"), body: json!({}), effects: (ENDED, task) }
}

fn resolve(shop: &Shop, body: Value) -> Deed {
    let (dispute, task) = shop.task(&["apply", "submit", "reject", "dispute"]);
    Deed { who: Who::Operator, path: format!("/admin/disputes/{dispute}/resolve"), body, effects: (ENDED, task) }
}

fn operator(shop: &Shop, path: &str, point: u32) -> Deed {
    let reference = format!("bank-{point}");
    let body = json!({ "userId": shop.agent_id, "amount": 2.000_001, "reference": reference });
    let effects = ("SELECT count(*) FROM transfer WHERE reference = ?1", reference);
    Deed { who: Who::Operator, path: path.into(), body, effects }
}

#[test]
fn creating_a_task() {
    at_every_point(|_, point| {
        let title = format!("Task number {point}");
        let body = Server::example_with(&json!({ "title": title, "budget": 1.5 }));
        let effects = ("SELECT count(*) FROM task JOIN escrow ON escrow.task_id = task.id WHERE title = ?1", title);
        Deed { who: Who::Agent, path: "/tasks".into(), body, effects }
    });
}

#[test]
fn cancelling() {
    at_every_point(|shop, _| settle(shop, &[], Who::Agent, "cancel"));
}

#[test]
fn approving() {
    at_every_point(|shop, _| settle(shop, &["apply", "submit"], Who::Agent, "approve"));
}

#[test]
fn approving_the_first_task_of_a_referred_account() {
    at_every_point(|shop, point| {
        let code = shop.client(Who::Agent).get("/my/referrals").ok(200)["referralCode"].clone();
        let email = format!("referred-{point}@example.com");
        let account = json!({ "email": email, "password": "correct horse", "role": "human", "referralCode": code });
        let registered = shop.client(Who::Anyone).post("/public/auth/register", &account).ok(201);
        let human = shop.client(Who::Anyone).with_token(registered["idToken"].as_str().unwrap());
        let (_, task) = shop.task(&[]);
        for (action, body) in [("apply", json!({})), ("submit", json!({ "proof": "Three photos" }))] {
            human.post(&format!("/tasks/{task}/{action}"), &body).ok(201);
        }
        let bonus = "SELECT count(*) FROM transfer WHERE task_id = ?1 AND kind = 'referral_bonus'";
        Deed { who: Who::Agent, path: format!("/tasks/{task}/approve"), body: json!({}), effects: (bonus, task) }
    });
}

#[test]
fn deciding_a_dispute_for_the_human() {
    at_every_point(|shop, _| resolve(shop, json!({ "outcome": "release" })));
}

#[test]
fn deciding_a_dispute_for_the_agent() {
    at_every_point(|shop, _| resolve(shop, json!({ "outcome": "refund" })));
}

#[test]
fn splitting_a_disputed_budget() {
    at_every_point(|shop, _| resolve(shop, json!({ "outcome": "split", "humanPercent": 33 })));
}

#[test]
fn depositing() {
    at_every_point(|shop, point| operator(shop, "/admin/deposits", point));
}

#[test]
fn withdrawing() {
    at_every_point(|shop, point| operator(shop, "/admin/withdrawals", point));
}

/// Registering has no key: who asks again is told that the account is there, or gets it.
#[test]
fn the_grant_of_a_new_account() {
    let mut shop = Shop::open(doomed);
    let accounts = "SELECT count(*) FROM user u JOIN account a ON a.owner = u.id WHERE u.email = ?1";
    let grants = "SELECT count(*) FROM user u JOIN account a ON a.owner = u.id JOIN transfer t ON t.credit_account = a.id
      WHERE u.email = ?1 AND t.kind = 'grant'";
    for point in 1.. {
        let email = format!("new-{point}@example.com");
        let body = json!({ "email": email, "password": "correct horse" }).to_string();
        let send = |shop: &Shop| shop.client(Who::Anyone).try_send("POST", "/public/auth/register", &[], body.as_bytes());
        shop.arm(point);
        if let Ok(answer) = send(&shop) {
            assert_eq!(answer.status, 201, "point {point}: {}", answer.text);
            return shop.survived(point);
        }
        shop.recover();
        let there = shop.count(accounts, &email) > 0;
        let answer = send(&shop).unwrap();
        assert_eq!(answer.status, if there { 409 } else { 201 }, "point {point}");
        assert_eq!((shop.count(accounts, &email), shop.count(grants, &email)), (4, 1), "point {point}");
    }
}

/// Dies at each point of what the clock does to a task that has come so far; the next clock ends it.
fn at_every_tick(steps: &[&str], status: &str) {
    let mut shop = Shop::open(doomed);
    for point in 1.. {
        let (_, task) = shop.task(steps);
        let database = rusqlite::Connection::open(shop.data()).unwrap();
        database.busy_timeout(Duration::from_secs(5)).unwrap();
        let passed = "UPDATE task SET deadline = 1, submitted_at = 1, dispute_until = 1 WHERE id = ?1";
        shop.arm(point);
        database.execute(passed, [&task]).unwrap();
        drop(database);
        if becomes(&shop, &task, status) {
            // The commit is seen before the point that follows it: only the next write tells whether the writer lives.
            shop.disarm();
            if shop.client(Who::Agent).try_send("PATCH", "/notifications", &[], br#"{"all":true}"#).is_ok() {
                return shop.survived(point);
            }
        }
        shop.recover();
        assert!(becomes(&shop, &task, status), "point {point}");
        assert_eq!(shop.count(ENDED, &task), 1);
    }
}

/// Waits for the task's status; false if the server dies meanwhile.
fn becomes(shop: &Shop, task: &str, status: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while let Ok(answer) = shop.client(Who::Agent).try_send("GET", &format!("/tasks/{task}"), &[], b"") {
        if answer.ok(200)["status"] == status {
            return true;
        }
        assert!(Instant::now() < deadline, "{task} does not become {status}");
    }
    false
}

#[test]
fn the_clock_expires_a_task() {
    at_every_tick(&["apply"], "expired");
}

#[test]
fn the_clock_approves_a_submission() {
    at_every_tick(&["apply", "submit"], "completed");
}

#[test]
fn the_clock_refunds_after_a_rejection() {
    at_every_tick(&["apply", "submit", "reject"], "refunded");
}
