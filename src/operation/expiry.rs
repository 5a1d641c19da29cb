//! What time itself causes: expiry, approval at the end of a review, refund after a rejection (contract §6).
//!
//! The loser of a race against a request finds the task in another status and does nothing, so each effect happens once.

use super::due::{self, Done};
use super::submission::complete;
use super::task::advance;
use super::{Ctx, escrow, outbox};
use crate::domain::error::Resource;
use crate::domain::event::EventType;
use crate::domain::id::TaskId;
use crate::domain::task::{Task, TaskEvent, TaskStatus};
use crate::domain::{Error, Result};
use crate::store::WriteTx;
use serde_json::json;

/// Does what is due in the caller's mode, the longest due first, for at most `limit` tasks.
///
/// A task that fails is left as it was, and left alone for a while: it must not keep the others from theirs. The machine's
/// trouble is no task's and fails them all.
pub fn run_due(tx: &WriteTx, ctx: &Ctx, limit: usize) -> Result<Done> {
    let (mut done, failures) = (Done::default(), &ctx.services.failures);
    for id in due::tasks(tx, ctx, limit)? {
        match tx.attempt(|tx| run(tx, ctx, &id)) {
            Ok(status) => {
                failures.forget(&id);
                done += counted(status);
            }
            Err(error @ Error::Unavailable(_)) => return Err(error),
            Err(error) => {
                failures.note(id, &error);
                done.failed += 1;
            }
        }
    }
    Ok(done)
}

/// What was done to a task that was in this state.
fn counted(status: TaskStatus) -> Done {
    match status {
        TaskStatus::Submitted => Done { approved: 1, ..Done::default() },
        TaskStatus::Rejected => Done { refunded: 1, ..Done::default() },
        _ => Done { expired: 1, ..Done::default() },
    }
}

/// Acts on the task; the status it was in.
fn run(tx: &WriteTx, ctx: &Ctx, id: &TaskId) -> Result<TaskStatus> {
    let task = tx.find_task(ctx.mode, id)?.ok_or(Error::NotFound(Resource::Task))?;
    let status = task.status;
    match status {
        TaskStatus::Open | TaskStatus::Assigned => expire(tx, ctx, task),
        TaskStatus::Submitted => approve(tx, ctx, task),
        TaskStatus::Rejected => refund(tx, ctx, task),
        status => Err(Error::internal(format!("nothing is due for a {status} task"))),
    }?;
    Ok(status)
}

fn expire(tx: &WriteTx, ctx: &Ctx, mut task: Task) -> Result<()> {
    advance(tx, ctx, &mut task, TaskEvent::Expire)?;
    let settlement = escrow::refund(tx, ctx, &task)?;
    outbox::emit(tx, ctx, EventType::Expired, &task, json!({ "expiredAt": ctx.now, "refunded": settlement.refund }))?;
    let body = format!("\"{}\" expired at its deadline; its budget is back with its owner", task.title);
    outbox::notify(tx, ctx, &task.agent_id, EventType::Expired, &task, body.as_str())?;
    for human in tx.list_applicants(&task.id)? {
        outbox::notify(tx, ctx, &human, EventType::Expired, &task, body.as_str())?;
    }
    Ok(())
}

fn approve(tx: &WriteTx, ctx: &Ctx, mut task: Task) -> Result<()> {
    task.completed_at = Some(ctx.now);
    advance(tx, ctx, &mut task, TaskEvent::Approve)?;
    let settlement = escrow::release(tx, ctx, &task)?;
    complete(tx, ctx, &task, settlement)?;
    let body = format!("The review of \"{}\" ended and its submission was approved", task.title);
    outbox::notify(tx, ctx, &task.agent_id, EventType::Completed, &task, body)
}

fn refund(tx: &WriteTx, ctx: &Ctx, mut task: Task) -> Result<()> {
    advance(tx, ctx, &mut task, TaskEvent::Refund)?;
    let settlement = escrow::refund(tx, ctx, &task)?;
    outbox::emit(tx, ctx, EventType::Refunded, &task, json!({ "refundedAt": ctx.now, "refunded": settlement.refund }))?;
    let body = format!("\"{}\" was not disputed in time; its budget is back with its owner", task.title);
    for user in std::iter::once(&task.agent_id).chain(&task.human_id) {
        outbox::notify(tx, ctx, user, EventType::Refunded, &task, body.as_str())?;
    }
    Ok(())
}
