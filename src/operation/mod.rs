//! The use cases: one type each, one transaction each.
//!
//! An operation declares what it needs (name, access, role, input) and does its work on a transaction; REST, MCP, the
//! command line and the clock all enter here. Validation messages, `OpenAPI` and the authorization tests are made from
//! the declarations.

pub mod account;
pub mod admin;
pub mod api_key;
pub mod application;
mod clock;
mod ctx;
pub mod delivery;
pub mod dispute;
pub mod due;
mod escrow;
pub mod event;
mod expiry;
pub mod health;
pub mod message;
pub mod notification;
mod outbox;
mod page;
pub mod password;
pub mod referral;
pub mod sandbox;
mod spec;
pub mod submission;
pub mod sweep;
pub mod task;
pub mod wait;
pub mod wallet;
pub mod webhook;

pub use clock::{Clocks, wall};
pub use ctx::{Ctx, Services};
pub use page::{Answer, Pagination};
pub use spec::{Effect, ManualWork, Rendered, Spec, WatchWork, Work, WriteWork};

use crate::domain::Result;
use crate::domain::actor::{Access, Role};
use crate::domain::fault::FaultKind;
use crate::domain::field::{Arguments, Input};
use crate::store::{Db, ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// What every use case declares.
pub trait Operation: Sized + Send + 'static {
    /// Its name in `OpenAPI` and MCP: `create_task`.
    const NAME: &'static str;
    /// One sentence for the documents.
    const DOC: &'static str;
    const ACCESS: Access;
    /// The only role that may call it, if it is one's alone.
    const ROLE: Option<Role> = None;
    /// Whether its answer is a page of a list.
    const PAGED: bool = false;
    /// Whether what its cursor stands at may be kept no longer.
    const EXPIRES: bool = false;
    type Input: Input;
    type Output: Serialize + JsonSchema;

    /// The fault that a sandbox's caller asks for by magic values of these arguments.
    fn magic(arguments: &Arguments) -> Result<Option<FaultKind>> {
        let _ = arguments;
        Ok(None)
    }

    /// The answer as it may be kept for a replay: without secrets that are shown once.
    fn redact(output: &Self::Output) -> Option<Self::Output> {
        let _ = output;
        None
    }
}

/// An operation that only reads.
pub trait Read: Operation {
    fn run(input: Self::Input, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Self::Output>>;
}

/// An operation that reads, and may wait for what it looks for.
pub trait Watch: Operation {
    /// How long the caller wants to wait.
    fn patience(input: &Self::Input) -> Duration;

    /// What there is, or `None` to look again when the caller was told of something new. It may note in `input` where it
    /// began. At the `last` look it answers with what there is, even if that is nothing.
    fn look(input: &mut Self::Input, ctx: &Ctx, tx: &ReadTx, last: bool) -> Result<Option<Answer<Self::Output>>>;
}

/// An operation whose whole effect is one write transaction.
pub trait Write: Operation {
    /// What takes time and needs no database: done before the write is queued, so that the writer's thread need not.
    /// Its refusal is the operation's own decision.
    fn review(input: &Self::Input, ctx: &Ctx) -> Result<()> {
        let _ = (input, ctx);
        Ok(())
    }

    fn run(input: Self::Input, ctx: &Ctx, tx: &WriteTx) -> Result<Self::Output>;
}

/// An operation with slow work (argon2) around its transactions; it runs on threads of its own.
pub trait Manual: Operation {
    fn run(input: Self::Input, ctx: &Ctx, db: &Db) -> Result<Self::Output>;
}
