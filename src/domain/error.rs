//! Everything that can go wrong, as data. The code a client sees lives here; its HTTP status in `http::response`.

use super::money::Money;
use super::named::{Named, named};
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

pub type Result<T, E = Error> = std::result::Result<T, E>;

named! {
    /// What was looked for and not found, or not allowed to be seen.
    pub enum Resource {
        Task = "Task",
        Application = "Application",
        Webhook = "Webhook",
        Delivery = "Delivery",
        ApiKey = "API key",
        User = "User",
        Dispute = "Dispute",
        Notification = "Notification",
        Snapshot = "Snapshot",
        Path = "Path",
    }
}

/// An operation's refusal or failure.
#[derive(Debug)]
pub enum Error {
    /// The message names the field and the rule.
    Validation(String),
    /// The message says what to send instead.
    Unauthorized(&'static str),
    Forbidden(String),
    NotFound(Resource),
    InsufficientBalance {
        needed: Money,
        available: Money,
    },
    RiskGateBlocked {
        category: String,
    },
    LimitExceeded(String),
    /// The message names the state it is in and the states the action needs.
    StateConflict(String),
    EmailTaken,
    IdempotencyKeyReused,
    RateLimited {
        retry_after_seconds: i64,
    },
    MethodNotAllowed {
        allow: String,
    },
    /// What came after the cursor is swept in part.
    CursorExpired,
    PayloadTooLarge,
    UnsupportedMediaType,
    RequestTimeout,
    HeadTooLarge,
    /// Overload, a full disk: nothing was done, and it may work later.
    Unavailable(&'static str),
    Internal(Internal),
}

/// A defect or a broken machine: its source and place are logged, never shown.
pub struct Internal {
    pub source: Box<dyn std::error::Error + Send + Sync>,
    pub place: &'static Location<'static>,
}

impl fmt::Debug for Internal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.source, self.place)
    }
}

impl Error {
    pub fn validation(message: impl Into<String>) -> Self {
        Error::Validation(message.into())
    }

    /// Runs `work`, its panic an error like any other of the server's own.
    #[track_caller]
    pub fn catch_panic<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
        let place = Location::caller();
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::Internal(Internal { source: "it panicked".into(), place })))
    }

    #[track_caller]
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Internal(Internal { source: source.into(), place: Location::caller() })
    }

    /// The documented code, or the resource's own.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Validation(_) | Error::RequestTimeout | Error::HeadTooLarge => "VALIDATION_ERROR",
            Error::Unauthorized(_) => "UNAUTHORIZED",
            Error::Forbidden(_) => "FORBIDDEN",
            Error::NotFound(resource) => match resource {
                Resource::Task => "TASK_NOT_FOUND",
                Resource::Application => "APPLICATION_NOT_FOUND",
                Resource::Webhook => "WEBHOOK_NOT_FOUND",
                Resource::Delivery => "DELIVERY_NOT_FOUND",
                Resource::ApiKey => "API_KEY_NOT_FOUND",
                Resource::User => "USER_NOT_FOUND",
                Resource::Dispute => "DISPUTE_NOT_FOUND",
                Resource::Notification => "NOTIFICATION_NOT_FOUND",
                Resource::Snapshot => "SNAPSHOT_NOT_FOUND",
                Resource::Path => "NOT_FOUND",
            },
            Error::InsufficientBalance { .. } => "INSUFFICIENT_BALANCE",
            Error::RiskGateBlocked { .. } => "RISK_GATE_BLOCKED",
            Error::LimitExceeded(_) => "LIMIT_EXCEEDED",
            Error::StateConflict(_) => "STATE_CONFLICT",
            Error::EmailTaken => "EMAIL_TAKEN",
            Error::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Error::RateLimited { .. } => "RATE_LIMITED",
            Error::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            Error::CursorExpired => "CURSOR_EXPIRED",
            Error::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Error::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Error::Unavailable(_) => "SERVICE_UNAVAILABLE",
            Error::Internal(_) => "INTERNAL_ERROR",
        }
    }

    /// Whether an operation decided it over the data it found: such an answer is recorded under its idempotency key
    /// (contract §5); a refusal of the request itself is not.
    pub fn is_decision(&self) -> bool {
        matches!(
            self,
            Error::InsufficientBalance { .. }
                | Error::RiskGateBlocked { .. }
                | Error::LimitExceeded(_)
                | Error::StateConflict(_)
                | Error::EmailTaken
        )
    }
}

/// The public message: what is wrong and what to do next.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Validation(message) | Error::Forbidden(message) | Error::LimitExceeded(message) | Error::StateConflict(message) => {
                f.write_str(message)
            }
            Error::Unauthorized(message) | Error::Unavailable(message) => f.write_str(message),
            Error::NotFound(Resource::Path) => f.write_str("There is nothing at this path; GET /api/v1/openapi.json lists what there is"),
            Error::NotFound(resource) => write!(f, "{} not found", resource.as_str()),
            Error::InsufficientBalance { needed, available } => {
                write!(f, "The wallet holds {available} A9 and {needed} are needed; deposit the difference or lower the amount")
            }
            Error::RiskGateBlocked { category } => write!(f, "The task's content was rejected by the Risk Gate: {category}"),
            Error::EmailTaken => f.write_str("An account with this email exists already; log in instead"),
            Error::IdempotencyKeyReused => {
                f.write_str("This Idempotency-Key was used for another request; send a new key for a new request")
            }
            Error::RateLimited { retry_after_seconds } => write!(f, "Too many requests; retry in {retry_after_seconds} s"),
            Error::MethodNotAllowed { allow } => write!(f, "This path does not have that method; it has {allow}"),
            Error::CursorExpired => f.write_str(
                "The events at this cursor are not kept here; read the state anew, then go on without after, or with after=latest",
            ),
            Error::PayloadTooLarge => f.write_str("The body must be at most 256 KiB"),
            Error::UnsupportedMediaType => f.write_str("The body must be JSON; send Content-Type: application/json"),
            Error::RequestTimeout => f.write_str("The request did not arrive in time; send it again"),
            Error::HeadTooLarge => f.write_str("The request's head must be at most 16 KiB and 64 headers"),
            Error::Internal(_) => f.write_str("The server failed; it is safe to retry with backoff"),
        }
    }
}

impl std::error::Error for Error {}
