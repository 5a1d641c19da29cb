//! Failures that a sandbox makes happen on demand, so that a client can be tried against them.
//!
//! A forced failure comes before its operation, which then has not run; a slow answer and a dropped connection come after
//! it. No rule is bypassed by either.

use super::error::{Error, Result};
use super::money::Money;
use super::named::{Named, named};
use super::text::Metadata;
use super::webhook::Misdelivery;
use std::time::Duration;

/// How long a slow answer takes where nobody says.
pub const SLOW_MS: u32 = 2_000;
/// What a forced 429 asks a client to wait.
const RETRY_AFTER_SECONDS: i64 = 1;

/// The metadata of a new task that asks for a fault.
const METADATA_NAME: &str = "sandbox.fault";
/// What surrounds a fault's word in the title of a new task.
const TITLE_MARK: (&str, &str) = ("[sandbox:", "]");

named! {
    pub enum FaultKind {
        RiskGateBlocked = "risk_gate_blocked",
        InsufficientBalance = "insufficient_balance",
        Conflict = "conflict",
        RateLimited = "rate_limited",
        InternalError = "internal_error",
        ServiceUnavailable = "service_unavailable",
        /// The answer is late; what it tells has happened at once.
        Slow = "slow",
        /// The connection is closed without the answer to what has happened.
        DroppedAfterCommit = "dropped_after_commit",
        WebhookTwice = "webhook_twice",
        WebhookOutOfOrder = "webhook_out_of_order",
    }
}

/// What one request is to suffer.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub kind: FaultKind,
    /// Of a slow answer.
    pub delay_ms: u32,
}

impl Fault {
    pub fn of(kind: FaultKind) -> Self {
        Fault { kind, delay_ms: SLOW_MS }
    }

    pub fn delay(self) -> Duration {
        Duration::from_millis(self.delay_ms.into())
    }
}

impl FaultKind {
    /// The fault that a new task's title or metadata asks for.
    ///
    /// # Errors
    /// A validation error for a word that is no fault's: a typing error must not pass for a success.
    pub fn asked(title: &str, metadata: Option<&Metadata>) -> Result<Option<Self>> {
        if let Some(word) = metadata.and_then(|metadata| metadata.0.get(METADATA_NAME)) {
            return Self::named_in(&format!("metadata {METADATA_NAME}"), word);
        }
        let (before, after) = TITLE_MARK;
        let word = title.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map(|(word, _)| word);
        word.map_or(Ok(None), |word| Self::named_in(&format!("title's {before}…{after}"), word))
    }

    fn named_in(place: &str, word: &str) -> Result<Option<Self>> {
        Self::parse(word.trim()).map(Some).ok_or_else(|| Error::validation(format!("{place} must be {}", Self::choices())))
    }

    /// The failure it stands for, if it is one that keeps the operation from running.
    pub fn error(self) -> Option<Error> {
        match self {
            FaultKind::RiskGateBlocked => Some(Error::RiskGateBlocked { category: "forced by the sandbox".into() }),
            FaultKind::InsufficientBalance => Some(Error::InsufficientBalance { needed: Money::from_units(1), available: Money::ZERO }),
            FaultKind::Conflict => Some(Error::StateConflict("The sandbox was asked for this conflict; nothing was done".into())),
            FaultKind::RateLimited => Some(Error::RateLimited { retry_after_seconds: RETRY_AFTER_SECONDS }),
            FaultKind::InternalError => Some(Error::internal("a fault that the sandbox was asked for")),
            FaultKind::ServiceUnavailable => Some(Error::Unavailable("The sandbox was asked for this outage; retry in a second")),
            FaultKind::Slow | FaultKind::DroppedAfterCommit | FaultKind::WebhookTwice | FaultKind::WebhookOutOfOrder => None,
        }
    }

    /// How it has webhooks arrive.
    pub fn misdelivery(self) -> Option<Misdelivery> {
        match self {
            FaultKind::WebhookTwice => Some(Misdelivery::Twice),
            FaultKind::WebhookOutOfOrder => Some(Misdelivery::Late),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_or_metadata_asks_for_a_fault_and_an_unknown_word_names_the_choices() {
        let asked = |title: &str| FaultKind::asked(title, None).map_err(|error| error.to_string());
        assert_eq!(asked("Photograph [sandbox:conflict] a shop"), Ok(Some(FaultKind::Conflict)));
        assert_eq!(asked("Photograph [sandbox] a shop [sandbox:"), Ok(None));
        assert!(asked("[sandbox:explode]").unwrap_err().contains("dropped_after_commit"));
        let metadata = Metadata([(METADATA_NAME.to_owned(), "slow".to_owned())].into());
        assert_eq!(FaultKind::asked("[sandbox:conflict]", Some(&metadata)).unwrap(), Some(FaultKind::Slow));
    }
}
