//! The test clock itself: reading, freezing and running it.

use super::travel::next_moment;
use crate::domain::Result;
use crate::domain::actor::{Access, Mode};
use crate::domain::clock::TestClock;
use crate::domain::time::Timestamp;
use crate::operation::wallet::NoInput;
use crate::operation::{Answer, Ctx, Manual, Operation, Read};
use crate::store::{Db, ReadTx};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClockView {
    /// What time it is for test data.
    pub now: Timestamp,
    /// Whether it stands until it is advanced or run.
    pub frozen: bool,
    /// When time next causes something: an expiry, an approval, a refund, the retry of a webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<Timestamp>,
}

impl ClockView {
    pub fn load(ctx: &Ctx, tx: &ReadTx) -> Result<Self> {
        let clocks = &ctx.services.clocks;
        let now = clocks.now(Mode::Test);
        Ok(ClockView { now, frozen: clocks.is_frozen(), next_due_at: next_moment(tx, &ctx.services, now)? })
    }
}

pub struct GetClock;

impl Operation for GetClock {
    const NAME: &'static str = "get_test_clock";
    const DOC: &'static str = "Read the clock of test data, and when it next causes something.";
    const ACCESS: Access = Access::Sandbox;
    type Input = NoInput;
    type Output = ClockView;
}

impl Read for GetClock {
    fn run(_: NoInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<ClockView>> {
        Ok(ClockView::load(ctx, tx)?.into())
    }
}

pub struct FreezeClock;

impl Operation for FreezeClock {
    const NAME: &'static str = "freeze_test_clock";
    const DOC: &'static str = "Let the clock of test data stand still until it is advanced or run.";
    const ACCESS: Access = Access::SandboxControl;
    type Input = NoInput;
    type Output = ClockView;
}

impl Manual for FreezeClock {
    fn run(_: NoInput, ctx: &Ctx, db: &Db) -> Result<ClockView> {
        change(ctx, db, TestClock::freeze)
    }
}

pub struct RunClock;

impl Operation for RunClock {
    const NAME: &'static str = "run_test_clock";
    const DOC: &'static str = "Let the clock of test data run on from the time it shows.";
    const ACCESS: Access = Access::SandboxControl;
    type Input = NoInput;
    type Output = ClockView;
}

impl Manual for RunClock {
    fn run(_: NoInput, ctx: &Ctx, db: &Db) -> Result<ClockView> {
        change(ctx, db, TestClock::run)
    }
}

fn change(ctx: &Ctx, db: &Db, change: fn(&mut TestClock, Timestamp)) -> Result<ClockView> {
    let _turn = ctx.services.sandbox.take_turn();
    let services = Arc::clone(&ctx.services);
    db.write(move |tx| services.clocks.change(tx, change))?;
    db.read(|tx| ClockView::load(ctx, tx))
}
