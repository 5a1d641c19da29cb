//! Webhook deliveries: at least once, each endpoint in order, the quick ones not held up by the slow.
//!
//! A delivery is a row written with its event. The thread here hears of it when its commit is on disk, and gives the
//! endpoint a turn ([`schedule`]); a turn's thread takes the endpoint's next delivery, sends it with no transaction open
//! ([`client`]), and records what came of it in one of its own. An endpoint has one turn at a time, and the file has one
//! server: that is the lease on a delivery, and a crash cannot leave it behind. What was sent but not recorded when the
//! process died is still pending, and is sent again.

mod client;
mod schedule;

use crate::domain::id::WebhookId;
use crate::domain::{Error, Result};
use crate::operation::delivery::{Next, Ready, next, record, waiting};
use crate::operation::{Ctx, Services, wall};
use crate::store::{Attempt, Db, WriteTx};
use client::{Client, Clients};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use schedule::{Pace, Schedule};
use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Deliveries of one turn: enough to use a warm connection, few enough to let others have theirs.
const TURN: usize = 16;
/// Deliveries given up in one transaction.
const GIVEN_UP: usize = 200;
/// How soon a retry, or what another process wrote to the file, is seen at the latest.
const PATROL: Duration = Duration::from_secs(1);
/// The least time between two looks at all endpoints, however many retries fall due.
const PATROL_PAUSE: Duration = Duration::from_millis(50);
/// How long the first wait is, and the longest, until what could not be written is written after all.
const WRITE_AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(8));
/// How long the end waits for turns; what they have not recorded then is sent again at the next start.
const GRACE: Duration = Duration::from_secs(2);
/// How long a thread without a turn waits for one before it ends.
const IDLE: Duration = Duration::from_secs(10);
const STACK_BYTES: usize = 512 * 1_024;

enum Message {
    /// These endpoints have something to deliver.
    Told(Vec<WebhookId>),
    Done(WebhookId, Turn),
    Stop,
}

/// How a turn ended.
struct Turn {
    pace: Option<Pace>,
    then: Then,
}

enum Then {
    /// There is more to do.
    Again,
    Rest,
    /// A retry is due after so long.
    Retry(Duration),
}

