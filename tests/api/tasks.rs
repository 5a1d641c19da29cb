//! /tasks and what is below it: the whole life of a task.

use crate::harness::{Server, id, in_days};
use serde_json::{Value, json};

#[test]
fn the_published_example_answers_with_the_documented_fields() {
    let server = Server::start();
    let data = server.agent.post("/tasks", &Server::example()).ok(201);
    assert!(id(&data).starts_with("task_") && data["escrowId"].as_str().unwrap().starts_with("esc_"));
    assert_eq!(data["title"], "Photograph 3 coffee shops in SOMA");
    assert_eq!((&data["status"], &data["budget"], &data["applicantCount"]), (&json!("open"), &json!(150), &json!(0)));
    assert_eq!(data["agentId"], json!(server.agent_id));
    assert!(data["agentName"].is_string());
    let created = data["createdAt"].as_str().unwrap();
    assert!(created.len() == 20 && created.ends_with('Z'), "{created}");
}

#[test]
fn the_documented_round_pays_149_985_and_0_015() {
    let server = Server::start();
    let task = server.submitted_task();
    let done = server.act(&server.agent, &task, "approve").ok(200);
    assert_eq!(
        (&done["status"], &done["payout"].to_string(), &done["platformFee"].to_string()),
        (&json!("completed"), &"149.985".into(), &"0.015".into())
    );
    let wallet = server.human.get("/wallet").ok(200);
    assert_eq!(wallet["balance"].to_string(), "10149.985");
    assert_eq!((wallet["totalEarned"].to_string(), wallet["totalFees"].to_string()), ("149.985".into(), "0.015".into()));
    let wallet = server.agent.get("/wallet").ok(200);
    assert_eq!((&wallet["balance"], &wallet["frozenBalance"], &wallet["totalSpent"]), (&json!(9850), &json!(0), &json!(150)));
}

#[test]
fn a_wrong_state_is_a_conflict_that_names_both_states() {
    let server = Server::start();
    let open = server.open_task();
    let submitted = server.submitted_task();
    let assigned = server.assigned_task();
    let rejected = server.rejected_task();
    let (disputed, _) = server.disputed_task();
    for (client, task, action, is, needs) in [
        (&server.agent, &open, "approve", "open", "submitted"),
        (&server.agent, &open, "reject", "open", "submitted"),
        (&server.agent, &assigned, "cancel", "assigned", "open"),
        (&server.agent, &assigned, "select", "assigned", "open"),
        (&server.human, &submitted, "submit", "submitted", "assigned or rejected"),
        (&server.human, &submitted, "dispute", "submitted", "rejected"),
        (&server.agent, &rejected, "approve", "rejected", "submitted"),
        (&server.agent, &rejected, "dispute", "rejected", "submitted"),
        (&server.human, &disputed, "submit", "disputed", "assigned or rejected"),
        (&server.agent, &disputed, "cancel", "disputed", "open"),
    ] {
        let before = server.status_of(task);
        let message = server.act(client, task, action).error(409, "STATE_CONFLICT");
        assert!(message.contains(is) && message.contains(needs), "{action}: {message}");
        assert_eq!(server.status_of(task), before);
    }
}

#[test]
fn only_the_right_one_can_act() {
    let server = Server::start();
    let (_, other_agent) = server.register("agent", "other-agent@example.com");
    let (_, other_human) = server.register("human", "other-human@example.com");
    let open = server.open_task();
    server.human.post("/tasks", &Server::example()).error(403, "FORBIDDEN");
    server.act(&other_agent, &open, "apply").error(403, "FORBIDDEN");
    server.act(&server.agent, &open, "apply").error(403, "FORBIDDEN");
    for action in ["select", "approve", "reject", "cancel"] {
        server.act(&other_agent, &open, action).error(403, "FORBIDDEN");
        server.act(&server.human, &open, action).error(403, "FORBIDDEN");
    }
    let submitted = server.submitted_task();
    server.act(&server.human, &submitted, "approve").error(403, "FORBIDDEN");
    server.act(&server.agent, &submitted, "submit").error(403, "FORBIDDEN");
    for action in ["submit", "approve", "reject", "dispute", "cancel", "select", "messages"] {
        for stranger in [&other_agent, &other_human] {
            server.act(stranger, &submitted, action).error(404, "TASK_NOT_FOUND");
        }
    }
    for path in ["", "/applications", "/submissions", "/messages"] {
        other_human.get(&format!("/tasks/{submitted}{path}")).error(404, "TASK_NOT_FOUND");
    }
}

