//! /wallet, /wallet/transactions and /my/referrals

use crate::harness::Server;
use serde_json::{Value, json};

#[test]
fn a_statement_adds_up_to_the_balance() {
    let server = Server::start();
    let task = server.submitted_task();
    server.act(&server.agent, &task, "approve").ok(200);
    let cancelled = server.open_task();
    server.act(&server.agent, &cancelled, "cancel").ok(200);
    let lines = server.agent.get("/wallet/transactions").ok(200);
    let kinds: Vec<_> = lines.as_array().unwrap().iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["escrow_refund", "escrow_lock", "escrow_lock", "grant"]);
    let sum: f64 = lines.as_array().unwrap().iter().map(|line| line["amount"].as_f64().unwrap()).sum();
    let balance = server.agent.get("/wallet").ok(200)["balance"].clone();
    assert_eq!((lines[0]["balanceAfter"].clone(), json!(sum)), (balance.clone(), json!(balance.as_f64().unwrap())));
}

#[test]
fn a_statement_is_filtered_by_type() {
    let server = Server::start();
    let task = server.submitted_task();
    server.act(&server.agent, &task, "approve").ok(200);
    let payouts = server.human.get("/wallet/transactions?type=payout");
    assert_eq!((payouts.json()["pagination"]["total"].clone(), payouts.ok(200)[0]["taskId"].clone()), (json!(1), json!(task)));
    server.human.get("/wallet/transactions?type=theft").error(400, "VALIDATION_ERROR");
}

#[test]
fn a_referral_pays_once_at_the_first_completed_task() {
    let server = Server::start();
    let code = server.agent.get("/my/referrals").ok(200)["referralCode"].clone();
    let body = json!({ "email": "new@example.com", "password": "correct horse", "role": "human", "referralCode": code });
    let registered = server.anyone.post("/public/auth/register", &body).ok(201);
    let newcomer = server.anyone.with_token(registered["idToken"].as_str().unwrap());
    for _ in 0..2 {
        let task = server.open_task();
        server.act(&newcomer, &task, "apply").ok(201);
        server.agent.post(&format!("/tasks/{task}/select"), &json!({ "humanId": registered["userId"] })).ok(200);
        server.act(&newcomer, &task, "submit").ok(201);
        server.act(&server.agent, &task, "approve").ok(200);
    }
    let referrals = server.agent.get("/my/referrals").ok(200);
    assert_eq!(referrals["stats"], json!({ "total": 1, "completed": 1, "earned": 10 }));
    assert_eq!(referrals["referrals"][0]["status"], "completed");
    let bonuses: Value = server.agent.get("/wallet/transactions?type=referral_bonus").json();
    assert_eq!(bonuses["pagination"]["total"], 1);
}
