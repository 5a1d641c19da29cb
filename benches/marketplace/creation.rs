//! Durable creation of tasks, beside what the same disk gives without grouping and without HTTP.

use crate::disk::Disk;
use crate::load::{Load, measure};
use crate::server::Server;
use crate::{SECONDS, raw, title};

pub fn measure_creation(disk: &Disk) {
    title("durable task creation, tasks/s: keep-alive, JSON, API key, idempotency key, webhook registered");
    println!("max 1: one transaction per commit; raw: the same statements by one thread without HTTP, as many per commit as clients\n");
    println!(
        "{:>8} {:>9} {:>9} {:>9} {:>9} {:>8}   {:<24} {:>14}",
        "clients", "max 1", "raw", "server", "/ max 1", "/ raw", "p50 / p99 / p99.9 ms", "RSS MB"
    );
    for clients in [1, 16, 64, 256] {
        let run = |batch: usize| {
            let server = Server::start(disk, &disk.file(&format!("create-{clients}-{batch}.db")), &[&format!("store.max_batch={batch}")]);
            let figures = measure(clients, SECONDS, &Load::create(&server.agent()));
            (figures, server.resident_mb())
        };
        let ((single, _), (server, memory)) = (run(1), run(256));
        let raw = raw_rate(disk, clients);
        println!(
            "{clients:>8} {:>9.0} {raw:>9.0} {:>9.0} {:>8.1}x {:>7.0}%   {:<24} {memory:>14.1}",
            single.per_second(),
            server.per_second(),
            server.per_second() / single.per_second(),
            100.0 * server.per_second() / raw,
            server.tail()
        );
    }
}

fn raw_rate(disk: &Disk, clients: usize) -> f64 {
    let path = disk.file(&format!("raw-{clients}.db"));
    let server = Server::start(disk, &path, &[]);
    server.agent();
    drop(server);
    raw::measure(disk, &path, clients, SECONDS)
}