#[test]
fn a_human_applies_once_and_the_others_are_told() {
    let server = Server::start();
    let (other_id, other) = server.register("human", "other@example.com");
    let task = server.open_task();
    server.act(&server.human, &task, "apply").ok(201);
    server.act(&server.human, &task, "apply").error(409, "STATE_CONFLICT");
    let application = server.act(&other, &task, "apply").ok(201);
    assert_eq!(application["status"], "pending");
    let listed = server.agent.get(&format!("/tasks/{task}/applications"));
    assert_eq!(listed.json()["pagination"]["total"], 2);
    let selected = server.agent.post(&format!("/tasks/{task}/select"), &json!({ "applicationId": application["id"] })).ok(200);
    assert_eq!((&selected["status"], &selected["humanId"]), (&json!("assigned"), &json!(other_id)));
    let mine = server.human.get("/my/applications").ok(200);
    assert_eq!((&mine[0]["status"], &mine[0]["task"]["status"]), (&json!("not_selected"), &json!("assigned")));
    assert_eq!(server.human.get("/notifications").ok(200)["unreadCount"], 1);
}

#[test]
fn selecting_needs_one_applicant_of_this_task() {
    let server = Server::start();
    let task = server.open_task();
    let select = |body: Value| server.agent.post(&format!("/tasks/{task}/select"), &body);
    select(json!({})).error(400, "VALIDATION_ERROR");
    select(json!({ "humanId": server.human_id })).error(404, "APPLICATION_NOT_FOUND");
    select(json!({ "applicationId": "app_0" })).error(404, "APPLICATION_NOT_FOUND");
    assert_eq!(server.status_of(&task), "open");
}

#[test]
fn the_first_applicant_is_taken_where_the_task_says_so() {
    let server = Server::start();
    let task = server.create(&json!({ "selection": "first" }));
    assert_eq!(server.act(&server.human, &task, "apply").ok(201)["status"], "selected");
    assert_eq!(server.status_of(&task), "assigned");
}

#[test]
fn a_rejected_task_can_be_submitted_again_and_every_submission_is_kept() {
    let server = Server::start();
    let task = server.rejected_task();
    assert!(server.human.get(&format!("/tasks/{task}")).ok(200)["rejectionReason"].is_string());
    server.act(&server.human, &task, "submit").ok(201);
    assert_eq!(server.agent.get(&format!("/tasks/{task}/submissions")).json()["pagination"]["total"], 2);
    server.act(&server.agent, &task, "approve").ok(200);
}

#[test]
fn cancelling_returns_the_whole_budget() {
    let server = Server::start();
    let task = server.open_task();
    assert_eq!(server.agent.get("/wallet").ok(200)["frozenBalance"], 150);
    assert_eq!(server.act(&server.agent, &task, "cancel").ok(200)["status"], "cancelled");
    assert_eq!(server.agent.get("/wallet").ok(200)["balance"], 10_000);
}

#[test]
fn a_budget_over_the_balance_is_refused_and_changes_nothing() {
    let server = Server::start();
    let task = Server::example_with(&json!({ "budget": 10_000.01 }));
    server.agent.post("/tasks", &task).error(400, "INSUFFICIENT_BALANCE");
    assert_eq!(server.agent.get("/tasks").json()["pagination"]["total"], 0);
    assert_eq!(server.agent.get("/wallet").ok(200)["balance"], 10_000);
}

#[test]
fn bad_fields_are_named_and_change_nothing() {
    let server = Server::start();
    for (field, value) in [
        ("title", json!(null)),
        ("title", json!(7)),
        ("title", json!("  ")),
        ("title", json!("x".repeat(201))),
        ("title", json!("a\u{0}b")),
        ("description", json!("x".repeat(5001))),
        ("category", json!("two words")),
        ("budget", json!(0)),
        ("budget", json!(-1)),
        ("budget", json!(0.001)),
        ("budget", json!("150")),
        ("budget", json!(1_000_000.01)),
        ("budget", json!([150])),
        ("deadline", json!("tomorrow")),
        ("deadline", json!("2020-01-01T00:00:00Z")),
        ("deadline", json!(in_days(400))),
        ("location", json!("x".repeat(201))),
        ("remote", json!("true")),
        ("urgency", json!("now")),
        ("selection", json!("last")),
        ("reviewHours", json!(1.5)),
        ("metadata", json!({ "a": 1 })),
        ("metadata", json!([])),
    ] {
        let mut body = Server::example();
        body[field] = value.clone();
        let message = server.agent.post("/tasks", &body).error(400, "VALIDATION_ERROR");
        assert!(message.starts_with(field), "{field} = {value}: {message}");
    }
    for literal in ["1e400", "150.0000000000000000001", "1e-3"] {
        let body = Server::example().to_string().replace("\"budget\":150", &format!("\"budget\":{literal}"));
        let message = server.agent.send("POST", "/tasks", &[], &body).error(400, "VALIDATION_ERROR");
        assert!(message.starts_with("budget"), "{literal}: {message}");
    }
    assert_eq!(server.agent.get("/tasks").json()["pagination"]["total"], 0);
}

