//! What a test suite pays for its fixture: `humans2ai --ephemeral`, its snapshots and its clock.

use crate::client::Client;
use crate::title;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STARTS: usize = 100;
const TASKS: usize = 50;
const DUE: usize = 5_000;

struct Fixture {
    child: Child,
    ready: Value,
}

impl Fixture {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_humans2ai"));
        command.args(["--ephemeral", "--set", "wallet.test_grant=1000000"]).env_clear();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Fixture { child, ready: serde_json::from_str(&line).unwrap() }
    }

    fn agent(&self) -> Client {
        let text = |pointer: &str| self.ready.pointer(pointer).unwrap().as_str().unwrap();
        Client::new(text("/url").trim_start_matches("http://"), text("/agent/apiKey"))
    }
}

/// Closing standard input ends it.
impl Drop for Fixture {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

pub fn measure_fixtures() {
    title("fixtures");
    let begun = Instant::now();
    let mut ready: Vec<_> = (0..STARTS).map(|_| timed(Fixture::start).1).collect();
    let all = begun.elapsed();
    ready.sort();
    println!("ready, median / slowest of {STARTS}: {:.1} / {:.1} ms", millis(ready[STARTS / 2]), millis(ready[STARTS - 1]));
    println!("{STARTS} started and stopped in a row: {:.2} s", all.as_secs_f64());

    let fixture = Fixture::start();
    let agent = fixture.agent();
    let post = |path: &str, body: &str| agent.call("POST", path, body);
    for _ in 0..TASKS {
        agent.create_task();
    }
    let (snapshot, kept) = timed(|| post("/test/snapshots", "{}"));
    let path = format!("/test/snapshots/{}/restore", snapshot["data"]["id"].as_str().unwrap());
    let mut restored: Vec<_> = (0..21).map(|_| timed(|| post(&path, "{}")).1).collect();
    restored.sort();
    println!("snapshot of {} rows: {:.1} ms, restored in {:.1} ms", snapshot["data"]["rows"], millis(kept), millis(restored[10]));

    post("/test/clock/freeze", "{}");
    for _ in TASKS..DUE {
        agent.create_task();
    }
    let (answer, passed) = timed(|| post("/test/clock/advance", r#"{"seconds":315360000}"#));
    println!("ten years with {} expiries: {:.0} ms", answer["data"]["expired"], millis(passed));
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
