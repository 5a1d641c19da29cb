//! What the server does without being asked. Each effect enters at an operation, like a request.

pub mod clock;
pub mod delivery;
pub mod outgoing;