#[test]
fn the_documented_message_is_the_documented_one() {
    let server = Server::start();
    let body = Server::example_with(&json!({ "title": null }));
    assert_eq!(server.agent.post("/tasks", &body).error(400, "VALIDATION_ERROR"), "title is required and must be a string");
}

#[test]
fn the_risk_gate_says_the_category_and_the_operator_can_see_the_attempt() {
    let server = Server::start();
    let task = Server::example_with(&json!({ "title": "Bu\u{443} a g\u{200b}un" }));
    let message = server.agent.post("/tasks", &task).error(400, "RISK_GATE_BLOCKED");
    assert!(message.contains("weapons"), "{message}");
    let logged: i64 = server.open_database().query_row("SELECT count(*) FROM risk_attempt", [], |row| row.get(0)).unwrap();
    assert_eq!(logged, 1);
    assert_eq!(server.agent.get("/wallet").ok(200)["frozenBalance"], 0);
}

#[test]
fn lists_are_filtered_counted_and_ordered() {
    let server = Server::start();
    let first = server.create(&json!({ "category": "writing", "urgency": "high", "remote": true }));
    let second = server.create(&json!({ "title": "Count the lamps of Main Street" }));
    let taken = server.assigned_task();
    let ids = |query: &str| {
        let answer = server.agent.get(&format!("/tasks?{query}"));
        let listed: Vec<_> = answer.ok(200).as_array().unwrap().iter().map(id).collect();
        assert_eq!(answer.json()["pagination"]["total"], listed.len(), "{query}");
        listed
    };
    assert_eq!(ids(""), [taken.clone(), second.clone(), first.clone()]);
    assert_eq!(ids("status=OPEN"), [second.clone(), first.clone()]);
    assert_eq!(ids("category=writing"), std::slice::from_ref(&first));
    assert_eq!(ids("remote=false"), [taken.clone(), second.clone()]);
    assert_eq!(ids("urgency=high&remote=true&status=open"), [first]);
    assert_eq!(ids("q=lamps"), [second]);
    assert_eq!(ids("status=assigned&mine=true"), [taken]);
    assert_eq!(ids("status=completed"), Vec::<String>::new());
}

#[test]
fn others_see_open_tasks_and_their_own_only() {
    let server = Server::start();
    let (_, stranger) = server.register("agent", "stranger@example.com");
    let open = server.open_task();
    server.assigned_task();
    let seen = stranger.get("/tasks");
    assert_eq!((seen.json()["pagination"]["total"].clone(), id(&seen.ok(200)[0])), (json!(1), open));
    assert_eq!(server.human.get("/tasks").json()["pagination"]["total"], 2);
    assert_eq!(server.human.get("/tasks?mine=true").json()["pagination"]["total"], 1);
    let text = stranger.get("/tasks").text + &server.agent.get("/tasks").text;
    assert!(!text.contains("@example.com"));
}

#[test]
fn metadata_is_its_owners_alone() {
    let server = Server::start();
    let task = server.create(&json!({ "metadata": { "order": "7" } }));
    let path = format!("/tasks/{task}");
    assert_eq!(server.agent.get(&path).ok(200)["metadata"], json!({ "order": "7" }));
    assert!(server.human.get(&path).ok(200).get("metadata").is_none());
}

#[test]
fn pages_and_cursors_walk_the_same_list() {
    let server = Server::start();
    let mut made: Vec<_> = (0..7).map(|_| server.open_task()).collect();
    made.reverse();
    let (mut walked, mut path) = (Vec::new(), "/tasks?limit=3".to_owned());
    loop {
        let answer = server.agent.get(&path);
        walked.extend(answer.ok(200).as_array().unwrap().iter().map(id));
        let Some(cursor) = answer.json()["pagination"]["nextCursor"].as_str().map(str::to_owned) else { break };
        path = format!("/tasks?limit=3&cursor={cursor}");
    }
    assert_eq!(walked, made);
    let page = server.agent.get("/tasks?limit=3&page=2");
    assert_eq!(page.ok(200).as_array().unwrap().iter().map(id).collect::<Vec<_>>(), made[3..6]);
    assert_eq!(page.json()["pagination"]["totalPages"], 3);
}

