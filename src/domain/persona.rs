//! Humans who work by themselves in a sandbox: how each of them goes about a task.

use super::error::{Error, Result};
use super::named::{Named, named};
use super::text::Metadata;
use super::time::{MINUTE_MS, Timestamp};

/// The metadata of a new task that asks for a human.
const METADATA_NAME: &str = "sandbox.human";

named! {
    pub enum Persona {
        /// Works well and in time.
        Diligent = "diligent",
        /// Submits too little, and enough only after a rejection.
        Sloppy = "sloppy",
        /// Submits in the last minute before the deadline, or misses it.
        Late = "late",
        /// Is selected and never heard of again.
        Ghost = "ghost",
        /// Disputes every rejection.
        Disputes = "disputes",
    }
}

named! {
    /// What such a human does next.
    pub enum AutopilotStep {
        Apply = "apply",
        /// A message to the owner's.
        Answer = "answer",
        Submit = "submit",
        Dispute = "dispute",
    }
}

named! {
    /// What such a human reacts to.
    pub enum Occasion {
        Published = "published",
        Selected = "selected",
        Asked = "asked",
        Rejected = "rejected",
    }
}

impl Persona {
    /// The human that a new task's metadata asks for.
    ///
    /// # Errors
    /// A validation error that names the choices.
    pub fn asked(metadata: Option<&Metadata>) -> Result<Option<Self>> {
        let Some(word) = metadata.and_then(|metadata| metadata.0.get(METADATA_NAME)) else { return Ok(None) };
        let unknown = || Error::validation(format!("metadata {METADATA_NAME} must be {}", Self::choices()));
        Self::parse(word.trim()).map(Some).ok_or_else(unknown)
    }

    /// What it does on the occasion, and after how many minutes; what it would do after the deadline it does in half the
    /// time that is left. The late one waits for the deadline itself.
    fn plan(self, occasion: Occasion) -> Option<(AutopilotStep, i64)> {
        use AutopilotStep::{Answer, Apply, Dispute, Submit};
        use Persona::{Diligent, Disputes, Ghost, Late, Sloppy};
        match (occasion, self) {
            (Occasion::Published, Sloppy) => Some((Apply, 1)),
            (Occasion::Published, Diligent | Ghost | Disputes) => Some((Apply, 5)),
            (Occasion::Published, Late) => Some((Apply, 60)),
            (Occasion::Selected, Sloppy) => Some((Submit, 10)),
            (Occasion::Selected, Diligent | Disputes) => Some((Submit, 120)),
            (Occasion::Asked, Diligent | Disputes) => Some((Answer, 2)),
            (Occasion::Asked, Sloppy | Late) => Some((Answer, 45)),
            (Occasion::Rejected, Diligent) => Some((Submit, 60)),
            (Occasion::Rejected, Sloppy) => Some((Submit, 30)),
            (Occasion::Rejected, Late) => Some((Submit, 1_440)),
            (Occasion::Rejected, Disputes) => Some((Dispute, 30)),
            (Occasion::Selected, Late | Ghost) | (Occasion::Asked | Occasion::Rejected, Ghost) => None,
        }
    }

    /// What it does on the occasion, and when, before the task's `end`.
    pub fn react(self, occasion: Occasion, now: Timestamp, end: Timestamp) -> Option<(AutopilotStep, Timestamp)> {
        if (self, occasion) == (Persona::Late, Occasion::Selected) {
            let last_minute = end.plus_ms(-MINUTE_MS);
            return (last_minute > now).then_some((AutopilotStep::Submit, last_minute));
        }
        let (step, minutes) = self.plan(occasion)?;
        let left_ms = (end.millis() - now.millis()).max(0);
        let delay_ms = minutes * MINUTE_MS;
        let delay_ms = if delay_ms < left_ms { delay_ms } else { left_ms / 2 };
        Some((step, now.plus_ms(delay_ms)))
    }

    /// The proof it submits: the first one, or one after a rejection.
    pub fn proof(self, after_rejection: bool) -> &'static str {
        match (self, after_rejection) {
            (Persona::Sloppy, false) => "done",
            (_, false) => "Everything on the list is done; each point is shown on its own picture, with date and place.",
            (_, true) => "You were right, something was missing. It is done now, and shown point by point on the new pictures.",
        }
    }

    /// Links to more of it.
    pub fn attachments(self, after_rejection: bool) -> Vec<String> {
        let count = if self == Persona::Sloppy && !after_rejection { 0 } else { 3 };
        (1..=count).map(|number| format!("https://example.com/proof/{number}.jpg")).collect()
    }

    pub fn answer(self) -> &'static str {
        match self {
            Persona::Sloppy => "ok",
            _ => "Thank you for telling me, I will see to it.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_done_is_done_before_the_end() {
        let now = Timestamp::from_millis(0);
        for end in [1, 2, 1_000, MINUTE_MS, 100 * MINUTE_MS, 100_000 * MINUTE_MS].map(Timestamp::from_millis) {
            for persona in Persona::ALL {
                for occasion in Occasion::ALL {
                    let due = persona.react(*occasion, now, end).map(|(_, due)| due);
                    assert!(due.is_none_or(|due| now <= due && due < end), "{persona} {occasion} {end:?}");
                }
            }
        }
    }

    #[test]
    fn the_late_one_submits_in_the_last_minute_or_not_at_all() {
        let end = Timestamp::from_millis(MINUTE_MS * 10);
        let submits = |now| Persona::Late.react(Occasion::Selected, Timestamp::from_millis(now), end).map(|(_, due)| due.millis());
        assert_eq!((submits(0), submits(MINUTE_MS * 9)), (Some(MINUTE_MS * 9), None));
    }
}
