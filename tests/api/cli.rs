//! The command line and its configuration.

use crate::harness::{KeptServer, Server, audit, command, register, run};
use serde_json::{Value, json};
use std::path::Path;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_operator_works_on_the_file_beside_the_running_server() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let server = KeptServer::start(&data, &["--mode", "live"]);
    let (user, agent) = register(&server.anyone, "agent", "agent@example.com");
    assert_eq!(agent.get("/wallet").ok(200)["balance"], 0);
    let admin = |args: &[&str]| run(&[&["--data", text(&data), "--mode", "live", "admin"], args].concat(), "");
    let deposit = ["deposit", "agent@example.com", "12.5", "--reference", "bank-1"];
    for _ in 0..2 {
        let output = admin(&deposit);
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&line["amount"], &line["balanceAfter"]), (&json!(12.5), &json!(12.5)));
    }
    assert_eq!(agent.get("/wallet").ok(200)["balance"], 12.5);
    assert!(admin(&["verify"]).status.success());
    assert!(admin(&["suspend", &user]).status.success());
    agent.get("/wallet").error(401, "UNAUTHORIZED");
    assert!(!admin(&["deposit", "nobody@example.com", "1", "--reference", "x"]).status.success());
    assert!(!admin(&["deposit", "agent@example.com", "-1", "--reference", "x"]).status.success());
    assert!(server.terminate());
    audit(&data);
}

#[test]
fn the_first_operator_is_made_on_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let create = ["--data", text(&data), "admin", "create", "op@example.com", "--password-stdin"];
    assert!(run(&create, "correct horse\n").status.success());
    assert!(!run(&create, "correct horse\n").status.success());
    let server = KeptServer::start(&data, &[]);
    let login = server.anyone.post("/public/auth/login", &json!({ "email": "op@example.com", "password": "correct horse" })).ok(200);
    server.anyone.with_token(login["idToken"].as_str().unwrap()).get("/admin/verify").ok(200);
}

#[test]
fn verify_finds_what_is_off() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    assert!(run(&["--data", text(&data), "admin", "create", "op@example.com"], "").status.success());
    let database = rusqlite::Connection::open(&data).unwrap();
    database.execute("UPDATE account SET balance = balance + 1 WHERE kind = 'platform' AND livemode = 0", []).unwrap();
    drop(database);
    let output = run(&["--data", text(&data), "admin", "verify"], "");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("sum to zero") && said.contains("received less what it gave"), "{said}");
}

#[test]
fn unknown_keys_are_errors_that_name_them() {
    for args in [&["--set", "rate_limits.speed=1"][..], &["--set", "speed=1"], &["--config", "/nonexistent.toml"], &["--mode", "dream"]] {
        let output = run(&[args, &["openapi"]].concat(), "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(args[1].split('=').next().unwrap()), "{said}");
    }
    let output = command().arg("openapi").env("HUMANS2AI_RATE_LIMITS__SPEED", "1").output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().to_lowercase().contains("rate_limits"));
}

#[test]
fn a_second_server_on_the_file_is_refused_and_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let _first = KeptServer::start(&data, &[]);
    let output = run(&["--data", text(&data), "--listen", "127.0.0.1:0"], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("--data"), "{said}");
}

#[test]
fn a_foreign_damaged_or_newer_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |name: &str| {
        let path = directory.path().join(name);
        let output = run(&["--data", text(&path), "--listen", "127.0.0.1:0"], "");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    std::fs::write(directory.path().join("text.db"), "not a database, but long enough to be looked at ".repeat(40)).unwrap();
    assert!(refused("text.db").contains("restore"));
    let other = rusqlite::Connection::open(directory.path().join("other.db")).unwrap();
    other.execute_batch("CREATE TABLE mine (x)").unwrap();
    assert!(refused("other.db").contains("another program"));
    let newer = rusqlite::Connection::open(directory.path().join("newer.db")).unwrap();
    newer.execute_batch("PRAGMA user_version = 999").unwrap();
    assert!(refused("newer.db").contains("999"));
}

#[test]
fn the_database_is_private_and_checkpointed_at_the_end() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("market.db");
    let server = KeptServer::start(&data, &[]);
    register(&server.anyone, "agent", "agent@example.com");
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(server.terminate());
    let log = directory.path().join("market.db-wal");
    assert!(!log.exists() || std::fs::metadata(log).unwrap().len() == 0);
}

