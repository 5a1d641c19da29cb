//! The envelope (contract §1) and the HTTP status of every error.

use super::rate_limit::Standing;
use crate::domain::Error;
use crate::domain::id::RequestId;
use crate::operation::{Pagination, Rendered};
use std::borrow::Cow;

/// The header of an answer that was given before.
pub const REPLAYED: &str = "Idempotency-Replayed";

/// An answer's status and body; an error's headers come with it.
#[derive(Debug)]
pub struct Wire {
    pub status: u16,
    pub body: Vec<u8>,
    pub headers: Vec<(&'static str, String)>,
}

impl Wire {
    pub fn success(status: u16, rendered: &Rendered) -> Self {
        Wire { status, body: envelope(&rendered.data, rendered.pagination.as_ref()), headers: Vec::new() }
    }

    /// The success as it may be kept: without secrets shown once.
    pub fn redacted(status: u16, rendered: &Rendered) -> Self {
        let data = rendered.redacted.as_ref().unwrap_or(&rendered.data);
        Wire { status, body: envelope(data, rendered.pagination.as_ref()), headers: Vec::new() }
    }

    pub fn error(error: &Error) -> Self {
        let message = serde_json::Value::String(error.to_string());
        let body = format!("{{\"success\":false,\"error\":{{\"code\":\"{}\",\"message\":{message}}}}}", error.code());
        Wire { status: status(error), body: body.into_bytes(), headers: headers(error) }
    }

    /// Whether it tells of something done just now, and not of a refusal or again.
    pub fn is_new_success(&self) -> bool {
        self.status < 400 && self.headers.iter().all(|(name, _)| *name != REPLAYED)
    }

    /// With the headers that every response has.
    pub fn into_response(self, request_id: &RequestId, standing: &Standing) -> rouille::Response {
        let mut headers: Vec<(Cow<'static, str>, Cow<'static, str>)> = vec![
            ("Content-Type".into(), "application/json".into()),
            ("X-Request-Id".into(), request_id.to_string().into()),
            ("X-RateLimit-Limit".into(), standing.limit.to_string().into()),
            ("X-RateLimit-Remaining".into(), standing.remaining.to_string().into()),
            ("X-RateLimit-Reset".into(), standing.reset.to_rfc3339_millis().into()),
            ("Cache-Control".into(), "no-store".into()),
            ("X-Content-Type-Options".into(), "nosniff".into()),
        ];
        headers.extend(self.headers.into_iter().map(|(name, value)| (name.into(), value.into())));
        rouille::Response { status_code: self.status, headers, data: rouille::ResponseBody::from_data(self.body), upgrade: None }
    }
}

/// `{"success":true,"data":…,"pagination":…}` around data that is JSON already.
fn envelope(data: &[u8], pagination: Option<&Pagination>) -> Vec<u8> {
    let pagination = pagination.and_then(|pagination| serde_json::to_vec(pagination).ok());
    let parts: [&[u8]; 5] = match &pagination {
        Some(pagination) => [b"{\"success\":true,\"data\":", data, b",\"pagination\":", pagination, b"}"],
        None => [b"{\"success\":true,\"data\":", data, b"}", b"", b""],
    };
    parts.concat()
}

/// The HTTP status of each error.
pub fn status(error: &Error) -> u16 {
    match error {
        Error::Validation(_) | Error::InsufficientBalance { .. } | Error::RiskGateBlocked { .. } | Error::LimitExceeded(_) => 400,
        Error::Unauthorized(_) => 401,
        Error::Forbidden(_) => 403,
        Error::NotFound(_) => 404,
        Error::MethodNotAllowed { .. } => 405,
        Error::RequestTimeout => 408,
        Error::StateConflict(_) | Error::EmailTaken => 409,
        Error::CursorExpired => 410,
        Error::PayloadTooLarge => 413,
        Error::UnsupportedMediaType => 415,
        Error::IdempotencyKeyReused => 422,
        Error::RateLimited { .. } => 429,
        Error::HeadTooLarge => 431,
        Error::Internal(_) => 500,
        Error::Unavailable(_) => 503,
    }
}

fn headers(error: &Error) -> Vec<(&'static str, String)> {
    match error {
        Error::Unauthorized(_) => vec![("WWW-Authenticate", "Bearer".to_owned())],
        Error::MethodNotAllowed { allow } => vec![("Allow", allow.clone())],
        Error::RateLimited { retry_after_seconds } => vec![("Retry-After", retry_after_seconds.to_string())],
        Error::Unavailable(_) => vec![("Retry-After", "1".to_owned())],
        _ => Vec::new(),
    }
}
