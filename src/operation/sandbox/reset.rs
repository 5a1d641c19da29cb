//! Emptying the sandbox, or putting a snapshot in its place: a new era of test data.

use super::clock::ClockView;
use crate::domain::Result;
use crate::domain::actor::{Access, Mode};
use crate::domain::clock::TestClock;
use crate::domain::id::SnapshotId;
use crate::domain::time::Timestamp;
use crate::operation::wallet::NoInput;
use crate::operation::{Ctx, Manual, Operation, escrow};
use crate::store::Db;
use std::sync::Arc;

pub struct Reset;

impl Operation for Reset {
    const NAME: &'static str = "reset_test_data";
    const DOC: &'static str =
        "Empty all test data; accounts, API keys and snapshots stay, each wallet gets its grant, the clock begins anew.";
    const ACCESS: Access = Access::SandboxControl;
    type Input = NoInput;
    type Output = ClockView;
}

impl Manual for Reset {
    fn run(_: NoInput, ctx: &Ctx, db: &Db) -> Result<ClockView> {
        let services = Arc::clone(&ctx.services);
        replace(ctx, db, None, move |clock, wall| services.clocks.begin(clock, wall))?;
        db.read(|tx| ClockView::load(ctx, tx))
    }
}

/// Puts `snapshot` or nothing in the place of all test data, and sets the clock; each wallet that was opened since the
/// snapshot gets its grant.
pub fn replace(
    ctx: &Ctx,
    db: &Db,
    snapshot: Option<SnapshotId>,
    set: impl FnOnce(&mut TestClock, Timestamp) + Send + 'static,
) -> Result<()> {
    let services = &ctx.services;
    let _turn = services.sandbox.take_turn();
    let ctx = Ctx::system(services, Mode::Test);
    let replaced = db.write(move |tx| {
        let mut ctx = ctx;
        let services = Arc::clone(&ctx.services);
        services.sandbox.begin_era();
        services.faults.clear();
        let wallets = tx.replace_test_data(snapshot.as_ref(), ctx.now)?;
        services.clocks.change(tx, set)?;
        ctx.refresh();
        wallets.iter().try_for_each(|user| escrow::grant(tx, &ctx, user))
    });
    if replaced.is_err() {
        db.read(|tx| services.clocks.reload(tx))?;
    }
    replaced
}
