//! Power cuts: what was not synced may be lost, in any part and any order; what was acknowledged is not.
//!
//! The server runs on a disk that logs each write and each sync. From the log come the files as a cut at any moment
//! could leave them: all that was synced, and of the rest whatever the drive happened to keep, in sectors.

use super::disk::library;
use super::shop::{Shop, Who};
use crate::harness::{Server, audit, command, id, run};
use rusqlite::Connection;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

const CUTS: usize = 50;
const SECTOR: usize = 512;
const CLIENTS: usize = 4;
const TASKS: usize = 250;

fn logged(shop: &Shop) -> Command {
    let mut command = command();
    command.env("LD_PRELOAD", library()).env("DISK_LOG", shop.path("log"));
    command
}

/// A small generator (xorshift), so that a seed tells the whole story.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
    Sync,
    Unlink,
}

struct Record {
    /// Where in the log it ends.
    end: usize,
    file: String,
    change: Change,
}

/// The log's records, in the form that `disk.c` gives them.
fn read_log(log: &[u8]) -> Vec<Record> {
    let (mut records, mut at) = (Vec::new(), 0);
    while let Some(head) = log.get(at..at + 16) {
        let (name, length) = (usize::from(head[1]), u32::from_ne_bytes(head[4..8].try_into().unwrap()) as usize);
        let offset = usize::try_from(u64::from_ne_bytes(head[8..16].try_into().unwrap())).unwrap();
        let end = at + 16 + name + length;
        // The last record may be cut off by the end of the server.
        let Some(rest) = log.get(at + 16..end) else { break };
        let change = match head[0] {
            b'w' => Change::Write { offset, bytes: rest[name..].to_vec() },
            b't' => Change::Truncate(offset),
            b's' => Change::Sync,
            _ => Change::Unlink,
        };
        records.push(Record { end, file: String::from_utf8(rest[..name].to_vec()).unwrap(), change });
        at = end;
    }
    records
}

/// One file: what is surely on the drive, and what is on its way there.
#[derive(Default)]
struct File<'r> {
    synced: Vec<u8>,
    pending: Vec<&'r Change>,
}

fn write(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    file.resize(file.len().max(offset + bytes.len()), 0);
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// The change as it is meant, or whatever of it a drive without power keeps.
fn apply(file: &mut Vec<u8>, change: &Change, kept: &mut dyn FnMut() -> bool) {
    match change {
        Change::Write { offset, bytes } => {
            let mut at = 0;
            while at < bytes.len() {
                // Sectors are the drive's, not the write's.
                let length = (SECTOR - (offset + at) % SECTOR).min(bytes.len() - at);
                if kept() {
                    write(file, offset + at, &bytes[at..at + length]);
                }
                at += length;
            }
        }
        Change::Truncate(length) if kept() => file.resize(*length, 0),
        Change::Truncate(_) | Change::Sync | Change::Unlink => {}
    }
}

impl File<'_> {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.synced, change, &mut || true);
        }
    }

    /// What a cut leaves: each pending change is lost, whole or torn.
    fn cut(&self, random: &mut Random) -> Vec<u8> {
        let mut left = self.synced.clone();
        for change in &self.pending {
            match random.below(3) {
                0 => {}
                1 => apply(&mut left, change, &mut || true),
                _ => apply(&mut left, change, &mut || random.below(2) == 0),
            }
        }
        left
    }
}

/// What was acknowledged, and how long the log was then.
struct Acknowledged {
    log: usize,
    task: String,
    cancelled: bool,
}

fn load(shop: &Shop) -> Vec<Acknowledged> {
    let acknowledged = Mutex::new(Vec::new());
    let (agent, body) = (shop.client(Who::Agent), Server::example_with(&json!({ "budget": 0.01 })));
    let note = |task: &str, cancelled| {
        let log = usize::try_from(std::fs::metadata(shop.path("log")).unwrap().len()).unwrap();
        acknowledged.lock().unwrap().push(Acknowledged { log, task: task.to_owned(), cancelled });
    };
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for number in 0..TASKS {
                    let task = id(&agent.post("/tasks", &body).ok(201));
                    note(&task, false);
                    if number % 3 == 0 {
                        agent.post(&format!("/tasks/{task}/cancel"), &json!({})).ok(200);
                        note(&task, true);
                    }
                }
            });
        }
    });
    acknowledged.into_inner().unwrap()
}

/// Where to cut: anywhere, and half of the times while the log is folded into the file.
fn choose_cuts(records: &[Record], from: usize, random: &mut Random) -> Vec<usize> {
    let folding = |at: &usize| records[*at].file == "market.db";
    let folds: Vec<usize> = (from..records.len()).filter(folding).collect();
    assert!(folds.len() > CUTS, "the log was never folded into the file");
    let choose =
        |number: usize| if number.is_multiple_of(2) { folds[random.below(folds.len())] } else { from + random.below(records.len() - from) };
    let mut cuts: Vec<_> = (0..CUTS).map(choose).collect();
    cuts.sort_unstable();
    cuts
}

#[test]
fn what_was_acknowledged_outlives_a_power_cut_at_any_moment() {
    let mut shop = Shop::open(logged);
    let ready = std::fs::metadata(shop.path("log")).unwrap().len();
    let acknowledged = load(&shop);
    shop.server.take().unwrap().kill();
    let log = std::fs::read(shop.path("log")).unwrap();
    let records = read_log(&log);
    let seed = std::env::var("POWER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed_2026);
    let mut random = Random(seed);
    let first = records.iter().position(|record| record.end as u64 > ready).unwrap();
    let mut files: BTreeMap<&str, File> = BTreeMap::new();
    let mut next = 0;
    for cut in choose_cuts(&records, first, &mut random) {
        while next < cut {
            let record = &records[next];
            let file = files.entry(&record.file).or_default();
            match &record.change {
                Change::Sync => file.sync(),
                Change::Unlink => *file = File::default(),
                change => file.pending.push(change),
            }
            next += 1;
        }
        let directory = tempfile::tempdir().unwrap();
        for (name, file) in &files {
            std::fs::write(directory.path().join(name), file.cut(&mut random)).unwrap();
        }
        let end = next.checked_sub(1).map_or(0, |last| records[last].end);
        check(&directory.path().join("market.db"), acknowledged.iter().filter(|acknowledged| acknowledged.log <= end));
    }
}

fn check<'a>(data: &Path, acknowledged: impl Iterator<Item = &'a Acknowledged>) {
    let verified = run(&["admin", "verify", "--data", data.to_str().unwrap()], "");
    assert!(verified.status.success(), "{}{}", String::from_utf8_lossy(&verified.stdout), String::from_utf8_lossy(&verified.stderr));
    audit(data);
    let database = Connection::open(data).unwrap();
    assert_eq!(database.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
    for Acknowledged { task, cancelled, .. } in acknowledged {
        let status: String = database.query_row("SELECT status FROM task WHERE id = ?1", [task], |row| row.get(0)).unwrap();
        assert!(!cancelled || status == "cancelled", "{task} is {status}");
    }
}
