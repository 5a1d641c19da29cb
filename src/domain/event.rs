//! The events that leave the building, and what webhook endpoints subscribe to (contract §7).

use super::named::named;

named! {
    pub enum EventType {
        HumanAccepted = "task.human_accepted",
        Submitted = "task.submitted",
        Completed = "task.completed",
        Expired = "task.expired",
        Disputed = "task.disputed",
        MessageReceived = "message.received",
        Created = "task.created",
        ApplicationReceived = "task.application_received",
        Rejected = "task.rejected",
        Cancelled = "task.cancelled",
        Refunded = "task.refunded",
    }
}

impl EventType {
    /// The six of the published page: what an endpoint gets that names none.
    pub const DOCUMENTED: [EventType; 6] = [
        EventType::HumanAccepted,
        EventType::Submitted,
        EventType::Completed,
        EventType::Expired,
        EventType::Disputed,
        EventType::MessageReceived,
    ];
}
