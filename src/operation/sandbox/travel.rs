//! Moving through test time: what is due happens at its own moment, in order, and what it sends is sent before time goes on.

use crate::domain::actor::Mode;
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::operation::due::{self, Done};
use crate::operation::{Ctx, Services, delivery, sweep};
use crate::store::{Db, ReadTx, WriteTx};
use std::sync::Arc;
use std::time::Duration;

/// Moments and tasks in one transaction: few enough that requests between two of them hardly wait.
const BATCH: usize = 50;
/// What recording an attempt may take, beyond the attempt itself.
const RECORDING: Duration = Duration::from_secs(10);
const STUCK: &str = "Webhook deliveries do not come to an end; the clock stands where it got to: look at the server's log, then retry";
const STOPPING: &str = "The server is stopping";

/// What happened on the way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Travelled {
    pub done: Done,
    /// Attempts to deliver an event since the last time somebody travelled.
    pub attempts: u64,
}

/// Moves the test clock to `target`, or leaves it where it is; returns once nothing is due, and no delivery, up to there.
///
/// # Errors
/// If deliveries do not come to an end or the server stops: the clock stands where it got to.
pub fn travel(services: &Arc<Services>, db: &Db, target: Option<Timestamp>) -> Result<Travelled> {
    let _turn = services.sandbox.take_turn();
    let _held = services.clocks.hold();
    let target = target.unwrap_or_else(|| services.clocks.now(Mode::Test));
    let mut done = Done::default();
    loop {
        check_open(services)?;
        let ctx = Ctx::system(services, Mode::Test);
        let step = db.write(move |tx| step(tx, ctx, target))?;
        done += step.done;
        let sent = !step.in_a_row && settle(services, db)?;
        if step.arrived && !sent {
            sweep(services, db)?;
            return Ok(Travelled { done, attempts: services.sandbox.take_attempts() });
        }
    }
}

/// However far the way is, nobody waits for its end when the server stops.
fn check_open(services: &Services) -> Result<()> {
    if services.sandbox.is_closing() { Err(Error::Unavailable(STOPPING)) } else { Ok(()) }
}

/// Forgets what has grown old on the way.
fn sweep(services: &Arc<Services>, db: &Db) -> Result<()> {
    loop {
        check_open(services)?;
        let ctx = Ctx::system(services, Mode::Test);
        if !db.write(move |tx| sweep::run(tx, &ctx, BATCH))? {
            return Ok(());
        }
    }
}

/// What one transaction brought.
#[derive(Default)]
struct Step {
    done: Done,
    /// At the target, with nothing left to be done there.
    arrived: bool,
    /// The next step follows at once, without a look at the deliveries.
    in_a_row: bool,
}

/// Does what is due and goes from moment to moment, until there is something to be sent.
fn step(tx: &WriteTx, mut ctx: Ctx, target: Timestamp) -> Result<Step> {
    let services = Arc::clone(&ctx.services);
    let mut step = Step::default();
    let mut rest = BATCH;
    while rest > 0 {
        ctx.refresh();
        let done = due::run(tx, &ctx, rest)?;
        step.done += done;
        rest = rest.saturating_sub(done.total().max(1));
        let endpoints = due_endpoints(tx, &services)?;
        if !endpoints.is_empty() {
            for id in &endpoints {
                tx.tell_endpoint(id);
            }
            return Ok(step);
        }
        if done.total() > 0 {
            continue;
        }
        if ctx.now >= target {
            return Ok(Step { arrived: true, ..step });
        }
        let next = next_moment(tx, &services, ctx.now)?.map_or(target, |next| next.min(target));
        services.clocks.change(tx, |clock, wall| clock.advance(next, wall))?;
    }
    Ok(Step { in_a_row: true, ..step })
}

/// The first moment after `now` at which something is due or a delivery is tried again.
pub fn next_moment(tx: &ReadTx, services: &Services, now: Timestamp) -> Result<Option<Timestamp>> {
    let waits = delivery::waiting(tx, services, Some(Mode::Test))?.into_iter().map(|(_, wait)| wait).filter(|wait| !wait.is_zero());
    let retry = waits.min().map(|wait| now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
    Ok(due::next(tx, services, Mode::Test, Some(now))?.into_iter().chain(retry).min())
}

/// The endpoints of test data to which something is to be sent now.
fn due_endpoints(tx: &ReadTx, services: &Services) -> Result<Vec<WebhookId>> {
    let waiting = delivery::waiting(tx, services, Some(Mode::Test))?.into_iter();
    Ok(waiting.filter(|(_, wait)| wait.is_zero()).map(|(id, _)| id).collect())
}

/// Waits until no delivery of test data is due; whether it had to.
fn settle(services: &Services, db: &Db) -> Result<bool> {
    let attempt = Duration::from_secs(services.config.webhooks.timeout_seconds.into());
    let mut waited = false;
    loop {
        let seen = db.commits();
        if db.read(|tx| due_endpoints(tx, services))?.is_empty() {
            return Ok(waited);
        }
        waited = true;
        check_open(services)?;
        if !db.await_commit(seen, attempt + RECORDING) {
            return Err(Error::Unavailable(STUCK));
        }
    }
}
