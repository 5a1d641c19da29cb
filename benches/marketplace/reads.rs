//! Reads beside a bare hyper that answers the same bytes, in small and large databases, idle and under writes.

use crate::client::Client;
use crate::disk::Disk;
use crate::load::{Load, measure};
use crate::server::Server;
use crate::{SECONDS, SMALL, bare, generate, title};
use std::time::{Duration, Instant};

const CLIENTS: usize = 16;
const PATHS: [&str; 6] = [
    "/tasks",
    "/tasks?status=completed",
    "/tasks?category=c7&remote=true&urgency=high&status=open",
    "/tasks?mine=true&limit=10",
    "/tasks?page=500",
    "/wallet",
];

/// Each read's rate, beside the bare server's of the same answer.
pub fn measure_reads(disk: &Disk, sizes: &[u64]) {
    title(&format!("reads/s with {CLIENTS} clients, beside a bare hyper on one thread that answers the same bytes"));
    for tasks in [SMALL].iter().chain(sizes) {
        let path = disk.file(&format!("size-{tasks}.db"));
        let key = generate::database(disk, &path, *tasks);
        let bytes = std::fs::metadata(&path).unwrap().len();
        let begun = Instant::now();
        let server = Server::start(disk, &path, &[]);
        println!("{tasks} tasks, {:.2} GB, ready in {} ms", bytes as f64 / 1e9, begun.elapsed().as_millis());
        println!("  {:<56} {:>7} {:>8} {:>8} {:>6}   p50 / p99 / p99.9 ms", "", "bytes", "bare", "server", "");
        let agent = server.client(&key);
        let one = format!("/tasks/{}", agent.create_task());
        let cursor = format!("/tasks?cursor={}", tasks / 2);
        for path in [one.as_str(), &cursor].into_iter().chain(PATHS) {
            compare(&agent, path);
        }
    }
}

fn compare(agent: &Client, path: &str) {
    let (status, headers, body) = agent.connect().exchange_whole(&agent.request("GET", path, "", ""));
    let bytes = body.len();
    let bare = Client::new(&bare::start(status, headers, body), "bare");
    let (bare, server) = (measure(CLIENTS, SECONDS / 2, &Load::get(&bare, path)), measure(CLIENTS, SECONDS / 2, &Load::get(agent, path)));
    let path = if path.len() > 56 { "/tasks/{taskId}" } else { path };
    let (bare, rate) = (bare.per_second(), server.per_second());
    println!("  {path:<56} {bytes:>7} {bare:>8.0} {rate:>8.0} {:>5.0}%   {}", 100.0 * rate / bare, server.tail());
}

/// `GET /tasks/:id` alone and under full write load.
pub fn measure_beside_writes(disk: &Disk) {
    title("GET /tasks/{taskId} with 4 clients, idle and beside 64 writing clients");
    let server = Server::start(disk, &disk.file("reads.db"), &[]);
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
