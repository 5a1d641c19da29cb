//! A bounded number of connections. When all places are taken, the client that has kept the server waiting the longest gives
//! up its place to a newcomer: idle and dripping ones, however many, shut nobody out.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// What a server asks the system for; half of what it gets is for connections, the rest for files and deliveries.
const DESCRIPTORS: u64 = 4_096;

/// How many connections the system lets this process have.
pub fn affordable() -> u32 {
    let found = getrlimit(Resource::Nofile);
    let most = found.maximum.unwrap_or(DESCRIPTORS).min(DESCRIPTORS);
    let wanted = Rlimit { current: Some(most), ..found };
    let current = found.current.unwrap_or(DESCRIPTORS);
    let descriptors = if current < most && setrlimit(Resource::Nofile, wanted).is_ok() { most } else { current };
    u32::try_from(descriptors / 2).unwrap_or(u32::MAX).max(1)
}

pub struct Places {
    free: Arc<Semaphore>,
    total: u32,
    waiting: Arc<Mutex<Waiting>>,
}

/// The places whose client is to send something, by the moment since when.
#[derive(Default)]
struct Waiting {
    moment: u64,
    longest_first: BTreeMap<u64, Arc<Notify>>,
}

/// One connection's; dropping it frees it.
pub struct Place {
    _taken: OwnedSemaphorePermit,
    given_up: Arc<Notify>,
    /// Since when it waits for its client; `None` while its client waits for the server.
    since: Mutex<Option<u64>>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Places {
    pub fn new(total: u32) -> Self {
        Places { free: Arc::new(Semaphore::new(total as usize)), total, waiting: Arc::default() }
    }

    /// A place, another's if none is free. It is to wait for its client.
    pub async fn take(&self) -> Option<Place> {
        // Who has sent something already is heard before anyone gives up a place: once to look at it, once to read it.
        for _ in 0..2 {
            if self.free.available_permits() == 0 {
                tokio::task::yield_now().await;
            }
        }
        if self.free.available_permits() == 0 {
            self.make_room();
        }
        let taken = Arc::clone(&self.free).acquire_owned().await.ok()?;
        let place = Place { _taken: taken, given_up: Arc::default(), since: Mutex::default(), waiting: Arc::clone(&self.waiting) };
        place.wait();
        Some(place)
    }

    /// Has the longest waiting place given up.
    pub fn make_room(&self) {
        if let Some((_, place)) = lock(&self.waiting).longest_first.pop_first() {
            place.notify_one();
        }
    }

    /// Returns when every place is free.
    pub async fn all_free(&self) {
        let _ = self.free.acquire_many(self.total).await;
    }
}

impl Place {
    /// From now on the server waits for the client.
    pub fn wait(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.moment += 1;
        let moment = waiting.moment;
        waiting.longest_first.insert(moment, Arc::clone(&self.given_up));
        *lock(&self.since) = Some(moment);
    }

    /// From now on the client waits for the server, and keeps the place; false if it is given up already.
    pub fn keep(&self) -> bool {
        let since = lock(&self.since).take();
        since.is_some_and(|since| lock(&self.waiting).longest_first.remove(&since).is_some())
    }

    /// Returns when the place must be left.
    pub async fn given_up(&self) {
        self.given_up.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.keep();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
