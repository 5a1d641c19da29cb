//! What time causes for a mode's data: when the next of it is due, and doing it.
//!
//! The clock's thread and whoever moves test time ask here and nowhere else.

use super::sandbox::autopilot;
use super::{Ctx, Services, expiry};
use crate::domain::actor::Mode;
use crate::domain::id::TaskId;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{ReadTx, WriteTx};
use std::collections::HashMap;
use std::ops::{AddAssign, ControlFlow};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a task is left alone on which the clock has failed.
const LEFT_ALONE: Duration = Duration::from_mins(10);

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
    /// Tasks on which it failed.
    pub failed: usize,
}

impl Done {
    /// All that was looked at: as long as there is any, there may be more.
    pub fn total(self) -> usize {
        self.expired + self.approved + self.refunded + self.autopilot + self.failed
    }
}

impl AddAssign for Done {
    fn add_assign(&mut self, other: Self) {
        self.expired += other.expired;
        self.approved += other.approved;
        self.refunded += other.refunded;
        self.autopilot += other.autopilot;
        self.failed += other.failed;
    }
}

/// Tasks on which the clock has failed, for a defect or for what somebody did to the file: until they are tried again, the
/// others go before them.
#[derive(Default)]
pub struct Failures(Mutex<HashMap<TaskId, Instant>>);

impl Failures {
    fn is_left_alone(&self, id: &TaskId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).is_some_and(|until| *until > Instant::now())
    }

    /// Leaves the task alone for a while; the log is told the first time.
    pub fn note(&self, id: TaskId, error: &Error) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed.contains_key(&id) {
            log::error!("the clock could not act on {id}: {error:?}; it is tried again every 10 minutes and at the next start");
        }
        failed.insert(id, Instant::now() + LEFT_ALONE);
    }

    pub fn forget(&self, id: &TaskId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// The first moment, after `after` if one is given, at which something is due.
pub fn next(tx: &ReadTx, services: &Services, mode: Mode, after: Option<Timestamp>) -> Result<Option<Timestamp>> {
    let step = if mode.is_live() { None } else { tx.find_next_autopilot_step(after)? };
    let mut first = None;
    tx.visit_due_tasks(mode, after, |id, due| {
        first = Some(due).filter(|_| !services.failures.is_left_alone(&id));
        if first.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(first.into_iter().chain(step).min())
}

/// The tasks that are due now, those that waited longest first, at most `limit`.
pub fn tasks(tx: &ReadTx, ctx: &Ctx, limit: usize) -> Result<Vec<TaskId>> {
    let mut due = Vec::new();
    tx.visit_due_tasks(ctx.mode, None, |id, at| {
        if at > ctx.now || due.len() == limit {
            return ControlFlow::Break(());
        }
        if !ctx.services.failures.is_left_alone(&id) {
            due.push(id);
        }
        ControlFlow::Continue(())
    })?;
    Ok(due)
}

/// Does what is due in the caller's mode, the longest due first, at most `limit` of it.
pub fn run(tx: &WriteTx, ctx: &Ctx, limit: usize) -> Result<Done> {
    let mut done = expiry::run_due(tx, ctx, limit)?;
    if !ctx.mode.is_live() {
        done.autopilot = autopilot::run_due(tx, ctx, limit.saturating_sub(done.total()))?;
    }
    Ok(done)
}
