//! One request on its way to its answer.

use super::front::Reply;
use super::rate_limit::Standing;
use super::response::Wire;
use crate::domain::id::{Id, RequestId};
use crate::domain::{Error, Result};

/// What every answer needs to know of its request.
pub struct Exchange {
    id: RequestId,
    /// Where the caller stands, as far as it is known by now.
    pub standing: Standing,
    reply: Reply,
}

impl Exchange {
    pub fn new(standing: Standing, reply: Reply) -> Self {
        Exchange { id: RequestId::new(), standing, reply }
    }

    /// Names the request beside its error in the log; `Internal` has no public text.
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    pub fn answer(self, result: Result<Wire>) {
        let wire = result.unwrap_or_else(|error| refusal(&self.id, &error));
        log::debug!("{}: answered {}", self.id, wire.status);
        self.reply.send(wire.into_response(&self.id, &self.standing));
    }
}

/// The answer of a failure; one of the server's own is logged.
pub fn refusal(id: &RequestId, error: &Error) -> Wire {
    if let Error::Internal(internal) = error {
        log::error!("{id}: {internal:?}");
    }
    Wire::error(error)
}
