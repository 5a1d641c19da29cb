//! One step of a task's life, played by whoever it is up to.

use super::perform::perform;
use crate::domain::id::UserId;
use crate::domain::named::named;
use crate::domain::persona::Persona;
use crate::domain::task::{Task, TaskStatus};
use crate::domain::{Error, Result};
use crate::operation::Ctx;
use crate::operation::application::{ApplyForTask, SelectApplicant};
use crate::operation::dispute::DisputeTask;
use crate::operation::message::SendMessage;
use crate::operation::submission::{ApproveSubmission, RejectSubmission, SubmitWork};
use crate::operation::task::CancelTask;
use crate::store::WriteTx;
use serde_json::json;

named! {
    pub enum Step {
        Apply = "apply",
        Select = "select",
        /// The human writes.
        Message = "message",
        /// The owner writes.
        Reply = "reply",
        Submit = "submit",
        Approve = "approve",
        Reject = "reject",
        /// Of a rejection by the human, of a submission by the owner.
        Dispute = "dispute",
        Cancel = "cancel",
    }
}

named! {
    pub enum Side { Owner = "owner", Human = "human" }
}

/// What a step made: the name of its id, and the id.
pub type Made = Option<(&'static str, String)>;

impl Step {
    /// Whose step it is while the task is in this status.
    pub fn side(self, status: TaskStatus) -> Side {
        match self {
            Step::Select | Step::Reply | Step::Approve | Step::Reject | Step::Cancel => Side::Owner,
            Step::Dispute if status == TaskStatus::Submitted => Side::Owner,
            Step::Apply | Step::Message | Step::Submit | Step::Dispute => Side::Human,
        }
    }

    /// Why it is passed over: before the selection there is no chat, and an applicant's only message is the application's.
    pub fn skipped(self, task: &Task) -> Option<&'static str> {
        let chat = matches!(self, Step::Message | Step::Reply);
        (chat && task.human_id.is_none()).then_some("There is no chat before a human is selected; the application carries a message")
    }

    /// Plays it as `human` or as the task's owner.
    pub fn play(self, tx: &WriteTx, ctx: &Ctx, task: &Task, human: Option<&UserId>) -> Result<Made> {
        let actor = match self.side(task.status) {
            Side::Owner => &task.agent_id,
            Side::Human => human.ok_or_else(not_simulated)?,
        };
        let id = &task.id;
        let made = match self {
            Step::Apply => {
                let body = json!({ "taskId": id, "message": "I live close by and can start today." });
                Some(("applicationId", perform::<ApplyForTask>(tx, ctx, actor, body)?.id.to_string()))
            }
            Step::Select => {
                let body = json!({ "taskId": id, "humanId": human.ok_or_else(not_simulated)? });
                perform::<SelectApplicant>(tx, ctx, actor, body)?;
                None
            }
            Step::Message | Step::Reply => {
                let content = if self == Step::Message { "I am on my way; is there anything else to know?" } else { "No, thank you!" };
                let body = json!({ "taskId": id, "content": content });
                Some(("messageId", perform::<SendMessage>(tx, ctx, actor, body)?.id.to_string()))
            }
            Step::Submit => {
                let again = task.status == TaskStatus::Rejected;
                let (proof, attachments) = (Persona::Diligent.proof(again), Persona::Diligent.attachments(again));
                let body = json!({ "taskId": id, "proof": proof, "attachments": attachments });
                Some(("submissionId", perform::<SubmitWork>(tx, ctx, actor, body)?.id.to_string()))
            }
            Step::Approve => {
                perform::<ApproveSubmission>(tx, ctx, actor, json!({ "taskId": id, "rating": 5, "comment": "Well done" }))?;
                None
            }
            Step::Reject => {
                let reason = "The second picture does not show what the task asks for; please take it again from the street.";
                perform::<RejectSubmission>(tx, ctx, actor, json!({ "taskId": id, "reason": reason }))?;
                None
            }
            Step::Dispute => {
                let reason = "The work was done as the task describes it, and the proof shows it.";
                let body = json!({ "taskId": id, "reason": reason });
                Some(("disputeId", perform::<DisputeTask>(tx, ctx, actor, body)?.id.to_string()))
            }
            Step::Cancel => {
                perform::<CancelTask>(tx, ctx, actor, json!({ "taskId": id }))?;
                None
            }
        };
        Ok(made)
    }
}

fn not_simulated() -> Error {
    Error::StateConflict("No simulated human of yours applied for this task or does it; play apply first, or name humanId".into())
}
