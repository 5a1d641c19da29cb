//! Who has something new once a transaction is on disk.

use crate::domain::id::{UserId, WebhookId};
use std::sync::{Mutex, PoisonError};

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
pub struct Listeners(Mutex<Vec<Listener>>);

impl Listeners {
    pub fn add(&self, listener: Listener) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    pub fn tell(&self, told: &Told) {
        for listener in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            listener(told);
        }
    }
}
