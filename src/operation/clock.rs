//! What time it is, in either mode. Every time rule of a mode's data asks here.

use crate::domain::actor::Mode;
use crate::domain::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The mode's own time.
pub fn now(_mode: Mode) -> Timestamp {
    wall()
}

/// The machine's time: for tokens and what is counted per client address, in both modes.
pub fn wall() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