/// A client that asks for page after page must come to an end, not to a refusal.
#[test]
fn a_page_past_the_last_is_empty_in_every_list() {
    let server = Server::start();
    let task = server.submitted_task();
    let webhook = server.agent.post("/webhooks", &json!({ "url": "http://127.0.0.1:9/" })).ok(201)["id"].clone();
    let webhook = webhook.as_str().unwrap();
    let of_task = ["applications", "submissions", "messages"].map(|list| format!("/tasks/{task}/{list}"));
    let own =
        ["/tasks", "/tasks?q=coffee", "/tasks?mine=true", "/wallet/transactions", "/my/applications", "/my/referrals", "/notifications"];
    let others = ["/api-keys".to_owned(), "/webhooks".to_owned(), format!("/webhooks/{webhook}/deliveries")];
    for list in own.map(str::to_owned).iter().chain(&of_task).chain(&others) {
        let join = if list.contains('?') { '&' } else { '?' };
        for page in ["page=2", "page=1001", "page=20000&limit=100", "page=4294967295&limit=100"] {
            let answer = server.agent.get(&format!("{list}{join}{page}"));
            let data = answer.ok(200);
            let entries = [&data, &data["notifications"], &data["referrals"]].into_iter().find_map(Value::as_array);
            let pagination = &answer.json()["pagination"];
            assert!(entries.is_some_and(Vec::is_empty) && pagination.get("nextCursor").is_none(), "{list} {page}: {}", answer.json());
            assert!(pagination["page"].as_u64() > pagination["totalPages"].as_u64(), "{pagination}");
        }
    }
}

#[test]
fn bad_filters_are_named() {
    let server = Server::start();
    for query in [
        "page=0",
        "page=x",
        "page=4294967296",
        "limit=0",
        "limit=101",
        "limit=1e9",
        "status=gone",
        "remote=maybe",
        "urgency=1",
        "category=a%20b",
        "cursor=x",
        "page=1&page=2",
    ] {
        let message = server.agent.get(&format!("/tasks?{query}")).error(400, "VALIDATION_ERROR");
        assert!(message.starts_with(query.split('=').next().unwrap()), "{query}: {message}");
    }
}

#[test]
fn a_malformed_id_is_an_unknown_one() {
    let server = Server::start();
    for task in ["task_1", "x", "task_ffffffffffffffffffffffffffffffff", "%00", "user_ffffffffffffffffffffffffffffffff"] {
        server.agent.get(&format!("/tasks/{task}")).error(404, "TASK_NOT_FOUND");
        server.act(&server.agent, task, "cancel").error(404, "TASK_NOT_FOUND");
    }
}

#[test]
fn a_tasks_participants_are_named_and_the_human_stays_anonymous() {
    let server = Server::start();
    let task = server.assigned_task();
    let participants = server.agent.get(&format!("/tasks/{task}")).ok(200)["participants"].clone();
    assert_eq!((&participants[0]["role"], &participants[1]["userId"]), (&json!("agent"), &json!(server.human_id)));
    assert!(participants[1].get("displayName").is_none());
}

#[test]
fn the_outbox_has_each_transition_in_order() {
    let server = Server::start();
    let task = server.submitted_task();
    server.act(&server.agent, &task, "approve").ok(200);
    let database = server.open_database();
    let mut statement = database.prepare("SELECT type, data FROM event WHERE task_id = ?1 ORDER BY seq").unwrap();
    let events: Vec<(String, String)> =
        statement.query_map([&task], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let kinds: Vec<_> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["task.created", "task.application_received", "task.human_accepted", "task.submitted", "task.completed"]);
    let completed: Value = serde_json::from_str(&events[4].1).unwrap();
    assert_eq!((completed["payout"].to_string(), completed["platformFee"].to_string()), ("149.985".into(), "0.015".into()));
    assert_eq!(completed["humanDisplayId"], json!(server.human_id));
}

/// `PRAGMA optimize` on a file with one account made SQLite look through all accounts for the owner of each task, once there
/// were many.
#[test]
fn a_server_that_stops_leaves_no_statistics_of_a_small_file_to_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let server = crate::harness::KeptServer::start(&data, &[]);
    let (_, agent) = crate::harness::register(&server.anyone, "agent", "agent@example.com");
    agent.post("/tasks", &Server::example()).ok(201);
    assert!(server.terminate());
    let statistics = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat_'";
    let found: i64 = crate::harness::open_database(&data).query_row(statistics, [], |row| row.get(0)).unwrap();
    assert_eq!(found, 0);
}
