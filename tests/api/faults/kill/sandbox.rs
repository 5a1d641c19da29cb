//! What only a sandbox has moves test money by the same ledger. What has transactions of its own is done as far as it got,
//! and whoever asks again has the rest of it.

use super::super::shop::{Shop, Who};
use super::{Deed, ENDED, at_every_point, doomed};
use crate::harness::{Answer, in_days};
use serde_json::{Value, json};

/// Some of these operations have hundreds of points.
const EACH: usize = 3;

fn post(shop: &Shop, path: &str, body: &Value) -> Answer {
    shop.client(Who::Agent).post(&format!("/test{path}"), body)
}

/// Dies at points of a request to `path` with `body`, and asks again. `prepare` makes ready what `check` looks at: before
/// it is asked again, and when it is done.
fn at_some_points<T>(mut shop: Shop, path: &str, body: &Value, prepare: impl Fn(&Shop) -> T, check: impl Fn(&Shop, &T, bool)) {
    for point in (1..).step_by(EACH) {
        let made = prepare(&shop);
        let ask = |shop: &Shop| shop.client(Who::Agent).try_send("POST", &format!("/test{path}"), &[], body.to_string().as_bytes());
        shop.arm(point);
        if let Ok(answer) = ask(&shop) {
            answer.ok(200);
            check(&shop, &made, true);
            return shop.survived(point);
        }
        shop.recover();
        check(&shop, &made, false);
        ask(&shop).unwrap().ok(200);
        check(&shop, &made, true);
    }
}

/// Who has what, and how each task stands.
fn holdings(shop: &Shop) -> (String, String) {
    let database = crate::harness::open_database(&shop.data());
    let text = |sql: &str| database.query_row(sql, [], |row| row.get::<_, Option<String>>(0)).unwrap().unwrap_or_default();
    let balances = "SELECT group_concat(id || ' ' || balance) FROM (SELECT id, balance FROM account ORDER BY id)";
    let tasks = "SELECT group_concat(id || ' ' || status) FROM (SELECT id, status FROM task ORDER BY id)";
    (text(balances), text(tasks))
}

/// Money in every state: paid, held, refunded.
fn trade(shop: &Shop) {
    let (_, task) = shop.task(&["apply", "submit"]);
    shop.client(Who::Agent).post(&format!("/tasks/{task}/approve"), &json!({})).ok(200);
    shop.task(&["apply"]);
    let (_, task) = shop.task(&[]);
    shop.client(Who::Agent).post(&format!("/tasks/{task}/cancel"), &json!({})).ok(200);
}

/// Test data is as it was before or as it is to be, and nothing between.
fn check_replaced(shop: &Shop, before: &(String, String), after: &(String, String), done: bool) {
    let now = holdings(shop);
    assert!(now == *after || (!done && now == *before), "{now:?} is neither {before:?} nor {after:?}");
}

#[test]
fn funding_a_wallet() {
    at_every_point(|_, point| {
        let micros = "SELECT count(*) FROM transfer WHERE kind = 'deposit' AND amount = 1000000 * ?1";
        Deed { who: Who::Agent, path: "/test/wallet/fund".into(), body: json!({ "amount": point }), effects: (micros, point.to_string()) }
    });
}

#[test]
fn the_grants_of_simulated_humans() {
    at_every_point(|shop, _| {
        let known = shop.count("SELECT count(*) FROM simulated_human WHERE owner_id = ?1", &shop.agent_id);
        let grants = "SELECT (count(*) - ?1) / 2 FROM simulated_human h JOIN account a ON a.owner = h.user_id
          JOIN transfer t ON t.credit_account = a.id WHERE t.kind = 'grant'";
        Deed { who: Who::Agent, path: "/test/humans".into(), body: json!({ "count": 2 }), effects: (grants, known.to_string()) }
    });
}

#[test]
fn a_reset() {
    let shop = Shop::open(doomed);
    post(&shop, "/reset", &json!({})).ok(200);
    let empty = holdings(&shop);
    let prepare = |shop: &Shop| {
        trade(shop);
        holdings(shop)
    };
    at_some_points(shop, "/reset", &json!({}), prepare, |shop, before, done| check_replaced(shop, before, &empty, done));
}

#[test]
fn a_snapshot_put_back() {
    let shop = Shop::open(doomed);
    trade(&shop);
    let kept = holdings(&shop);
    let snapshot = crate::harness::id(&post(&shop, "/snapshots", &json!({})).ok(201));
    let prepare = |shop: &Shop| {
        trade(shop);
        holdings(shop)
    };
    let restore = format!("/snapshots/{snapshot}/restore");
    at_some_points(shop, &restore, &json!({}), prepare, |shop, before, done| check_replaced(shop, before, &kept, done));
}

#[test]
fn a_month_that_passes_at_once() {
    let month = json!({ "to": in_days(40) });
    let prepare = |shop: &Shop| {
        post(shop, "/reset", &json!({})).ok(200);
        let steps: [&[&str]; 3] = [&["apply"], &["apply", "submit"], &["apply", "submit", "reject"]];
        steps.map(|steps| shop.task(steps).1)
    };
    at_some_points(Shop::open(doomed), "/clock/advance", &month, prepare, |shop, tasks, done| {
        for (task, end) in tasks.iter().zip(["expired", "completed", "refunded"]) {
            let ended = shop.count(ENDED, task);
            assert!(ended == 1 || !done, "{task} is still alive");
            let status = shop.client(Who::Agent).get(&format!("/tasks/{task}")).ok(200)["status"].clone();
            assert!(ended == 0 || status == end, "{task} is {status}");
        }
    });
}

#[test]
fn a_simulated_approval() {
    let mut shop = Shop::open(doomed);
    for point in 1.. {
        let task = crate::harness::id(&shop.create(&json!({ "budget": 1.5 })).ok(201));
        let play = |shop: &Shop, script: &[&str]| {
            let body = json!({ "script": script }).to_string();
            shop.client(Who::Agent).try_send("POST", &format!("/test/tasks/{task}/simulate"), &[], body.as_bytes())
        };
        assert_eq!(play(&shop, &["apply", "select", "submit"]).unwrap().ok(200)["finished"], true);
        shop.arm(point);
        if let Ok(answer) = play(&shop, &["approve"]) {
            assert_eq!(answer.ok(200)["status"], "completed");
            return shop.survived(point);
        }
        shop.recover();
        let done = shop.count(ENDED, &task);
        let again = play(&shop, &["approve"]).unwrap().ok(200);
        assert_eq!((&again["status"], &again["finished"]), (&json!("completed"), &json!(done == 0)), "point {point}");
        assert_eq!(shop.count(ENDED, &task), 1);
    }
}
