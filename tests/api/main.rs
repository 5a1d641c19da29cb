//! Black-box tests: the real binary, its own temporary database, raw JSON. The modules mirror the URL tree.
//!
//! Every server that a test starts is audited when it ends: see [`harness::Server`].
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot go on should fail there

mod harness;

mod accounts;
mod addresses;
mod admin;
mod api_keys;
mod authorization;
mod autopilot;
mod cli;
mod clock;
mod concurrency;
mod crash;
mod deliveries;
mod developer;
mod document;
mod envelope;
mod events;
mod faults;
mod framing;
mod idempotency;
mod ledger;
mod limits;
mod mcp;
mod messages;
mod modes;
mod people;
mod sandbox_clock;
mod sandbox_data;
mod sandbox_faults;
mod sweep;
mod tasks;
mod wallet;
mod webhooks;
