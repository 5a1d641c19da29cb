//! The life of a task: a status machine (contract §6). [`TaskStatus::apply`] is the only way to another status.

use super::error::{Error, Result};
use super::id::{ApplicationId, EscrowId, TaskId, UserId};
use super::money::Money;
use super::named::named;
use super::text::Metadata;
use super::time::{HOUR_MS, Timestamp};

named! {
    pub enum TaskStatus {
        Open = "open",
        Assigned = "assigned",
        Submitted = "submitted",
        Rejected = "rejected",
        Disputed = "disputed",
        Completed = "completed",
        Refunded = "refunded",
        Cancelled = "cancelled",
        Expired = "expired",
    }
}

named! {
    /// What happens to a task, named as in "… is not possible".
    pub enum TaskEvent {
        Apply = "applying",
        Select = "selecting an applicant",
        Submit = "submitting",
        Approve = "approving",
        Reject = "rejecting",
        Dispute = "disputing",
        Cancel = "cancelling",
        Release = "releasing the escrow",
        Refund = "refunding the escrow",
        Expire = "expiring",
    }
}

impl TaskEvent {
    /// The statuses it is possible from, and the one it leads to.
    fn transition(self) -> (&'static [TaskStatus], TaskStatus) {
        use TaskStatus::{Assigned, Cancelled, Completed, Disputed, Expired, Open, Refunded, Rejected, Submitted};
        match self {
            TaskEvent::Apply => (&[Open], Open),
            TaskEvent::Select => (&[Open], Assigned),
            TaskEvent::Submit => (&[Assigned, Rejected], Submitted),
            TaskEvent::Approve => (&[Submitted], Completed),
            TaskEvent::Reject => (&[Submitted], Rejected),
            TaskEvent::Dispute => (&[Submitted, Rejected], Disputed),
            TaskEvent::Cancel => (&[Open], Cancelled),
            TaskEvent::Release => (&[Disputed], Completed),
            TaskEvent::Refund => (&[Disputed, Rejected], Refunded),
            TaskEvent::Expire => (&[Open, Assigned], Expired),
        }
    }
}

impl TaskStatus {
    /// The status after `event`, or a conflict that names the state it is in and those the event needs.
    pub fn apply(self, event: TaskEvent) -> Result<TaskStatus> {
        let (from, to) = event.transition();
        if from.contains(&self) {
            return Ok(to);
        }
        let needed: Vec<_> = from.iter().map(ToString::to_string).collect();
        Err(Error::StateConflict(format!("The task is {self}; {event} needs it to be {}", needed.join(" or "))))
    }
}

named! {
    pub enum Urgency { Low = "low", Medium = "medium", High = "high", Urgent = "urgent" }
}

named! {
    pub enum Selection {
        /// The owner picks one of the applicants.
        Manual = "manual",
        /// The first applicant is taken at once.
        First = "first",
    }
}

named! {
    pub enum ApplicationStatus { Pending = "pending", Selected = "selected", NotSelected = "not_selected" }
}

named! {
    pub enum DisputeStatus { Open = "open", Resolved = "resolved" }
}

named! {
    /// An operator's decision.
    pub enum Outcome {
        /// Pays the human as an approval does.
        Release = "release",
        /// Returns the whole budget, without fee.
        Refund = "refund",
        /// Gives the human a share, less the fee on it, and the agent the rest.
        Split = "split",
    }
}

/// A task as the database has it.
#[derive(Debug, Clone)]
pub struct Task {
    pub seq: i64,
    pub id: TaskId,
    pub livemode: bool,
    pub status: TaskStatus,
    pub title: String,
    pub description: String,
    pub category: String,
    pub budget: Money,
    pub deadline: Timestamp,
    pub location: Option<String>,
    pub remote: bool,
    pub urgency: Urgency,
    pub selection: Selection,
    /// 0: the review never ends by itself.
    pub review_hours: u32,
    pub metadata: Option<Metadata>,
    pub escrow_id: EscrowId,
    pub agent_id: UserId,
    pub agent_name: String,
    pub human_id: Option<UserId>,
    pub applicant_count: i64,
    pub rejection_reason: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub submitted_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    /// When a rejected task is refunded unless it is disputed.
    pub dispute_until: Option<Timestamp>,
}

impl Task {
    /// When the review of the submission at hand ends; `None` if it never does or there is none.
    pub fn review_ends_at(&self) -> Option<Timestamp> {
        let window_ms = i64::from(self.review_hours) * HOUR_MS;
        self.submitted_at.filter(|_| self.review_hours > 0).map(|submitted| submitted.plus_ms(window_ms))
    }

    /// Refuses what comes too late for a task whose deadline rules it: an open or assigned one.
    pub fn check_deadline(&self, event: TaskEvent, now: Timestamp) -> Result<()> {
        let ruled = matches!(self.status, TaskStatus::Open | TaskStatus::Assigned);
        if ruled && now >= self.deadline {
            let deadline = self.deadline;
            return Err(Error::StateConflict(format!("The task is expired since {deadline}; {event} needs it to be before its deadline")));
        }
        Ok(())
    }

    pub fn is_participant(&self, user: &UserId) -> bool {
        self.agent_id == *user || self.human_id.as_ref() == Some(user)
    }

    /// The participant across from `user`.
    pub fn counterpart(&self, user: &UserId) -> Option<&UserId> {
        if self.agent_id == *user { self.human_id.as_ref() } else { Some(&self.agent_id) }
    }
}

/// A human's wish to do a task.
#[derive(Debug, Clone)]
pub struct Application {
    pub id: ApplicationId,
    pub task_id: TaskId,
    pub human_id: UserId,
    pub status: ApplicationStatus,
    pub message: Option<String>,
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::named::Named;

    #[test]
    fn nothing_leaves_a_final_status() {
        for status in [TaskStatus::Completed, TaskStatus::Refunded, TaskStatus::Cancelled, TaskStatus::Expired] {
            for event in TaskEvent::ALL {
                assert!(status.apply(*event).is_err(), "{event} from {status}");
            }
        }
    }

    #[test]
    fn a_conflict_names_both_sides() {
        let message = TaskStatus::Open.apply(TaskEvent::Submit).unwrap_err().to_string();
        assert_eq!(message, "The task is open; submitting needs it to be assigned or rejected");
    }
}
