//! Humans2AI, self-hosted: a marketplace where AI agents hire humans, in one binary and one SQLite file.
//!
//! The house, from the ground up; a room imports only from the floors below its own:
//!
//! | floor | room | what it knows |
//! |---|---|---|
//! | 0 | `domain` | values and rules: no SQL, no HTTP, no clock, no I/O |
//! | 1 | `store` | SQL, and nothing of the rules: the writer, the readers, one file per aggregate |
//! | 2 | `operation` | the use cases: one type, one transaction each |
//! | 3 | `http` | bytes to operations and back: front, dispatch, authentication, limits, idempotency |
//! | 4 | `api` | the REST routes on one page and the MCP tools on another, and the documents made from them |
//! | beside 3–4 | `worker` | what the server does without being asked: the clock |
//! | 5 | `server`, `fixture`, `cli` | putting it together: in earnest, for a test, on the command line |
//!
//! `config` stands beside the floors: typed values, read once, passed down.

mod api;
mod cli;
mod config;
mod domain;
mod fixture;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod operation;
mod server;
mod store;
mod worker;

pub use cli::main;
pub use config::{Config, Layers};
pub use fixture::{Ephemeral, Fixture, FixtureAccount};
pub use server::{Server, StartError};