#[test]
fn a_backup_is_taken_beside_the_server_and_restored_without_it() {
    let directory = tempfile::tempdir().unwrap();
    let (data, copy) = (directory.path().join("market.db"), directory.path().join("copy.db"));
    let server = KeptServer::start(&data, &[]);
    register(&server.anyone, "agent", "before@example.com");
    assert!(run(&["--data", text(&data), "backup", text(&copy)], "").status.success());
    assert!(!run(&["--data", text(&data), "backup", text(&copy)], "").status.success(), "a backup overwrites nothing");
    register(&server.anyone, "agent", "after@example.com");
    assert!(!run(&["--data", text(&data), "restore", text(&copy)], "").status.success(), "a served file is not replaced");
    assert!(server.terminate());
    assert!(run(&["--data", text(&data), "restore", text(&copy)], "").status.success());
    let server = KeptServer::start(&data, &[]);
    let exists = |email: &str| server.anyone.post("/public/check-email", &json!({ "email": email })).ok(200)["exists"].clone();
    assert_eq!((exists("before@example.com"), exists("after@example.com")), (json!(true), json!(false)));
}

#[test]
fn after_a_restore_no_cursor_passes_by_what_is_new() {
    let directory = tempfile::tempdir().unwrap();
    let (data, copy) = (directory.path().join("market.db"), directory.path().join("copy.db"));
    let server = KeptServer::start(&data, &[]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let key = agent.post("/api-keys", &json!({})).ok(201)["key"].as_str().unwrap().to_owned();
    let create = |server: &KeptServer| server.anyone.with_token(&key).post("/tasks", &Server::example_with(&json!({ "budget": 1 })));
    let feed = |server: &KeptServer, query: &str| server.anyone.with_token(&key).get(&format!("/events{query}"));
    for _ in 0..3 {
        create(&server).ok(201);
    }
    assert!(run(&["--data", text(&data), "backup", text(&copy)], "").status.success());
    create(&server).ok(201);
    let undone = feed(&server, "").ok(200)["next"].as_i64().unwrap();
    assert!(server.terminate());
    assert!(run(&["--data", text(&data), "restore", text(&copy)], "").status.success());
    let server = KeptServer::start(&data, &[]);
    for _ in 0..3 {
        create(&server).ok(201);
    }
    feed(&server, &format!("?after={undone}")).error(410, "CURSOR_EXPIRED");
    let mut next = String::new();
    for event in 1..=6 {
        let page = feed(&server, &format!("?limit=1{next}")).ok(200);
        let seq = page["events"][0]["seq"].as_i64().unwrap();
        assert!(seq > undone && page["hasMore"] == (event < 6), "{page}");
        next = format!("&after={}", page["next"]);
    }
    assert!(server.terminate());
    audit(&data);
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().contains("restoring")), "{left:?}");
}

#[test]
fn a_damaged_database_is_set_aside_by_a_restore_and_a_backup_is_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let (data, copy) = (directory.path().join("market.db"), directory.path().join("copy.db"));
    drop(KeptServer::start(&data, &[]));
    assert!(run(&["--data", text(&data), "backup", text(&copy)], "").status.success());
    std::fs::write(&data, "damaged").unwrap();
    assert!(run(&["--data", text(&data), "restore", text(&copy)], "").status.success());
    assert!(run(&["--data", text(&data), "admin", "verify"], "").status.success());
    let mut names: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with("copy") || name.ends_with(".restoring") || name.ends_with(".partial"));
    assert_eq!(names, ["copy.db"]);
}

#[test]
fn the_printed_document_is_the_served_one() {
    let printed: Value = serde_json::from_slice(&run(&["openapi"], "").stdout).unwrap();
    let served = Server::start().anyone.get("/openapi.json").json();
    assert_eq!((&printed["paths"], &printed["components"]), (&served["paths"], &served["components"]));
}

#[test]
fn a_file_of_another_program_is_not_restored_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let (data, other) = (directory.path().join("market.db"), directory.path().join("other.db"));
    drop(KeptServer::start(&data, &[]));
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE account (id INTEGER)").unwrap();
    let refused = run(&["--data", text(&data), "restore", text(&other)], "");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("other.db cannot be restored"), "{said}");
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().contains("restor")), "{left:?}");
    audit(&data);
}
