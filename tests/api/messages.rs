//! /tasks/:id/messages and /notifications

use crate::harness::{Server, id};
use serde_json::json;

#[test]
fn the_two_participants_talk_and_each_is_told_of_the_others_words() {
    let server = Server::start();
    let task = server.assigned_task();
    let path = format!("/tasks/{task}/messages");
    server.agent.post(&path, &json!({ "content": "  Which shops?  " })).ok(201);
    server.human.post(&path, &json!({ "content": "The first three" })).ok(201);
    let messages = server.human.get(&path).ok(200);
    assert_eq!((&messages[0]["content"], &messages[1]["senderId"]), (&json!("Which shops?"), &json!(server.human_id)));
    let told = server.agent.get("/notifications").ok(200);
    assert_eq!(told["notifications"][0]["type"], "message.received");
}

#[test]
fn a_message_is_bounded_and_needs_someone_to_read_it() {
    let server = Server::start();
    let open = server.open_task();
    server.act(&server.agent, &open, "messages").error(409, "STATE_CONFLICT");
    let path = format!("/tasks/{}/messages", server.assigned_task());
    server.agent.post(&path, &json!({ "content": "ä".repeat(2000) })).ok(201);
    server.agent.post(&path, &json!({ "content": "ä".repeat(2001) })).error(400, "VALIDATION_ERROR");
    server.agent.post(&path, &json!({ "content": "" })).error(400, "VALIDATION_ERROR");
    assert_eq!(server.agent.get(&path).json()["pagination"]["total"], 1);
}

#[test]
fn notifications_are_marked_by_id_or_all_at_once() {
    let server = Server::start();
    let task = server.submitted_task();
    server.act(&server.agent, &task, "approve").ok(200);
    let listed = server.human.get("/notifications").ok(200);
    assert_eq!(listed["unreadCount"], 2);
    let first = id(&listed["notifications"][0]);
    let marked = server.human.patch("/notifications", &json!({ "ids": [first, first] })).ok(200);
    assert_eq!(marked, json!({ "updated": 1, "unreadCount": 1 }));
    server.agent.patch("/notifications", &json!({ "ids": [first] })).ok(200);
    assert_eq!(server.human.patch("/notifications", &json!({ "all": true })).ok(200), json!({ "updated": 1, "unreadCount": 0 }));
    server.human.patch("/notifications", &json!({})).error(400, "VALIDATION_ERROR");
    server.human.patch("/notifications", &json!({ "ids": "all" })).error(400, "VALIDATION_ERROR");
}
