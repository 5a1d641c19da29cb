//! A disk that fails, full or read-only or broken, is a 503 that passes: no restart, nothing half done.
//!
//! `disk.c` stands between the server and its files.

use super::shop::{Shop, Who};
use crate::harness::{Receiver, Server, command, id};
use rouille::Response;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

const NO_SPACE: &str = "28";
const READ_ONLY: &str = "30";
const INPUT_OUTPUT: &str = "5";

/// The library, compiled once.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/faults/disk.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("disk-{}.so", std::process::id()));
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let built = Command::new(compiler).args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
        assert!(built.unwrap().success(), "disk.c does not compile");
        library
    })
}

fn fragile(shop: &Shop) -> Command {
    let mut command = command();
    command.env("LD_PRELOAD", library()).env("DISK_ERROR", shop.path("error"));
    command
}

impl Shop {
    fn break_disk(&self, error: &str) {
        std::fs::write(self.path("errno"), error).unwrap();
        std::fs::rename(self.path("errno"), self.path("error")).unwrap();
    }

    fn mend_disk(&self) {
        std::fs::remove_file(self.path("error")).unwrap();
    }
}

#[test]
fn a_failing_disk_is_a_503_that_passes_without_a_restart() {
    let shop = Shop::open(fragile);
    let (agent, (_, task)) = (shop.client(Who::Agent), shop.task(&["apply", "submit"]));
    let tasks = || shop.count("SELECT count(*) FROM task WHERE id <> ?1", "");
    for error in [NO_SPACE, READ_ONLY, INPUT_OUTPUT] {
        let before = tasks();
        let approve = || agent.post_keyed(&format!("/tasks/{task}/approve"), "approve", &json!({}));
        shop.break_disk(error);
        for refused in [agent.post_keyed("/tasks", error, &Server::example()), approve(), approve()] {
            let message = refused.error(503, "SERVICE_UNAVAILABLE");
            assert!(refused.header("Retry-After").is_some() && message.contains("retry"), "{message}");
        }
        assert_eq!(agent.get(&format!("/tasks/{task}")).ok(200)["status"], "submitted", "reading goes on");
        assert_eq!(tasks(), before, "nothing is done");
        shop.mend_disk();
        let made = agent.post_keyed("/tasks", error, &Server::example());
        assert_eq!((made.status, made.header("Idempotency-Replayed")), (201, None), "{}", made.text);
    }
    agent.post_keyed(&format!("/tasks/{task}/approve"), "approve", &json!({})).ok(200);
    shop.verify();
}

#[test]
fn a_disk_that_fails_and_recovers_under_load_leaves_each_request_done_once() {
    let shop = Shop::open(fragile);
    let agent = shop.client(Who::Agent);
    let body = Server::example_with(&json!({ "budget": 0.01 }));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (agent, body) = (&agent, &body);
                scope.spawn(move || {
                    let (mut refused, mut made) = (0, 0);
                    while made < 40 {
                        let answer = agent.post_keyed("/tasks", &format!("{client}-{made}"), body);
                        if answer.status == 201 {
                            made += 1;
                        } else {
                            answer.error(503, "SERVICE_UNAVAILABLE");
                            refused += 1;
                        }
                    }
                    refused
                })
            })
            .collect();
        let breaker = scope.spawn(|| {
            let until = |status| {
                while !done.load(Ordering::Relaxed) && agent.post("/tasks", &body).status != status {
                    thread::yield_now();
                }
            };
            for error in [NO_SPACE, INPUT_OUTPUT, READ_ONLY].into_iter().cycle() {
                // Broken until a write has met it, whole until one has passed.
                shop.break_disk(error);
                until(503);
                shop.mend_disk();
                until(201);
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let refused: i32 = clients.into_iter().map(|client| client.join().unwrap()).sum();
        done.store(true, Ordering::Relaxed);
        breaker.join().unwrap();
        assert!(refused > 0, "the disk never failed anyone");
    });
    assert_eq!(shop.count("SELECT count(*) FROM idempotency_key WHERE key LIKE ?1", "_-%"), 160);
    shop.verify();
}

#[test]
fn what_nobody_asks_for_waits_for_a_full_disk_without_filling_the_log() {
    let shop = Shop::open(fragile);
    let agent = shop.client(Who::Agent);
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let receiver = Receiver::answering(move |_, _| {
        let _ = released.lock().unwrap().recv();
        Response::text("ok")
    });
    let webhook = id(&agent.post("/webhooks", &json!({ "url": receiver.url, "events": ["task.created"] })).ok(201));
    let (_, task) = shop.task(&[]);
    receiver.wait_for(1);
    shop.break_disk(NO_SPACE);
    // The disk is the server's alone: the test still writes what makes the task expire.
    Connection::open(shop.data()).unwrap().execute("UPDATE task SET deadline = 1000", []).unwrap();
    drop(release);
    // Time for the clock and the delivery to try again and again.
    let until = Instant::now() + Duration::from_secs(6);
    while Instant::now() < until {
        assert_eq!(agent.get(&format!("/tasks/{task}")).ok(200)["status"], "open");
    }
    let complaints = shop.logged("ERROR");
    assert!((2..=14).contains(&complaints), "{complaints} lines");
    shop.mend_disk();
    let deadline = Instant::now() + Duration::from_secs(20);
    let until = |reached: &dyn Fn() -> bool| {
        while !reached() {
            assert!(Instant::now() < deadline, "the disk is whole again, and nothing happens");
        }
    };
    let deliveries = || agent.get(&format!("/webhooks/{webhook}/deliveries")).ok(200);
    until(&|| deliveries()[0]["state"] == "delivered");
    until(&|| agent.get(&format!("/tasks/{task}")).ok(200)["status"] == "expired");
    let attempts = deliveries()[0]["attempts"].as_array().map_or(0, Vec::<Value>::len);
    assert_eq!((receiver.received().len(), attempts), (1, 1), "it is sent once, whatever the disk does");
    shop.verify();
}
