//! Who has something new once a transaction is on disk.

use crate::domain::id::{UserId, WebhookId};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What a commit left to be delivered and to be read. A change that was undone may be named in it, too.
#[derive(Debug, Default)]
pub struct Told {
    pub endpoints: Vec<WebhookId>,
    pub users: Vec<UserId>,
}

impl Told {
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty() && self.users.is_empty()
    }
}

type Listener = Box<dyn Fn(&Told) + Send>;

/// Those who want to know, called on the writer's thread after each commit.
#[derive(Default)]
pub struct Listeners {
    told: Mutex<Vec<Listener>>,
    commits: Mutex<u64>,
    committed: Condvar,
}

impl Listeners {
    pub fn add(&self, listener: Listener) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    pub fn tell(&self, told: &Told) {
        self.wake();
        if told.is_empty() {
            return;
        }
        for listener in self.told.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            listener(told);
        }
    }

    /// Commits so far.
    pub fn commits(&self) -> u64 {
        *self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a commit after the first `seen`; whether one came in time.
    pub fn await_commit(&self, seen: u64, patience: Duration) -> bool {
        let commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.committed.wait_timeout_while(commits, patience, |commits| *commits == seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0 != seen
    }

    /// As after a commit: whoever waits for one looks again.
    pub fn wake(&self) {
        *self.commits.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.committed.notify_all();
    }
}
