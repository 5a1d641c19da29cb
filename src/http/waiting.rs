//! Long polls: requests that wait for something new, on one thread for all of them.
//!
//! A visit is looked at on its own thread first; only one that found nothing and has patience comes in here. It is looked
//! at when it arrives, by the thread that hears of commits, so that none falls between; again whenever its account was told
//! of something; and for the last time when its patience ends, or its caller is no longer admitted.

use super::auth::INVALID;
use crate::domain::id::UserId;
use crate::domain::{Error, Result};
use crate::operation::{Ctx, Rendered, WatchWork};
use crate::store::{Db, ReadTx};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Visits of one account that may wait, and of all together: each holds a connection. More are answered at once with what
/// there is.
const MAX_PER_ACCOUNT: usize = 16;
const MAX_WAITING: usize = 512;
/// How soon what another process wrote to the file is seen.
const PATROL: Duration = Duration::from_secs(1);

/// A long poll and how to answer it.
pub struct Visit {
    pub ctx: Ctx,
    pub work: WatchWork,
    pub answer: Box<dyn FnOnce(Result<Rendered>) + Send>,
}

enum Message {
    Arrived(Waiting),
    Told(Vec<UserId>),
    /// From now on nobody waits.
    Close,
    End,
}

/// The thread they wait on; dropping it ends the thread.
pub struct WaitingRoom {
    db: Arc<Db>,
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl WaitingRoom {
    pub fn open(db: &Arc<Db>) -> io::Result<Self> {
        let (messages, received) = unbounded();
        let told = messages.clone();
        db.on_commit(move |news| {
            if !news.users.is_empty() {
                // A room that has ended has nobody to tell.
                let _ = told.send(Message::Told(news.users.clone()));
            }
        });
        let room = Room { db: Arc::clone(db), waiting: Vec::new(), closed: false };
        let thread = std::thread::Builder::new().name("waiting".into()).spawn(move || room.run(&received))?;
        Ok(WaitingRoom { db: Arc::clone(db), messages, thread: Some(thread) })
    }

    /// Answers the visit, now or later from another thread.
    pub fn wait(&self, visit: Visit) {
        let until = Instant::now() + visit.work.patience;
        if let Some(waiting) = (Waiting { visit, until }).look(&self.db) {
            self.send(Message::Arrived(waiting));
        }
    }

    /// Answers all who wait with what there is, and from now on everyone at once.
    pub fn close(&self) {
        self.send(Message::Close);
    }

    fn send(&self, message: Message) {
        // The thread outlives every call: only the drop ends it.
        let _ = self.messages.send(message);
    }
}

impl Drop for WaitingRoom {
    fn drop(&mut self) {
        self.send(Message::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Waiting {
    visit: Visit,
    until: Instant,
}

/// What the thread knows.
struct Room {
    db: Arc<Db>,
    waiting: Vec<Waiting>,
    closed: bool,
}

impl Room {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut patrol = Instant::now() + PATROL;
        loop {
            match messages.recv_deadline(self.next_deadline(patrol)) {
                Ok(Message::Arrived(waiting)) => self.arrive(waiting),
                Ok(Message::Told(users)) => {
                    let told: HashSet<_> = users.into_iter().collect();
                    self.look(|visit| visit.ctx.user_id().is_ok_and(|user| told.contains(user)));
                }
                Ok(Message::Close) => self.close(),
                Err(RecvTimeoutError::Timeout) if Instant::now() >= patrol => {
                    self.look(|_| true);
                    patrol = Instant::now() + PATROL;
                }
                Err(RecvTimeoutError::Timeout) => self.look(|_| false),
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn next_deadline(&self, patrol: Instant) -> Instant {
        self.waiting.iter().map(|waiting| waiting.until).chain([patrol]).min().unwrap_or(patrol)
    }

    fn arrive(&mut self, mut waiting: Waiting) {
        let user = waiting.visit.ctx.user_id().ok();
        let own = self.waiting.iter().filter(|waiting| waiting.visit.ctx.user_id().ok() == user).count();
        if self.closed || own >= MAX_PER_ACCOUNT || self.waiting.len() >= MAX_WAITING {
            waiting.until = Instant::now();
        }
        self.waiting.extend(waiting.look(&self.db));
    }

    /// Looks again for those who were told and those whose patience has ended.
    fn look(&mut self, told: impl Fn(&Visit) -> bool) {
        let now = Instant::now();
        let look = |waiting: Waiting| {
            let again = waiting.until <= now || told(&waiting.visit);
            if again { waiting.look(&self.db) } else { Some(waiting) }
        };
        self.waiting = std::mem::take(&mut self.waiting).into_iter().filter_map(look).collect();
    }

    fn close(&mut self) {
        self.closed = true;
        let now = Instant::now();
        self.waiting.iter_mut().for_each(|waiting| waiting.until = now);
        self.look(|_| false);
    }
}

impl Waiting {
    /// Answers if there is something or the patience has ended, and waits on otherwise.
    fn look(mut self, db: &Db) -> Option<Self> {
        let last = self.until <= Instant::now();
        let Visit { ctx, work, .. } = &mut self.visit;
        ctx.refresh();
        let look = || {
            db.read(|tx| {
                check_admission(ctx, tx)?;
                (work.look)(ctx, tx, last)
            })
        };
        let seen = Error::catch_panic(look);
        let Some(result) = seen.transpose() else { return Some(self) };
        // Whatever an answer does, the others wait on.
        let _ = catch_unwind(AssertUnwindSafe(|| (self.visit.answer)(result)));
        None
    }
}

/// Refuses a caller whose key was revoked, or account suspended, while they waited.
fn check_admission(ctx: &Ctx, tx: &ReadTx) -> Result<()> {
    let Some(actor) = &ctx.actor else { return Ok(()) };
    if tx.is_active(actor)? { Ok(()) } else { Err(INVALID) }
}