/// The running deliverer; dropping it stops it.
pub struct Deliverer {
    messages: Sender<Message>,
    /// Nothing is ever sent; the turns hear of its end.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Deliverer {
    pub fn start(db: &Arc<Db>, services: &Arc<Services>) -> io::Result<Self> {
        let (messages, received) = unbounded();
        let told = messages.clone();
        db.on_commit(move |news| {
            if !news.endpoints.is_empty() {
                // A deliverer that has stopped finds it at its next start.
                let _ = told.send(Message::Told(news.endpoints.clone()));
            }
        });
        let (stop, stopped) = bounded(0);
        let courier = Courier {
            turns: bounded(0),
            db: Arc::downgrade(db),
            services: Arc::clone(services),
            clients: Clients::new(services),
            messages: messages.clone(),
            stopped,
        };
        let courier = Arc::new(courier);
        let thread = std::thread::Builder::new().name("delivery".into()).spawn(move || run(&courier, &received))?;
        Ok(Deliverer { messages, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Deliverer {
    fn drop(&mut self) {
        self.stop = None;
        let _ = self.messages.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(courier: &Arc<Courier>, messages: &Receiver<Message>) {
    let mut schedule = Schedule::default();
    let mut patrol = Instant::now();
    loop {
        match messages.recv_deadline(patrol) {
            Ok(Message::Told(endpoints)) => endpoints.into_iter().for_each(|id| schedule.wake(id)),
            Ok(Message::Done(id, turn)) => {
                if let Then::Retry(wait) = turn.then {
                    patrol = patrol.min(Instant::now() + wait.max(PATROL_PAUSE));
                }
                schedule.end(&id, matches!(turn.then, Then::Again), turn.pace);
            }
            Err(error) if error.is_timeout() => {
                patrol = Instant::now() + courier.find_due(&mut schedule);
            }
            Ok(Message::Stop) | Err(_) => return finish(&mut schedule, messages),
        }
        while let Some(id) = schedule.start() {
            courier.start_turn(id);
        }
    }
}

/// Waits for the turns at hand, though not for a receiver that does not answer.
fn finish(schedule: &mut Schedule, messages: &Receiver<Message>) {
    let end = Instant::now() + GRACE;
    while schedule.is_busy() {
        match messages.recv_deadline(end) {
            Ok(Message::Done(id, _)) => schedule.end(&id, false, None),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// What every turn shares.
struct Courier {
    /// From the schedule to a thread that waits for a turn.
    turns: (Sender<TurnGuard>, Receiver<TurnGuard>),
    /// A turn that outlives the server must not keep the file open.
    db: Weak<Db>,
    services: Arc<Services>,
    clients: Clients,
    messages: Sender<Message>,
    stopped: Receiver<()>,
}

impl Courier {
    /// Wakes every endpoint with something due; how long there is nothing more.
    fn find_due(&self, schedule: &mut Schedule) -> Duration {
        let waiting = match self.db().and_then(|db| db.read(|tx| waiting(tx, &self.services, None))) {
            Ok(waiting) => waiting,
            Err(error) => {
                log::error!("the endpoints with pending deliveries could not be read: {error:?}; trying on");
                return PATROL;
            }
        };
        let mut rest = PATROL;
        for (endpoint, wait) in waiting {
            if wait.is_zero() {
                schedule.wake(endpoint);
            } else {
                rest = rest.min(wait);
            }
        }
        rest.max(PATROL_PAUSE)
    }

    /// Gives the turn to a thread that waits for one, or to a new one.
    fn start_turn(self: &Arc<Self>, id: WebhookId) {
        let turn = TurnGuard { courier: Arc::clone(self), id, turn: Turn { pace: None, then: Then::Rest } };
        let Err(TrySendError::Full(turn) | TrySendError::Disconnected(turn)) = self.turns.0.try_send(turn) else { return };
        let more_turns = self.turns.1.clone();
        let builder = std::thread::Builder::new().name("webhook".into()).stack_size(STACK_BYTES);
        let work = move || {
            turn.take();
            while let Ok(turn) = more_turns.recv_timeout(IDLE) {
                turn.take();
            }
        };
        // Without a thread the guard is dropped, which ends the turn; the next patrol finds the endpoint again.
        if let Err(error) = builder.spawn(work) {
            log::error!("no thread to deliver with: {error}; trying on");
        }
    }

    fn db(&self) -> Result<Arc<Db>> {
        self.db.upgrade().ok_or(Error::Unavailable("The server is stopping"))
    }

    /// Delivers up to a turn's worth.
    fn deliver(&self, id: &WebhookId, turn: &mut Turn) -> Result<()> {
        for _ in 0..TURN {
            if self.is_stopping() {
                return Ok(());
            }
            let era = self.services.sandbox.era();
            match self.db()?.read(|tx| next(tx, &self.services, id))? {
                Next::Send(ready) => {
                    let pace = self.send(*ready, era)?;
                    turn.pace = Some(pace);
                    if pace == Pace::Slow {
                        // Its next attempt must not take a place among the quick ones.
                        break;
                    }
                }
                Next::GiveUp => self.give_up(id)?,
                Next::Wait(retry) => {
                    turn.then = retry.map_or(Then::Rest, Then::Retry);
                    return Ok(());
                }
            }
        }
        turn.then = Then::Again;
        Ok(())
    }

    /// `era` is that of the data in which it was found to be sent.
    fn send(&self, ready: Ready, era: u64) -> Result<Pace> {
        let client: &Client = self.clients.of(ready.mode);
        let request = ready.outgoing.sign(wall()).map_err(Error::internal)?;
        let (at, begin) = (self.services.clocks.now(ready.mode), Instant::now());
        let answer = client.send(&ready.url, request);
        let latency_ms = i64::try_from(begin.elapsed().as_millis()).unwrap_or(i64::MAX);
        let attempt = match answer {
            Ok((status, response)) => Attempt { at, latency_ms, status: Some(status), response: Some(response), error: None },
            Err(error) => Attempt { at, latency_ms, status: None, response: None, error: Some(error) },
        };
        let pace = Pace::of(begin.elapsed());
        self.record(ready, attempt, era)?;
        Ok(pace)
    }

    /// Records what came of the attempt. What was found in an earlier era has nothing to record in this one.
    fn record(&self, ready: Ready, attempt: Attempt, era: u64) -> Result<()> {
        let (id, services) = (ready.delivery.webhook_id.clone(), Arc::clone(&self.services));
        self.write(&id, move |tx| {
            let ctx = Ctx::system(&services, ready.mode);
            let replaced = !ctx.mode.is_live() && services.sandbox.era() != era;
            if replaced { Ok(()) } else { record(tx, &ctx, &ready.delivery, &ready.url, &attempt) }
        })
    }

    /// Writes for the endpoint; as long as that cannot be done the turn goes on, for what was sent would only be sent again.
    /// The log is told the first time.
    fn write(&self, id: &WebhookId, work: impl Fn(&WriteTx) -> Result<()> + Send + Sync + 'static) -> Result<()> {
        let (work, mut pause) = (Arc::new(work), WRITE_AGAIN.0);
        loop {
            let again = Arc::clone(&work);
            let result = self.db()?.write(move |tx| again(tx));
            let Err(error @ Error::Unavailable(_)) = result else { return result };
            if pause == WRITE_AGAIN.0 {
                log::error!("what came of a delivery to {id} is not recorded yet: {error:?}; trying on");
            }
            if !self.stopped.recv_timeout(pause).is_err_and(|error| error.is_timeout()) {
                return Err(error);
            }
            pause = (pause * 2).min(WRITE_AGAIN.1);
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopped.try_recv().is_err_and(|error| error.is_disconnected())
    }

    fn give_up(&self, id: &WebhookId) -> Result<()> {
        let endpoint = id.clone();
        self.write(id, move |tx| tx.fail_pending_deliveries(&endpoint, GIVEN_UP).map(drop))
    }
}

/// A turn, which ends even when it panics.
struct TurnGuard {
    courier: Arc<Courier>,
    id: WebhookId,
    turn: Turn,
}

impl TurnGuard {
    fn take(mut self) {
        if let Err(error) = self.courier.deliver(&self.id, &mut self.turn) {
            // Not tried again at once: the next patrol does.
            log::error!("deliveries to {} wait: {error:?}", self.id);
        }
    }
}

impl Drop for TurnGuard {
    fn drop(&mut self) {
        let turn = std::mem::replace(&mut self.turn, Turn { pace: None, then: Then::Rest });
        let _ = self.courier.messages.send(Message::Done(self.id.clone(), turn));
    }
}
