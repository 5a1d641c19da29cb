//! Submitting proof, and what its owner decides (contract §6).

use super::page::paged_input;
use super::task::{TaskIdInput, TaskView, advance, find_assigned, find_owned, find_visible};
use super::{Answer, Ctx, Operation, Read, Write, escrow, outbox};
use crate::domain::actor::{Access, Scope};
use crate::domain::event::EventType;
use crate::domain::field::{List, Whole, input};
use crate::domain::id::{SubmissionId, TaskId, UserId};
use crate::domain::ledger::Settlement;
use crate::domain::money::Money;
use crate::domain::task::{Task, TaskEvent, TaskStatus};
use crate::domain::text::{HttpUrl, Text};
use crate::domain::time::{HOUR_MS, Timestamp};
use crate::domain::{Error, Result};
use crate::store::{Page, ReadTx, Submission, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubmissionView {
    pub id: SubmissionId,
    pub task_id: TaskId,
    pub human_id: UserId,
    pub proof: String,
    pub attachments: Vec<String>,
    pub created_at: Timestamp,
}

impl From<Submission> for SubmissionView {
    fn from(submission: Submission) -> Self {
        let Submission { id, task_id, human_id, proof, attachments, created_at } = submission;
        SubmissionView { id, task_id, human_id, proof, attachments, created_at }
    }
}

input! {
    pub struct SubmitInput {
        /// The task's id.
        task_id as "taskId": TaskId,
        /// What shows that the work is done.
        proof as "proof": Text<1, 5000>,
        /// Up to 10 links to more of it.
        attachments as "attachments": Option<List<HttpUrl, 10>>,
    }
}

pub struct SubmitWork;

impl Operation for SubmitWork {
    const NAME: &'static str = "submit_work";
    const DOC: &'static str = "Submit completed work with proof; after a rejection, again.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = SubmitInput;
    type Output = SubmissionView;
}

impl Write for SubmitWork {
    fn run(input: SubmitInput, ctx: &Ctx, tx: &WriteTx) -> Result<SubmissionView> {
        let mut task = find_assigned(tx, ctx, &input.task_id)?;
        task.check_deadline(TaskEvent::Submit, ctx.now)?;
        check_dispute_window(&task, TaskEvent::Submit, ctx.now)?;
        task.submitted_at = Some(ctx.now);
        task.dispute_until = None;
        advance(tx, ctx, &mut task, TaskEvent::Submit)?;
        let submission = Submission {
            id: ctx.new_id()?,
            task_id: task.id.clone(),
            human_id: ctx.user_id()?.clone(),
            proof: input.proof.as_str().to_owned(),
            attachments: input.attachments.iter().flat_map(|urls| &urls.0).map(|url| url.as_str().to_owned()).collect(),
            created_at: ctx.now,
        };
        tx.insert_submission(&submission)?;
        let data = json!({ "submissionId": submission.id, "submittedAt": ctx.now });
        outbox::emit(tx, ctx, EventType::Submitted, &task, data)?;
        let body = format!("Proof for \"{}\" waits for your review", task.title);
        outbox::notify(tx, ctx, &task.agent_id, EventType::Submitted, &task, body)?;
        Ok(submission.into())
    }
}

/// A rejected task can be submitted again or disputed only until its window ends.
pub(super) fn check_dispute_window(task: &Task, event: TaskEvent, now: Timestamp) -> Result<()> {
    let over = task.status == TaskStatus::Rejected && task.dispute_until.is_some_and(|until| now >= until);
    if over {
        return Err(Error::StateConflict(format!(
            "The task is rejected and its dispute window has ended; {event} needs it to be still running"
        )));
    }
    Ok(())
}

paged_input! {
    pub struct ListSubmissionsInput {
        /// The task's id.
        task_id as "taskId": TaskId,
    }
}

fn find_as_participant(tx: &ReadTx, ctx: &Ctx, id: &TaskId) -> Result<Task> {
    let task = find_visible(tx, ctx, id)?;
    if task.is_participant(ctx.user_id()?) {
        return Ok(task);
    }
    Err(Error::Forbidden("Only the task's owner and its assignee can see its submissions".into()))
}

pub struct ListSubmissions;

impl Operation for ListSubmissions {
    const NAME: &'static str = "list_submissions";
    const DOC: &'static str = "List a task's submissions, newest first (owner and assignee only).";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    const PAGED: bool = true;
    type Input = ListSubmissionsInput;
    type Output = Vec<SubmissionView>;
}

impl Read for ListSubmissions {
    fn run(input: ListSubmissionsInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<SubmissionView>>> {
        let task = find_as_participant(tx, ctx, &input.task_id)?;
        let query = input.query();
        let (submissions, total) = tx.list_submissions(&task.id, query.page())?;
        query.answer(submissions.into_iter().map(SubmissionView::from).collect(), total)
    }
}

/// The submission to decide on, and those before it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LatestSubmission {
    #[serde(flatten)]
    pub latest: SubmissionView,
    /// Those that were rejected, newest first; at most 99.
    pub earlier: Vec<SubmissionView>,
}

pub struct GetSubmission;

impl Operation for GetSubmission {
    const NAME: &'static str = "get_submission";
    const DOC: &'static str = "Get a task's newest submission, and the earlier ones (owner and assignee only).";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    type Input = TaskIdInput;
    type Output = LatestSubmission;
}

impl Read for GetSubmission {
    fn run(input: TaskIdInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<LatestSubmission>> {
        let task = find_as_participant(tx, ctx, &input.task_id)?;
        let newest = Page { after: None, offset: 0, limit: 100 };
        let mut submissions = tx.list_submissions(&task.id, newest)?.0.into_iter().map(SubmissionView::from);
        let none = || Error::StateConflict(format!("The task is {}; a submission needs it to have been submitted", task.status));
        let latest = submissions.next().ok_or_else(none)?;
        Ok(LatestSubmission { latest, earlier: submissions.collect() }.into())
    }
}

input! {
    pub struct ApproveInput {
        /// The task's id.
        task_id as "taskId": TaskId,
        /// How good the work was, from 1 to 5.
        rating as "rating": Option<Whole<1, 5>>,
        /// A word to the human.
        comment as "comment": Option<Text<1, 1000>>,
    }
}

/// A task that ended, and where its money went.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettledTask {
    #[serde(flatten)]
    pub task: TaskView,
    /// What the human got.
    pub payout: Money,
    pub platform_fee: Money,
    /// What the owner got back.
    pub refunded: Money,
}

impl SettledTask {
    pub(super) fn of(task: Task, settlement: &Settlement, viewer: &UserId) -> Self {
        SettledTask {
            task: TaskView::of(task, viewer),
            payout: settlement.payout,
            platform_fee: settlement.fee,
            refunded: settlement.refund,
        }
    }
}

pub struct ApproveSubmission;

impl Operation for ApproveSubmission {
    const NAME: &'static str = "approve_task";
    const DOC: &'static str = "Approve the submission. Releases the escrow to the human less the platform fee; this cannot be undone.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = ApproveInput;
    type Output = SettledTask;
}

impl Write for ApproveSubmission {
    fn run(input: ApproveInput, ctx: &Ctx, tx: &WriteTx) -> Result<SettledTask> {
        let mut task = find_owned(tx, ctx, &input.task_id)?;
        task.completed_at = Some(ctx.now);
        advance(tx, ctx, &mut task, TaskEvent::Approve)?;
        tx.update_task_review(&task.id, input.rating.map(|rating| rating.0), input.comment.as_ref().map(Text::as_str))?;
        let settlement = complete(tx, ctx, &task, escrow::release(tx, ctx, &task)?)?;
        Ok(SettledTask::of(task, &settlement, ctx.user_id()?))
    }
}

/// What follows every payout of a completed task: event, notification, referral bonus.
pub(super) fn complete(tx: &WriteTx, ctx: &Ctx, task: &Task, settlement: Settlement) -> Result<Settlement> {
    escrow::pay_referrals(tx, ctx, task)?;
    let data = json!({ "completedAt": ctx.now, "payout": settlement.payout, "platformFee": settlement.fee });
    outbox::emit(tx, ctx, EventType::Completed, task, data)?;
    if let Some(human) = &task.human_id {
        let body = format!("\"{}\" was completed and paid you {} A9", task.title, settlement.payout);
        outbox::notify(tx, ctx, human, EventType::Completed, task, body)?;
    }
    Ok(settlement)
}

input! {
    pub struct RejectInput {
        /// The task's id.
        task_id as "taskId": TaskId,
        /// What is missing, in at least 50 characters.
        reason as "reason": Text<50, 5000>,
    }
}

pub struct RejectSubmission;

impl Operation for RejectSubmission {
    const NAME: &'static str = "reject_task";
    const DOC: &'static str = "Reject the submission with a reason. No money moves yet: the human can submit again or dispute, and is refunded to you after that.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = RejectInput;
    type Output = TaskView;
}

impl Write for RejectSubmission {
    fn run(input: RejectInput, ctx: &Ctx, tx: &WriteTx) -> Result<TaskView> {
        let mut task = find_owned(tx, ctx, &input.task_id)?;
        let window_ms = i64::from(ctx.config().tasks.dispute_hours) * HOUR_MS;
        task.rejection_reason = Some(input.reason.as_str().to_owned());
        task.dispute_until = Some(ctx.now.plus_ms(window_ms));
        advance(tx, ctx, &mut task, TaskEvent::Reject)?;
        let data = json!({ "reason": input.reason.as_str(), "rejectedAt": ctx.now, "disputeUntil": task.dispute_until });
        outbox::emit(tx, ctx, EventType::Rejected, &task, data)?;
        if let Some(human) = &task.human_id {
            let body = format!("Your proof for \"{}\" was rejected: {}", task.title, input.reason.as_str());
            outbox::notify(tx, ctx, human, EventType::Rejected, &task, body)?;
        }
        Ok(TaskView::of(task, ctx.user_id()?))
    }
}
