//! What is asked over the API: each operation that moves money, with an idempotency key.

use super::super::shop::{Shop, Who};
use super::{BONUS, Deed, ENDED, at_every_point, doomed};
use crate::harness::Server;
use serde_json::{Value, json};

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
        let task = shop.task_of_referred(point);
        Deed { who: Who::Agent, path: format!("/tasks/{task}/approve"), body: json!({}), effects: (BONUS, task) }
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
