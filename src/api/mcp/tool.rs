//! What a tool is.

use crate::http::rate_limit::Class;
use crate::operation::Spec;
use serde::Serialize;

/// What MCP adds to an operation.
pub struct Tool {
    pub spec: Spec,
    pub title: &'static str,
    pub class: Class,
    /// The HTTP status of success in the documented dialect: REST's.
    pub status: u16,
    /// Whether it moves money, so that the documented dialect must name an idempotency key.
    pub moves_money: bool,
    pub hints: Hints,
    pub description: &'static str,
    pub next: Next,
}

/// The four annotations, each one said.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools)] // the protocol has them as four independent booleans
pub struct Hints {
    read_only_hint: bool,
    destructive_hint: bool,
    idempotent_hint: bool,
    /// Whether strangers read what it writes, or wrote what it reads.
    open_world_hint: bool,
}

impl Hints {
    pub const READS_OWN: Hints = Hints { read_only_hint: true, destructive_hint: false, idempotent_hint: true, open_world_hint: false };
    pub const READS_OTHERS: Hints = Hints { open_world_hint: true, ..Self::READS_OWN };
    pub const ADDS: Hints = Hints { read_only_hint: false, destructive_hint: false, idempotent_hint: false, open_world_hint: true };
    pub const SIGNS_IN: Hints = Hints { open_world_hint: false, ..Self::ADDS };
    /// Cannot be undone; once more changes nothing more, for the state is another by then.
    pub const DECIDES: Hints = Hints { read_only_hint: false, destructive_hint: true, idempotent_hint: true, open_world_hint: true };
}

/// What to do after a success.
#[derive(Debug, Clone, Copy)]
pub enum Next {
    Always(&'static str),
    /// What the status of the task in the answer asks for.
    ByStatus,
}

impl Next {
    pub fn after(self, status: Option<&str>) -> &'static str {
        match (self, status) {
            (Next::Always(next), _) => next,
            (Next::ByStatus, Some("open")) => "list_applications until a human has applied, then select_applicant",
            (Next::ByStatus, Some("assigned")) => "get_task until the status is submitted; send_message if the human needs to know more",
            (Next::ByStatus, Some("submitted")) => "get_submission, then approve_task or reject_task",
            (Next::ByStatus, Some("rejected")) => {
                "get_task: the human submits again or disputes; if neither, the budget returns to the wallet"
            }
            (Next::ByStatus, Some("disputed")) => "get_task until the operator has decided",
            (Next::ByStatus, Some("completed")) => "nothing: the human is paid; get_wallet shows what is left",
            (Next::ByStatus, Some("cancelled" | "expired" | "refunded")) => "nothing: the budget is back; get_wallet shows it",
            (Next::ByStatus, _) => "get_task",
        }
    }
}
