//! What time causes for a mode's data: when the next of it is due, and doing it.
//!
//! The clock's thread and whoever moves test time ask here and nowhere else.

use super::sandbox::autopilot;
use super::{Ctx, expiry};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::time::Timestamp;
use crate::store::{ReadTx, WriteTx};
use std::ops::AddAssign;

/// How much time has caused, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Tasks whose deadline passed.
    pub expired: usize,
    /// Submissions whose review ended.
    pub approved: usize,
    /// Rejections that nobody disputed in time.
    pub refunded: usize,
    /// Steps of humans who work by themselves.
    pub autopilot: usize,
}

impl Done {
    pub fn total(self) -> usize {
        self.expired + self.approved + self.refunded + self.autopilot
    }
}

impl AddAssign for Done {
    fn add_assign(&mut self, other: Self) {
        self.expired += other.expired;
        self.approved += other.approved;
        self.refunded += other.refunded;
        self.autopilot += other.autopilot;
    }
}

/// The first moment, after `after` if one is given, at which something is due.
pub fn next(tx: &ReadTx, mode: Mode, after: Option<Timestamp>) -> Result<Option<Timestamp>> {
    let step = if mode.is_live() { None } else { tx.find_next_autopilot_step(after)? };
    Ok(tx.find_next_due(mode, after)?.into_iter().chain(step).min())
}

/// Does what is due in the caller's mode, the longest due first, at most `limit` of it.
pub fn run(tx: &WriteTx, ctx: &Ctx, limit: usize) -> Result<Done> {
    let mut done = expiry::run_due(tx, ctx, limit)?;
    if !ctx.mode.is_live() {
        done.autopilot = autopilot::run_due(tx, ctx, limit.saturating_sub(done.total()))?;
    }
    Ok(done)
}
