//! The targets on a stable toolchain: every seed, and what a few changes make of one.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::path::Path;

/// Beside what is flipped: the bytes on which parsers turn.
const TURNING: &[u8] = b"\0\r\n\t \"\\{}[]:,;=&?%/@#.-+eE09azAZ\x7f\x80\xc3\xff";

/// One change: where (as a share of the length), what, and how.
type Change = (u16, u8, u8);

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has no seeds");
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn change(bytes: &mut Vec<u8>, (place, byte, how): Change) {
    let at = usize::from(place) * (bytes.len() + 1) / (usize::from(u16::MAX) + 1);
    let turning = TURNING[usize::from(byte) % TURNING.len()];
    match (how % 5, bytes.get(at).is_some()) {
        (0, true) => bytes[at] = byte,
        (1, true) => drop(bytes.remove(at)),
        (2, true) => bytes[at] = turning,
        (3, true) => {
            let end = (at + usize::from(byte)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        _ => bytes.insert(at, turning),
    }
}

fn holds(name: &'static str, cases: u32, target: impl Fn(&[u8])) {
    let seeds = seeds(name);
    for seed in &seeds {
        target(seed);
    }
    let near_a_seed = (prop::sample::select(seeds), vec(any::<Change>(), 1..8)).prop_map(|(mut bytes, changes)| {
        for one in changes {
            change(&mut bytes, one);
        }
        bytes
    });
    let anything = vec(any::<u8>(), 0..64);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let run = TestRunner::new(config).run(&prop_oneof![9 => near_a_seed, 1 => anything], |bytes| {
        target(&bytes);
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{name}: {failure}"));
}

#[test]
fn no_bytes_make_the_server_fail() {
    holds("request", 600, super::request);
}

#[test]
fn a_message_is_answered_in_its_own_dialect() {
    holds("mcp", 1_000, super::mcp);
}

#[test]
fn a_body_is_refused_or_means_the_same_when_written_again() {
    holds("json", 2_000, super::json);
}

#[test]
fn an_amount_is_refused_or_exact() {
    holds("money", 20_000, super::money);
}

#[test]
fn a_time_is_refused_or_the_same_when_written_again() {
    holds("time", 20_000, super::time);
}

#[test]
fn a_cursor_is_digits_and_nothing_else() {
    holds("cursor", 5_000, super::cursor);
}

#[test]
fn a_token_cannot_be_forged() {
    holds("token", 5_000, super::token);
}

#[test]
fn a_live_webhook_goes_to_a_public_host_by_https() {
    holds("webhook_url", 2_000, super::webhook_url);
}
