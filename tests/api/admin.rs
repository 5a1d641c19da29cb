//! /admin/*

use crate::harness::Server;
use serde_json::{Value, json};

#[test]
fn a_deposit_happens_once_for_each_reference() {
    let server = Server::start();
    let deposit = |amount: Value, reference: &str| {
        server.operator.post("/admin/deposits", &json!({ "userId": server.agent_id, "amount": amount, "reference": reference }))
    };
    let first = deposit(json!(5.000_001), "bank-1").ok(201);
    assert_eq!(deposit(json!(5.000_001), "bank-1").ok(201), first);
    deposit(json!(6), "bank-1").error(409, "STATE_CONFLICT");
    deposit(json!(0.000_000_1), "bank-2").error(400, "VALIDATION_ERROR");
    assert_eq!(server.agent.get("/wallet").ok(200)["balance"].to_string(), "10005.000001");
}

#[test]
fn a_withdrawal_takes_no_more_than_there_is() {
    let server = Server::start();
    let withdraw = |amount: i64, reference: &str| {
        server.operator.post("/admin/withdrawals", &json!({ "userId": server.human_id, "amount": amount, "reference": reference }))
    };
    withdraw(10_001, "w1").error(400, "INSUFFICIENT_BALANCE");
    assert_eq!(withdraw(10_000, "w1").ok(201)["amount"], -10_000);
    assert_eq!(server.human.get("/wallet").ok(200)["balance"], 0);
}

#[test]
fn disputes_are_decided_three_ways_and_each_adds_up() {
    let server = Server::start();
    let resolve = |dispute: &str, body: Value| server.operator.post(&format!("/admin/disputes/{dispute}/resolve"), &body);
    for (body, status, payout, refunded) in [
        (json!({ "outcome": "release" }), "completed", "149.985", "0"),
        (json!({ "outcome": "refund", "note": "no proof" }), "refunded", "0", "150"),
        (json!({ "outcome": "split", "humanPercent": 33 }), "completed", "49.49505", "100.5"),
    ] {
        let (task, dispute) = server.disputed_task();
        let resolved = resolve(&dispute, body.clone()).ok(200);
        assert_eq!((&resolved["task"]["status"], resolved["task"]["payout"].to_string()), (&json!(status), payout.into()));
        assert_eq!(resolved["task"]["refunded"].to_string(), refunded);
        assert_eq!(server.status_of(&task), status);
        resolve(&dispute, body).error(409, "STATE_CONFLICT");
    }
    assert_eq!(server.operator.get("/admin/disputes").json()["pagination"]["total"], 0);
    assert_eq!(server.operator.get("/admin/disputes?status=resolved").json()["pagination"]["total"], 3);
}

#[test]
fn a_split_needs_its_share_and_only_a_split() {
    let server = Server::start();
    let (_, dispute) = server.disputed_task();
    for body in [
        json!({ "outcome": "split" }),
        json!({ "outcome": "split", "humanPercent": 100 }),
        json!({ "outcome": "release", "humanPercent": 50 }),
        json!({ "outcome": "burn" }),
        json!({}),
    ] {
        server.operator.post(&format!("/admin/disputes/{dispute}/resolve"), &body).error(400, "VALIDATION_ERROR");
    }
    server.operator.post("/admin/disputes/dsp_1/resolve", &json!({ "outcome": "refund" })).error(404, "DISPUTE_NOT_FOUND");
}

#[test]
fn a_suspended_account_is_refused_at_once_and_let_in_again() {
    let server = Server::start();
    let suspend = |suspended: bool| {
        server.operator.post(&format!("/admin/users/{}/suspend", server.agent_id), &json!({ "suspended": suspended })).ok(200)
    };
    suspend(true);
    server.agent.get("/wallet").error(401, "UNAUTHORIZED");
    let login = json!({ "email": "agent@example.com", "password": server.ready["agent"]["password"] });
    server.anyone.post("/public/auth/login", &login).error(403, "FORBIDDEN");
    suspend(false);
    server.agent.get("/wallet").ok(200);
    let own = server.ready["operator"]["userId"].as_str().unwrap();
    server.operator.post(&format!("/admin/users/{own}/suspend"), &json!({})).error(400, "VALIDATION_ERROR");
}

#[test]
fn only_an_operators_id_token_operates() {
    let server = Server::start();
    let (_, agent) = server.register("agent", "bo@example.com");
    for client in [&agent, &server.agent, &server.human] {
        client.get("/admin/verify").error(403, "FORBIDDEN");
        client.post("/admin/deposits", &json!({ "userId": server.agent_id, "amount": 1, "reference": "x" })).error(403, "FORBIDDEN");
    }
    assert_eq!(server.operator.get("/admin/verify").ok(200), json!({ "ok": true, "problems": [] }));
}
