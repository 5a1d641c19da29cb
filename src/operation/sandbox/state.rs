//! What the parts of the server share about test data, beside the file.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Sandbox {
    turn: Mutex<()>,
    era: AtomicU64,
    attempts: AtomicU64,
    closing: AtomicBool,
}

impl Sandbox {
    /// The right to let test time do its work, which one has at a time: the clock's thread or whoever moves the clock.
    pub fn take_turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Sandbox::take_turn`], unless somebody has it.
    pub fn try_turn(&self) -> Option<MutexGuard<'_, ()>> {
        match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            Err(std::sync::TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }

    /// How often test data was replaced: what began in an earlier era has nothing to write into this one.
    pub fn era(&self) -> u64 {
        self.era.load(Ordering::SeqCst)
    }

    pub fn begin_era(&self) {
        self.era.fetch_add(1, Ordering::SeqCst);
        self.take_attempts();
    }

    /// Attempts to deliver test events that were recorded since this was last asked, or test data replaced. What is sent
    /// at once and what is sent while somebody waits for it count alike, so that the number can be foreseen.
    pub fn take_attempts(&self) -> u64 {
        self.attempts.swap(0, Ordering::SeqCst)
    }

    pub fn count_attempt(&self) {
        self.attempts.fetch_add(1, Ordering::SeqCst);
    }

    /// Whoever waits for deliveries need not: the server stops.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }
}
