//! The clock: wakes when a task's time comes, after a downtime at once for all that came meanwhile, and sweeps.

use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::named::Named;
use crate::operation::{Ctx, Services, due, sweep};
use crate::store::Db;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Tasks per transaction: few enough that requests between two of them hardly wait.
const BATCH: usize = 50;
/// The longest sleep: a new task may be due before all others, and a machine's time may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// The longest that a mode's clock stands still before it is tried again, when it could do nothing the last times.
const LONGEST_STANDSTILL: Duration = Duration::from_secs(30);

/// Rows of each kind that one transaction sweeps, how long requests have for themselves between two of them, and how long
/// after the last it looks again.
const SWEPT: usize = 50;
const SWEEP_PAUSE: Duration = Duration::from_millis(10);
const SWEEP_PERIOD: Duration = Duration::from_mins(1);

/// The running clock; dropping it stops it after the transaction at hand.
pub struct Clock {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    pub fn start(db: Arc<Db>, services: Arc<Services>) -> io::Result<Self> {
        let (stop, stopped) = bounded(0);
        let thread = std::thread::Builder::new().name("clock".into()).spawn(move || run(&db, &services, &stopped))?;
        Ok(Clock { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(db: &Db, services: &Arc<Services>, stopped: &Receiver<()>) {
    let mut sweep_at = Instant::now();
    let mut hands: Vec<_> = Mode::ALL.iter().map(|mode| Hand { mode: *mode, standstill: None }).collect();
    loop {
        let mut sleep = LONGEST_SLEEP;
        if Instant::now() >= sweep_at {
            if sweep_some(db, services) {
                sleep = SWEEP_PAUSE;
            } else {
                sweep_at = Instant::now() + SWEEP_PERIOD;
            }
        }
        for hand in &mut hands {
            sleep = sleep.min(hand.turn(db, services));
        }
        // Nothing is ever sent: a time-out is time to go on, anything else the end.
        let timed_out = stopped.recv_timeout(sleep).is_err_and(|error| error.is_timeout());
        if !timed_out {
            return;
        }
    }
}

/// One mode's part of the clock.
struct Hand {
    mode: Mode,
    /// How long it stands still, and until when, since it could do nothing: a full disk is no reason to fill it with
    /// complaints.
    standstill: Option<(Duration, Instant)>,
}

impl Hand {
    /// Does what is due; how long there is nothing more to do.
    fn turn(&mut self, db: &Db, services: &Arc<Services>) -> Duration {
        if let Some(rest) = self.standstill.and_then(|(_, until)| until.checked_duration_since(Instant::now())) {
            return rest;
        }
        match tick(db, services, self.mode) {
            Ok(next) => {
                self.standstill = None;
                next
            }
            Err(error) => {
                let pause = self.standstill.map_or(LONGEST_SLEEP, |(pause, _)| (pause * 2).min(LONGEST_STANDSTILL));
                self.standstill = Some((pause, Instant::now() + pause));
                log::error!("the clock of {} data stands still: {error:?}; trying again in {} s", self.mode, pause.as_secs());
                pause
            }
        }
    }
}

/// Sweeps a little of either mode; whether there may be more.
fn sweep_some(db: &Db, services: &Arc<Services>) -> bool {
    let sweep = |mode: &Mode| {
        let ctx = Ctx::system(services, *mode);
        db.write(move |tx| sweep::run(tx, &ctx, SWEPT)).unwrap_or_else(|error| {
            log::error!("what is old could not be swept: {error:?}; trying again in a minute");
            false
        })
    };
    let more: Vec<_> = Mode::ALL.iter().map(sweep).collect();
    more.contains(&true)
}

/// Does what is due, a batch at most; how long there is nothing more to do.
fn tick(db: &Db, services: &Arc<Services>, mode: Mode) -> Result<Duration> {
    // Whoever moves test time does all that it causes.
    let turn = if mode.is_live() { None } else { services.sandbox.try_turn() };
    if !mode.is_live() && turn.is_none() {
        return Ok(LONGEST_SLEEP);
    }
    let Some(next) = db.read(|tx| due::next(tx, services, mode, None))? else { return Ok(LONGEST_SLEEP) };
    let mut ctx = Ctx::system(services, mode);
    let wait_ms = next.millis() - ctx.now.millis();
    if wait_ms > 0 {
        return Ok(Duration::from_millis(wait_ms.unsigned_abs()));
    }
    let done = db.write(move |tx| {
        ctx.refresh();
        due::run(tx, &ctx, BATCH)
    })?;
    // Where nothing could be done, trying again at once would only burn.
    Ok(if done.total() > 0 { Duration::ZERO } else { LONGEST_SLEEP })
}
