//! Simulated humans: making them, and scripts of a task's life.

use crate::harness::{Client, KeptServer, Server, id, register};
use serde_json::{Value, json};
use std::time::Duration;

/// New humans: their ids, and clients that act as them.
fn humans(server: &Server, count: usize) -> Vec<(String, Client)> {
    let made = server.agent.post("/test/humans", &json!({ "count": count })).ok(201);
    let human = |human: &Value| {
        let text = |name: &str| human[name].as_str().unwrap().to_owned();
        (text("userId"), server.anyone.with_token(&text("apiKey")))
    };
    made["humans"].as_array().unwrap().iter().map(human).collect()
}

fn simulate(server: &Server, task: &str, script: &[&str]) -> Value {
    server.agent.post(&format!("/test/tasks/{task}/simulate"), &json!({ "script": script })).ok(200)
}

/// Each step with the side that played it and the status after.
fn told(played: &Value) -> Vec<String> {
    let text = |step: &Value, name: &str| step[name].as_str().unwrap().to_owned();
    let line = |step: &Value| format!("{} {} {}", text(step, "actor"), text(step, "step"), text(step, "status"));
    played["steps"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn humans_are_real_accounts_without_a_password_and_their_keys_act_as_them() {
    let server = Server::start();
    let humans = humans(&server, 50);
    assert_eq!(humans.len(), 50);
    let task = server.open_task();
    for (id, human) in [&humans[0], &humans[49]] {
        assert_eq!(human.get("/wallet").ok(200)["balance"], 10_000);
        let application = human.post(&format!("/tasks/{task}/apply"), &json!({})).ok(201);
        assert_eq!(application["humanId"], json!(id));
    }
    let first: String = "SELECT email FROM user WHERE id = ?1".into();
    let email: String = server.open_database().query_row(&first, [&humans[0].0], |row| row.get(0)).unwrap();
    server.anyone.post("/public/auth/login", &json!({ "email": email, "password": "" })).error(400, "VALIDATION_ERROR");
    server.anyone.post("/public/auth/login", &json!({ "email": email, "password": "password" })).error(401, "UNAUTHORIZED");
    for count in [json!(0), json!(51), json!("many")] {
        server.agent.post("/test/humans", &json!({ "count": count })).error(400, "VALIDATION_ERROR");
    }
}

#[test]
fn a_replay_shows_no_humans_key() {
    let server = Server::start();
    let first = server.agent.post_keyed("/test/humans", "k", &json!({ "count": 2 })).ok(201);
    let again = server.agent.post_keyed("/test/humans", "k", &json!({ "count": 2 })).ok(201);
    assert_eq!(first["humans"][1]["userId"], again["humans"][1]["userId"]);
    assert_eq!(again["humans"][1]["apiKey"], "sk_test_…");
}

#[test]
fn the_whole_life_of_a_task_is_played_with_real_money_events_and_notifications() {
    let server = Server::start();
    let task = server.open_task();
    let played = simulate(&server, &task, &["apply", "message", "select", "message", "reply", "submit", "reject", "submit", "approve"]);
    assert_eq!((&played["finished"], &played["status"]), (&json!(true), &json!("completed")));
    assert_eq!(
        told(&played),
        [
            "human apply open",
            "human message open",
            "owner select assigned",
            "human message assigned",
            "owner reply assigned",
            "human submit submitted",
            "owner reject rejected",
            "human submit submitted",
            "owner approve completed"
        ]
    );
    let step = |number: usize| &played["steps"][number];
    assert!(step(0)["ids"]["applicationId"].as_str().unwrap().starts_with("app_"));
    assert!(step(1)["skipped"].as_str().unwrap().contains("no chat before"));
    assert!(step(3)["ids"]["messageId"].as_str().unwrap().starts_with("msg_"));
    assert!(step(5)["ids"]["submissionId"].as_str().unwrap().starts_with("sub_"));
    assert_eq!((&step(2)["userId"], &step(5)["userId"]), (&json!(server.agent_id), &played["humanId"]));
    let feed = server.agent.get(&format!("/tasks/{task}/events?limit=100")).ok(200);
    let events: Vec<_> = feed["events"].as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    let expected = [
        "task.created",
        "task.application_received",
        "task.human_accepted",
        "message.received",
        "task.submitted",
        "task.rejected",
        "task.submitted",
        "task.completed",
    ];
    assert_eq!(events, expected);
    assert_eq!(server.agent.get("/wallet").ok(200)["balance"], 9_850);
    let paid = "SELECT balance FROM account WHERE owner = ?1 AND kind = 'available' AND livemode = 0";
    let human = played["humanId"].as_str().unwrap();
    let balance: i64 = server.open_database().query_row(paid, [human], |row| row.get(0)).unwrap();
    assert_eq!(balance, 10_149_985_000);
}

#[test]
fn a_script_reaches_every_status_it_can() {
    let server = Server::start();
    for (script, status) in [
        (&["cancel"][..], "cancelled"),
        (&["apply", "apply"], "open"),
        (&["apply", "select"], "assigned"),
        (&["apply", "select", "submit"], "submitted"),
        (&["apply", "select", "submit", "reject"], "rejected"),
        (&["apply", "select", "submit", "reject", "dispute"], "disputed"),
        (&["apply", "select", "submit", "dispute"], "disputed"),
        (&["apply", "select", "submit", "approve"], "completed"),
    ] {
        let task = server.open_task();
        assert_eq!(simulate(&server, &task, script)["status"], status, "{script:?}");
        assert_eq!(server.status_of(&task), status);
    }
}

#[test]
fn a_script_stops_at_the_first_refusal_and_says_why() {
    let server = Server::start();
    let task = server.open_task();
    let played = simulate(&server, &task, &["apply", "submit", "select"]);
    assert_eq!((&played["finished"], told(&played)), (&json!(false), vec!["human apply open".into(), "human submit open".into()]));
    assert_eq!(played["steps"][1]["error"]["code"], "FORBIDDEN");
    let played = simulate(&server, &task, &["approve"]);
    assert_eq!(played["steps"][0]["error"]["code"], "STATE_CONFLICT");
    assert!(played["steps"][0]["error"]["message"].as_str().unwrap().contains("submitted"));
    let played = simulate(&server, &server.open_task(), &["select"]);
    assert!(played["steps"][0]["error"]["message"].as_str().unwrap().contains("apply first"));
    let path = format!("/test/tasks/{task}/simulate");
    for script in [json!([]), json!(["fly"]), json!("apply"), json!(null)] {
        let message = server.agent.post(&path, &json!({ "script": script })).error(400, "VALIDATION_ERROR");
        assert!(message.starts_with("script"), "{message}");
    }
}

#[test]
fn a_script_may_go_on_where_another_ended() {
    let server = Server::start();
    let task = server.open_task();
    let first = simulate(&server, &task, &["apply"]);
    let second = simulate(&server, &task, &["apply"]);
    assert_ne!(first["humanId"], second["humanId"], "each application is another human's");
    let chosen = json!({ "script": ["select", "submit"], "humanId": first["humanId"] });
    let played = server.agent.post(&format!("/test/tasks/{task}/simulate"), &chosen).ok(200);
    assert_eq!((&played["status"], &played["humanId"]), (&json!("submitted"), &first["humanId"]));
    assert_eq!(simulate(&server, &task, &["approve"])["humanId"], first["humanId"]);
}

#[test]
fn nobody_is_played_but_ones_own_simulated_humans_on_ones_own_tasks() {
    let server = Server::start();
    let (_, other) = server.register("agent", "other@example.com");
    let task = server.open_task();
    let path = format!("/test/tasks/{task}/simulate");
    other.post(&path, &json!({ "script": ["apply"] })).error(403, "FORBIDDEN");
    let foreign = other.post("/test/humans", &json!({})).ok(201)["humans"][0]["userId"].clone();
    for human in [json!(server.human_id), foreign, json!(server.agent_id)] {
        server.agent.post(&path, &json!({ "script": ["apply"], "humanId": human })).error(404, "USER_NOT_FOUND");
    }
    let assigned = server.assigned_task();
    let played = simulate(&server, &assigned, &["submit"]);
    assert_eq!(played["steps"][0]["error"]["code"], "STATE_CONFLICT");
    server.act(&server.human, &assigned, "submit").ok(201);
    assert_eq!(simulate(&server, &assigned, &["approve"])["status"], "completed");
}

#[test]
fn the_test_clock_moves_on_between_steps_and_what_falls_due_happens() {
    let server = Server::start();
    let play = |script: &[&str], seconds: u32| {
        let task = server.open_task();
        let body = json!({ "script": script, "delaySeconds": seconds });
        server.agent.post(&format!("/test/tasks/{task}/simulate"), &body).ok(200)
    };
    let played = play(&["apply", "select", "submit"], 3_600);
    let hour = |step: usize| played["steps"][step]["at"].as_str().unwrap()[11..13].parse::<u32>().unwrap();
    assert_eq!([(hour(0) + 1) % 24, (hour(1) + 1) % 24], [hour(1), hour(2)]);
    let approved = play(&["apply", "select", "submit", "approve"], 72 * 3_600);
    assert_eq!(told(&approved)[3], "owner approve completed", "the review had ended by then");
    assert_eq!(approved["steps"][3]["error"]["code"], "STATE_CONFLICT");
    assert_eq!(play(&["apply", "select", "submit", "reject", "dispute"], 72 * 3_600)["status"], "completed");
    let rejected = server.open_task();
    simulate(&server, &rejected, &["apply", "select", "submit", "reject"]);
    let expiring = server.open_task();
    server.pass(31 * 24 * 60);
    assert_eq!((server.status_of(&rejected), server.status_of(&expiring)), ("refunded".into(), "expired".into()));
}

#[test]
fn on_a_live_server_only_the_operator_lets_test_time_pass_in_a_script() {
    let directory = tempfile::tempdir().unwrap();
    let live = KeptServer::start(&directory.path().join("market.db"), &["--mode", "live"]);
    let (_, agent) = register(&live.anyone, "agent", "agent@example.com");
    let key = agent.post("/api-keys", &json!({ "mode": "test" })).ok(201)["key"].as_str().unwrap().to_owned();
    let agent = live.anyone.with_token(&key);
    let task = id(&agent.post("/tasks", &Server::example()).ok(201));
    let path = format!("/test/tasks/{task}/simulate");
    agent.post(&path, &json!({ "script": ["apply"], "delaySeconds": 1 })).error(403, "FORBIDDEN");
    assert_eq!(agent.post(&path, &json!({ "script": ["apply"] })).ok(200)["finished"], true);
}

#[test]
fn an_account_has_only_so_many_humans() {
    let server = Server::start();
    let database = rusqlite::Connection::open(&server.database).unwrap();
    database.busy_timeout(Duration::from_secs(5)).unwrap();
    let crowd = format!(
        "PRAGMA foreign_keys = off;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
         INSERT INTO simulated_human (user_id, owner_id) SELECT printf('user_%032x', i), '{}' FROM n",
        server.agent_id
    );
    database.execute_batch(&crowd).unwrap();
    assert_eq!(humans(&server, 1).len(), 1);
    server.agent.post("/test/humans", &json!({ "count": 1 })).error(400, "LIMIT_EXCEEDED");
    let path = format!("/test/tasks/{}/simulate", server.open_task());
    server.agent.post(&path, &json!({ "script": ["apply"] })).error(400, "LIMIT_EXCEEDED");
}
