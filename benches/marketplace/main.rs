//! `cargo bench`: each figure beside its baseline from the same run, on the same disk.
//!
//! Set `BENCH_TASKS` for another size of the large database (default 1 000 000) and `BENCH_DIR` for another disk.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a bench that cannot go on should stop there, and prints its table

mod client;
mod generate;
mod load;
mod server;

use load::{Load, measure};
use server::Server;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SECONDS: Duration = Duration::from_secs(4);
const SMALL: u64 = 1_000;

fn main() {
    let disk = std::env::var_os("BENCH_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let directory = disk.join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let tasks = std::env::var("BENCH_TASKS").ok().and_then(|tasks| tasks.parse().ok()).unwrap_or(1_000_000);
    durable_creation(&directory);
    reads_beside_writes(&directory);
    memory(&directory);
    size(&directory, tasks);
    std::fs::remove_dir_all(&directory).unwrap();
}

fn title(text: &str) {
    println!("\n{text}\n{}", "-".repeat(text.len()));
}

/// Durable task creation, grouped against one transaction per commit.
fn durable_creation(directory: &Path) {
    title("durable task creation over HTTP (idempotency key, webhook registered), tasks/s");
    println!("{:>8} {:>10} {:>10} {:>7}   p50 / p99 / p99.9 ms grouped", "clients", "max 1", "grouped", "ratio");
    for clients in [1, 16, 64, 256] {
        let run = |batch: usize| {
            let path = directory.join(format!("create-{clients}-{batch}.db"));
            let server = Server::start(&path, &[&format!("store.max_batch={batch}")]);
            let agent = server.agent();
            measure(clients, SECONDS, &Load::create(&agent))
        };
        let (single, grouped) = (run(1), run(256));
        let ratio = grouped.per_second() / single.per_second();
        println!("{clients:>8} {:>10.0} {:>10.0} {ratio:>6.1}x   {}", single.per_second(), grouped.per_second(), grouped.tail());
    }
}

/// `GET /tasks/:id` alone and under full write load.
fn reads_beside_writes(directory: &Path) {
    title("GET /tasks/:id with 4 clients, idle and beside 64 writing clients");
    let server = Server::start(&directory.join("reads.db"), &[]);
    let agent = server.agent();
    let read = Load::get(&agent, &format!("/tasks/{}", agent.create_task()));
    let idle = measure(4, SECONDS, &read);
    let busy = std::thread::scope(|scope| {
        let writes = scope.spawn(|| measure(64, SECONDS + Duration::from_secs(1), &Load::create(&agent)));
        let busy = measure(4, SECONDS, &read);
        println!("writes meanwhile: {:.0}/s", writes.join().unwrap().per_second());
        busy
    });
    println!("idle: {:.0}/s, p50 / p99 / p99.9 ms {}", idle.per_second(), idle.tail());
    println!("busy: {:.0}/s, p50 / p99 / p99.9 ms {}", busy.per_second(), busy.tail());
    println!("p99 busy / idle: {:.1}x", busy.percentile(99.0) / idle.percentile(99.0));
}

/// Resident memory, idle and with 256 connections of load.
fn memory(directory: &Path) {
    title("resident memory, MB");
    let server = Server::start(&directory.join("memory.db"), &[]);
    println!("idle: {:.1}", server.resident_mb());
    let agent = server.agent();
    std::thread::scope(|scope| {
        let load = scope.spawn(|| measure(256, SECONDS, &Load::create(&agent)));
        std::thread::sleep(SECONDS / 2);
        println!("256 connections of load: {:.1}", server.resident_mb());
        load.join().unwrap();
    });
}

/// Lists and start-up with few tasks and with many.
fn size(directory: &Path, tasks: u64) {
    let paths = [
        "/tasks",
        "/tasks?status=open",
        "/tasks?status=completed",
        "/tasks?category=c7",
        "/tasks?category=c7&remote=true&urgency=high&status=open",
        "/tasks?mine=true&limit=10",
        "/wallet",
    ];
    let median = |number: u64| {
        let path = directory.join(format!("size-{number}.db"));
        let key = generate::database(&path, number);
        let bytes = std::fs::metadata(&path).unwrap().len();
        let begun = Instant::now();
        let server = Server::start(&path, &[]);
        println!("{number} tasks, {:.2} GB: ready in {} ms", bytes as f64 / 1e9, begun.elapsed().as_millis());
        let agent = server.client(&key);
        let figures: Vec<f64> = paths.iter().map(|path| measure(1, SECONDS / 4, &Load::get(&agent, path)).percentile(50.0)).collect();
        println!(
            "  deep page by cursor: {:.2} ms",
            measure(1, SECONDS / 4, &Load::get(&agent, &format!("/tasks?cursor={}", number / 2))).percentile(50.0)
        );
        figures
    };
    title("lists by number of tasks, p50 ms");
    let (small, large) = (median(SMALL), median(tasks));
    println!("{:<58} {SMALL:>8} {tasks:>9} {:>7}", "", "ratio");
    for ((path, small), large) in paths.iter().zip(small).zip(large) {
        println!("{path:<58} {small:>8.3} {large:>9.3} {:>6.2}x", large / small);
    }
}
