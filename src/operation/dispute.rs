//! Disputes, and how the operator ends them (contract §6, §8).

use super::page::paged_input;
use super::submission::{SettledTask, check_dispute_window, complete};
use super::task::{advance, find_visible};
use super::{Answer, Ctx, Operation, Read, Write, escrow, outbox};
use crate::domain::actor::{Access, Scope};
use crate::domain::error::Resource;
use crate::domain::event::EventType;
use crate::domain::field::{Whole, input};
use crate::domain::id::{DisputeId, TaskId, UserId};
use crate::domain::ledger::Settlement;
use crate::domain::task::{DisputeStatus, Outcome, Task, TaskEvent, TaskStatus};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{Dispute, ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DisputeView {
    pub id: DisputeId,
    pub task_id: TaskId,
    pub opened_by: UserId,
    pub reason: String,
    pub status: DisputeStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_percent: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
}

impl From<Dispute> for DisputeView {
    fn from(dispute: Dispute) -> Self {
        let Dispute { id, task_id, opened_by, reason, status, outcome, human_percent, note, created_at, resolved_at } = dispute;
        DisputeView { id, task_id, opened_by, reason, status, outcome, human_percent, note, created_at, resolved_at }
    }
}

input! {
    pub struct DisputeInput {
        /// The task's id.
        task_id as "taskId": TaskId,
        /// Why the decision is wrong, in at least 20 characters.
        reason as "reason": Text<20, 5000>,
    }
}

pub struct DisputeTask;

impl Operation for DisputeTask {
    const NAME: &'static str = "dispute_task";
    const DOC: &'static str = "Dispute a task decision. The escrow stays frozen until the operator decides.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = DisputeInput;
    type Output = DisputeView;
}

impl Write for DisputeTask {
    fn run(input: DisputeInput, ctx: &Ctx, tx: &WriteTx) -> Result<DisputeView> {
        let mut task = find_visible(tx, ctx, &input.task_id)?;
        let user = ctx.user_id()?;
        check_may_dispute(&task, user, ctx.now)?;
        task.dispute_until = None;
        advance(tx, ctx, &mut task, TaskEvent::Dispute)?;
        let dispute = Dispute {
            id: ctx.new_id()?,
            task_id: task.id.clone(),
            opened_by: user.clone(),
            reason: input.reason.as_str().to_owned(),
            status: DisputeStatus::Open,
            outcome: None,
            human_percent: None,
            note: None,
            created_at: ctx.now,
            resolved_at: None,
        };
        tx.insert_dispute(&dispute, ctx.mode)?;
        let data = json!({ "disputeId": dispute.id, "reason": dispute.reason, "disputedAt": ctx.now });
        outbox::emit(tx, ctx, EventType::Disputed, &task, data)?;
        if let Some(other) = task.counterpart(user) {
            outbox::notify(tx, ctx, other, EventType::Disputed, &task, format!("\"{}\" is disputed; an operator will decide", task.title))?;
        }
        Ok(dispute.into())
    }
}

/// The assignee disputes a rejection in its window, or a review that has run over; the owner a submission.
fn check_may_dispute(task: &Task, user: &UserId, now: Timestamp) -> Result<()> {
    if !task.is_participant(user) {
        return Err(Error::Forbidden("Only the task's owner and its assignee can dispute it".into()));
    }
    task.status.apply(TaskEvent::Dispute)?;
    let owner = task.agent_id == *user;
    match task.status {
        TaskStatus::Rejected if owner => {
            Err(Error::StateConflict("The task is rejected; disputing by its owner needs it to be submitted".into()))
        }
        TaskStatus::Submitted if !owner && task.review_ends_at().is_none_or(|end| now < end) => Err(Error::StateConflict(
            "The task is submitted and under review; disputing needs it to be rejected, or the review window to have ended".into(),
        )),
        _ => check_dispute_window(task, TaskEvent::Dispute, now),
    }
}

paged_input! {
    pub struct ListDisputesInput {
        /// Only disputes in this status.
        status as "status": DisputeStatus = "open",
    }
}

pub struct ListDisputes;

impl Operation for ListDisputes {
    const NAME: &'static str = "list_disputes";
    const DOC: &'static str = "List disputes, oldest first (operator only).";
    const ACCESS: Access = Access::Operator;
    const PAGED: bool = true;
    type Input = ListDisputesInput;
    type Output = Vec<DisputeView>;
}

impl Read for ListDisputes {
    fn run(input: ListDisputesInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<DisputeView>>> {
        let query = input.query();
        let (disputes, total) = tx.list_disputes(ctx.mode, input.status, query.page())?;
        query.answer(disputes.into_iter().map(DisputeView::from).collect(), total)
    }
}

input! {
    pub struct ResolveDisputeInput {
        /// The dispute's id.
        dispute_id as "disputeId": DisputeId,
        /// Where the money goes.
        outcome as "outcome": Outcome,
        /// The human's share of the budget, for a split.
        human_percent as "humanPercent": Option<Whole<1, 99>>,
        /// Why, for the record.
        note as "note": Option<Text<1, 2000>>,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ResolvedDispute {
    #[serde(flatten)]
    pub dispute: DisputeView,
    pub task: SettledTask,
}

pub struct ResolveDispute;

impl Operation for ResolveDispute {
    const NAME: &'static str = "resolve_dispute";
    const DOC: &'static str = "Decide a dispute: release, refund or split the escrow (operator only); this cannot be undone.";
    const ACCESS: Access = Access::Operator;
    type Input = ResolveDisputeInput;
    type Output = ResolvedDispute;
}

impl Write for ResolveDispute {
    fn run(input: ResolveDisputeInput, ctx: &Ctx, tx: &WriteTx) -> Result<ResolvedDispute> {
        let human_percent = input.human_percent.and_then(|percent| u8::try_from(percent.0).ok());
        if human_percent.is_some() != (input.outcome == Outcome::Split) {
            return Err(Error::validation("humanPercent is required for a split, and only for a split"));
        }
        let mut dispute = tx.find_dispute(ctx.mode, &input.dispute_id)?.ok_or(Error::NotFound(Resource::Dispute))?;
        if dispute.status != DisputeStatus::Open {
            return Err(Error::StateConflict(format!("The dispute is {}; resolving needs it to be open", dispute.status)));
        }
        let mut task = tx.find_task(ctx.mode, &dispute.task_id)?.ok_or(Error::NotFound(Resource::Task))?;
        let settlement = decide(tx, ctx, &mut task, input.outcome, human_percent)?;
        dispute.status = DisputeStatus::Resolved;
        dispute.outcome = Some(input.outcome);
        dispute.human_percent = human_percent;
        dispute.note = input.note.map(|note| note.as_str().to_owned());
        dispute.resolved_at = Some(ctx.now);
        tx.update_dispute(&dispute)?;
        let owner = task.agent_id.clone();
        let body = format!("The dispute of \"{}\" was decided: {}", task.title, input.outcome);
        outbox::notify(tx, ctx, &owner, EventType::Disputed, &task, body)?;
        Ok(ResolvedDispute { dispute: dispute.into(), task: SettledTask::of(task, &settlement, &owner) })
    }
}

fn decide(tx: &WriteTx, ctx: &Ctx, task: &mut Task, outcome: Outcome, human_percent: Option<u8>) -> Result<Settlement> {
    if outcome == Outcome::Refund {
        advance(tx, ctx, task, TaskEvent::Refund)?;
        let settlement = escrow::refund(tx, ctx, task)?;
        outbox::emit(tx, ctx, EventType::Refunded, task, json!({ "refundedAt": ctx.now, "refunded": settlement.refund }))?;
        if let Some(human) = &task.human_id {
            outbox::notify(tx, ctx, human, EventType::Refunded, task, format!("\"{}\" was refunded to its owner", task.title))?;
        }
        return Ok(settlement);
    }
    task.completed_at = Some(ctx.now);
    advance(tx, ctx, task, TaskEvent::Release)?;
    let settlement = match human_percent {
        Some(percent) => escrow::split(tx, ctx, task, percent)?,
        None => escrow::release(tx, ctx, task)?,
    };
    complete(tx, ctx, task, settlement)
}
