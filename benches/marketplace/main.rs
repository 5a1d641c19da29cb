//! `cargo bench`: each figure beside its baseline from the same run, on the same disk.
//!
//! `cargo bench -- --sync 5` makes every sync of the disk take 5 ms longer, `--tasks 1000000` adds a database of that size,
//! `--only creation` (or `fixtures`, `reads`, `deliveries`, `crowd`) leaves the others out; `BENCH_DIR` chooses another disk.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)] // a bench that cannot go on should stop there, and prints its table

mod bare;
mod client;
mod creation;
mod crowd;
mod deliveries;
mod disk;
mod fixture;
mod generate;
mod load;
mod raw;
mod reads;
mod server;

use disk::Disk;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::PathBuf;
use std::time::Duration;

const SECONDS: Duration = Duration::from_secs(3);
const SMALL: u64 = 1_000;
const LARGE: u64 = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some((raw::COMMAND, rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return raw::main(rest);
    }
    let option = |name: &str| arguments.iter().position(|argument| argument == name).map(|at| arguments[at + 1].clone());
    let (sync_ms, only) = (option("--sync").map(|ms| ms.parse().unwrap()), option("--only"));
    let sizes: Vec<u64> = [LARGE].into_iter().chain(option("--tasks").map(|tasks| tasks.parse().unwrap())).collect();
    allow_many_connections();
    let parent = std::env::var_os("BENCH_DIR").map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let directory = parent.join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let disk = Disk::new(directory, sync_ms);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if let Some(ms) = sync_ms {
        println!("every sync takes {ms} ms longer");
    }
    if wanted("fixtures") {
        fixture::measure_fixtures();
    }
    if wanted("creation") {
        creation::measure_creation(&disk);
    }
    if wanted("reads") {
        reads::measure_beside_writes(&disk);
        reads::measure_reads(&disk, &sizes);
    }
    if wanted("deliveries") {
        deliveries::measure_deliveries(&disk);
    }
    if wanted("crowd") {
        crowd::measure_crowd(&disk);
    }
    std::fs::remove_dir_all(&disk.directory).unwrap();
}

fn title(text: &str) {
    println!("\n{text}\n{}", "-".repeat(text.len()));
}

/// The crowd's connections are this process's, too.
fn allow_many_connections() {
    let found = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: found.maximum, ..found });
}
