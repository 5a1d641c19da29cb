//! The commands of developers: listen, trigger, logs, seed.

use crate::harness::{KeptServer, Receiver, Server, command, register, run};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver as Lines, channel};
use std::time::Duration;

/// How long a line is waited for before it is said to be missing.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command that goes on by itself, and what it prints.
struct Running {
    child: Child,
    lines: Lines<String>,
}

impl Running {
    fn start(url: &str, key: &str, args: &[&str]) -> Self {
        let mut command = command();
        command.args(args).env("API_KEY", key).env("HUMANS2AI_URL", url);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Running { child, lines }
    }

    fn next(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("another line")
    }

    /// The next line that has this in it.
    fn find(&mut self, part: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line has {part}"));
            if line.contains(part) {
                return line;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn key_of<'a>(server: &'a Server, who: &str) -> &'a str {
    server.ready[who]["apiKey"].as_str().unwrap()
}

/// Runs the command as the agent to its end.
fn as_agent(server: &Server, args: &[&str]) -> Output {
    command().args(args).env("API_KEY", key_of(server, "agent")).env("HUMANS2AI_URL", &server.url).output().unwrap()
}

fn said(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn lines_of(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", said(&output.stderr));
    said(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// As the published page's code verifies it.
fn signature(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    mac.finalize().into_bytes().iter().fold("v1=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[test]
fn listen_prints_events_and_forwards_them_signed() {
    let server = Server::start();
    let receiver = Receiver::start();
    server.open_task();
    let mut listen = Running::start(&server.url, key_of(&server, "agent"), &["listen", "--forward-to", &receiver.url]);
    assert!(listen.next().contains(&server.url));
    let secret = listen.find("secret").rsplit(' ').next().unwrap().to_owned();
    let task = server.submitted_task();
    for event in ["task.created", "task.application_received", "task.human_accepted", "task.submitted"] {
        let line = listen.next();
        assert!(line.contains(event) && line.contains(&task), "{line}");
        assert!(listen.next().starts_with("  -> 200 in "));
        let forwarded = receiver.next();
        assert_eq!(forwarded.header("X-Humans2AI-Signature").unwrap(), signature(&secret, &forwarded.body));
        assert_eq!(forwarded.header("X-Humans2AI-Event").unwrap(), event);
        assert!(line.contains(forwarded.header("webhook-id").unwrap()), "{line}");
        let body = forwarded.json();
        assert_eq!((&body["event"], &body["taskId"]), (&json!(event), &json!(task)));
        assert!(body["data"]["taskTitle"].is_string() && body["timestamp"].is_string());
    }
}

#[test]
fn listen_prints_only_the_events_asked_for_and_says_when_nobody_takes_them() {
    let server = Server::start();
    let args = ["listen", "--events", "task.submitted,task.cancelled", "--forward-to", "http://127.0.0.1:9/"];
    let mut listen = Running::start(&server.url, key_of(&server, "agent"), &args);
    listen.find("secret");
    server.submitted_task();
    assert!(listen.next().contains("task.submitted"));
    assert!(listen.next().starts_with("  -> no answer from http://127.0.0.1:9/"));
    let bad = as_agent(&server, &["listen", "--events", "task.eaten"]);
    assert!(!bad.status.success() && said(&bad.stderr).contains("message.received"));
    let bad = as_agent(&server, &["listen", "--forward-to", "localhost"]);
    assert!(!bad.status.success() && said(&bad.stderr).contains("http://"));
}

#[test]
fn listen_outlives_a_restart_and_says_what_a_restored_file_has_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (data, copy) = (directory.path().join("market.db"), directory.path().join("copy.db"));
    let (data, copy): (&Path, &str) = (&data, copy.to_str().unwrap());
    let server = KeptServer::start(data, &[]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let key = agent.post("/api-keys", &json!({})).ok(201)["key"].as_str().unwrap().to_owned();
    let url = server.anyone.url().to_owned();
    let address = url.trim_start_matches("http://");
    let agent = server.anyone.with_token(&key);
    assert!(run(&["--data", data.to_str().unwrap(), "backup", copy], "").status.success());
    let mut listen = Running::start(&url, &key, &["listen"]);
    listen.find("listening");
    agent.post("/tasks", &Server::example()).ok(201);
    listen.find("task.created");
    server.kill();
    listen.find("waiting: no server answers");
    let server = KeptServer::start_at(address, data, &[]);
    agent.post("/tasks", &Server::example()).ok(201);
    listen.find("task.created");
    assert!(server.terminate());
    assert!(run(&["--data", data.to_str().unwrap(), "restore", copy], "").status.success());
    let _server = KeptServer::start_at(address, data, &[]);
    listen.find("missed");
    agent.post("/tasks", &Server::example()).ok(201);
    listen.find("task.created");
}

#[test]
fn trigger_makes_every_event_happen_and_prints_the_ids() {
    let server = Server::start();
    for event in [
        "task.created",
        "task.application_received",
        "task.human_accepted",
        "message.received",
        "task.submitted",
        "task.completed",
        "task.rejected",
        "task.disputed",
        "task.cancelled",
        "task.expired",
        "task.refunded",
    ] {
        let lines = lines_of(&as_agent(&server, &["trigger", event, "--set", "budget=3.5", "--set", "metadata.order=7"]));
        let (first, last) = (&lines[0], lines.last().unwrap());
        assert_eq!((&first["step"], &last["event"]), (&json!("create"), &json!(event)));
        let task = first["taskId"].as_str().unwrap();
        let kept = server.agent.get(&format!("/tasks/{task}")).ok(200);
        assert_eq!((&kept["budget"], &kept["metadata"]["order"]), (&json!(3.5), &json!("7")));
        let events = server.agent.get(&format!("/tasks/{task}/events?limit=100")).ok(200);
        let newest = events["events"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&newest["event"], &newest["id"]), (&json!(event), &last["eventId"]), "{event}");
    }
}

#[test]
fn trigger_takes_the_fields_of_steps_and_tells_the_servers_refusal() {
    let server = Server::start();
    let lines = lines_of(&as_agent(&server, &["trigger", "message.received", "--set", "content=Is it raining?"]));
    assert_eq!(lines.last().unwrap()["data"]["content"], "Is it raining?");
    for (args, part) in [
        (&["trigger", "task.created", "--set", "budget=-1"][..], "400 VALIDATION_ERROR: budget"),
        (&["trigger", "task.created", "--set", "title=[sandbox:insufficient_balance]"], "INSUFFICIENT_BALANCE"),
        (&["trigger", "task.created", "--key", "sk_live_abc"], "the money would be real"),
        (&["logs", "tail", "--key", "sk_live_abc"], "test data only"),
        (&["trigger", "task.created", "--key", "sk_test_abc"], "give a key of this server"),
        (&["trigger", "task.created", "--url", "http://127.0.0.1:9"], "start one with `humans2ai`"),
        (&["trigger", "task.eaten"], "task.completed"),
    ] {
        let output = as_agent(&server, args);
        assert!(!output.status.success() && said(&output.stderr).contains(part), "{args:?}: {}", said(&output.stderr));
    }
    let keyless = command().args(["trigger", "task.created"]).output().unwrap();
    assert!(said(&keyless.stderr).contains("API_KEY"));
}

#[test]
fn logs_show_requests_and_nothing_secret() {
    let server = Server::start();
    let (_, other) = server.register("agent", "other@example.com");
    let mut follow = Running::start(&server.url, key_of(&server, "agent"), &["logs", "tail", "--follow"]);
    let task = server.open_task();
    server.agent.get("/tasks?q=sk_test_secretword").ok(200);
    server.agent.get("/tasks/sk_test_secretpath").error(404, "TASK_NOT_FOUND");
    server.agent.post("/api-keys", &json!({ "name": "secretname" })).ok(201);
    server.agent.post("/test/faults", &json!({ "route": "GET /wallet", "fault": "conflict" })).ok(201);
    server.agent.get("/wallet").error(409, "STATE_CONFLICT");
    other.get("/notifications").ok(200);
    let answer = server.agent.get(&format!("/tasks/{task}"));
    let request_id = answer.header("X-Request-Id").unwrap();
    let last = format!("GET /tasks/{task} 200 - ");
    let mut seen = vec![follow.next()];
    while !seen.last().unwrap().contains(&last) {
        seen.push(follow.next());
    }
    assert!(seen.last().unwrap().contains(request_id));
    let tail = as_agent(&server, &["logs", "tail"]);
    let tail = said(&tail.stdout);
    assert_eq!(tail.lines().collect::<Vec<_>>(), seen);
    for part in ["POST /tasks 201 - ", "GET /tasks 200 - ", "GET /tasks/{taskId} 404 TASK_NOT_FOUND ", "(forced: conflict)"] {
        assert!(tail.contains(part), "{part} is not in {tail}");
    }
    for secret in ["secret", "sk_test_", "notifications", "?"] {
        assert!(!tail.contains(secret), "{secret} is in {tail}");
    }
}

#[test]
fn seed_leaves_tasks_in_every_state_and_accounts_that_work() {
    let server = Server::start();
    let output = run(&["seed", "--tasks", "14", "--url", &server.url], "");
    let accounts = lines_of(&output);
    assert!(said(&output.stderr).contains("12 of 12 tasks"));
    let count = |role: &str| accounts.iter().filter(|account| account["role"] == role).count();
    assert_eq!((count("agent"), count("human")), (3, 5));
    for account in &accounts {
        let client = server.anyone.with_token(account["apiKey"].as_str().unwrap());
        client.get("/wallet").ok(200);
    }
    let login = json!({ "email": accounts[0]["email"], "password": accounts[0]["password"] });
    server.anyone.post("/public/auth/login", &login).ok(200);
    let distinct = |sql: &str| -> BTreeSet<String> {
        let database = server.open_database();
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let statuses = distinct("SELECT DISTINCT status FROM task");
    assert_eq!(statuses.len(), 9, "{statuses:?}");
    assert!(distinct("SELECT DISTINCT category FROM task").len() >= 8);
    assert!(distinct("SELECT DISTINCT content FROM message").len() >= 3);
    assert!(lines_of(&run(&["seed", "--tasks", "1", "--url", &server.url], "")).len() >= 8, "a second run makes accounts of its own");
}

#[test]
fn help_tells_a_newcomer_what_to_do() {
    for (args, part) in [
        (&["listen", "--help"][..], "humans2ai trigger task.completed"),
        (&["trigger", "--help"], "task.application_received"),
        (&["logs", "tail", "--help"], "request id"),
        (&["seed", "--help"], "in every state"),
    ] {
        assert!(said(&run(args, "").stdout).contains(part), "{args:?}");
    }
}
