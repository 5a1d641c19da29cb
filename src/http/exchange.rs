//! One request on its way to its answer, and in a sandbox what is noted of it.

use super::front::Reply;
use super::rate_limit::Standing;
use super::response::Wire;
use super::route::{BASE, Route, placeholder};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::id::{Id, RequestId, UserId};
use crate::domain::{Error, Result};
use crate::operation::sandbox::request::LoggedRequest;
use crate::operation::{Services, wall};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// What every answer needs to know of its request.
pub struct Exchange {
    id: RequestId,
    /// Where the caller stands, as far as it is known by now.
    pub standing: Standing,
    /// What its caller asked it to suffer.
    fault: Option<Fault>,
    trace: Option<Trace>,
    began: Instant,
    reply: Reply,
}

/// Whose request it is and where it went.
struct Trace {
    user: UserId,
    method: &'static str,
    path: String,
    services: Arc<Services>,
}

impl Exchange {
    pub fn new(standing: Standing, reply: Reply) -> Self {
        Exchange { id: RequestId::new(), standing, fault: None, trace: None, began: Instant::now(), reply }
    }

    /// Names the request beside its error in the log; `Internal` has no public text.
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// With what its caller asked it to suffer.
    pub fn suffer(self, fault: Option<Fault>) -> Self {
        Exchange { fault, ..self }
    }

    /// From now on its answer is logged for its caller.
    pub fn trace(&mut self, user: UserId, route: &Route, path: &str, services: &Arc<Services>) {
        self.trace = Some(Trace { user, method: route.method, path: loggable(route, path), services: Arc::clone(services) });
    }

    pub fn answer(mut self, result: Result<Wire>) {
        let wire = result.unwrap_or_else(|error| refusal(&self.id, &error));
        log::debug!("{}: answered {}", self.id, wire.status);
        if let Some(trace) = self.trace.take() {
            self.log(trace, &wire);
        }
        self.send(wire);
    }

    fn log(&self, trace: Trace, wire: &Wire) {
        let request = LoggedRequest {
            seq: 0,
            at: wall(),
            method: trace.method,
            path: trace.path,
            status: wire.status,
            error_code: error_code(wire),
            fault: self.fault.map(|fault| fault.kind),
            latency_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id: self.id.clone(),
        };
        trace.services.requests.push(trace.user, request);
    }

    fn send(self, wire: Wire) {
        let lost = wire.is_new_success();
        let response = wire.into_response(&self.id, &self.standing);
        match self.fault {
            Some(fault) if fault.kind == FaultKind::Slow => self.reply.send_after(fault.delay(), response),
            // A replay is what the client was to try for; a refusal committed nothing.
            Some(fault) if fault.kind == FaultKind::DroppedAfterCommit && lost => self.reply.close(),
            _ => self.reply.send(response),
        }
    }
}

/// The answer of a failure; one of the server's own is logged.
pub fn refusal(id: &RequestId, error: &Error) -> Wire {
    if let Error::Internal(internal) = error {
        log::error!("{id}: {internal:?}");
    }
    Wire::error(error)
}

/// The path with no more in it than ids: whatever else stands in the place of one could be a secret.
fn loggable(route: &Route, path: &str) -> String {
    let given = path.strip_prefix(BASE).unwrap_or(path).split('/');
    let segments = route.path.split('/').zip(given);
    let shown = segments.map(|(part, segment)| if placeholder(part).is_some() && !is_id(segment) { part } else { segment });
    shown.collect::<Vec<_>>().join("/")
}

fn is_id(segment: &str) -> bool {
    segment.split_once('_').is_some_and(|(prefix, digits)| {
        prefix.bytes().all(|b| b.is_ascii_lowercase()) && digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn error_code(wire: &Wire) -> Option<String> {
    let body: Value = (wire.status >= 400).then(|| serde_json::from_slice(&wire.body).ok()).flatten()?;
    body.pointer("/error/code").and_then(Value::as_str).map(str::to_owned)
}
