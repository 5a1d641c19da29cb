//! Time travel: the test clock forward, with everything that happens on the way.

use super::clock::ClockView;
use super::travel::{Travelled, travel};
use crate::domain::actor::{Access, Mode};
use crate::domain::field::{Whole, input};
use crate::domain::time::{DAY_MS, SECOND_MS, Timestamp};
use crate::domain::{Error, Result};
use crate::operation::due::Done;
use crate::operation::{Ctx, Manual, Operation};
use crate::store::Db;
use schemars::JsonSchema;
use serde::Serialize;

/// Ten years: the furthest that one step goes.
const FURTHEST_SECONDS: u32 = 315_360_000;
const FURTHEST_MS: i64 = 3_650 * DAY_MS;
/// 9000-01-01: what follows from a time must still be one that RFC 3339 can write.
const END: Timestamp = Timestamp::from_millis(221_845_392_000_000);

/// How far one step goes.
pub type Seconds = Whole<1, FURTHEST_SECONDS>;

input! {
    pub struct AdvanceClockInput {
        /// How far; this or to.
        seconds as "seconds": Option<Seconds>,
        /// The time to move to, not before the clock's own and at most ten years after it; this or seconds.
        to as "to": Option<Timestamp>,
    }
}

/// What happened on the way.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TravelView {
    /// Tasks that expired at their deadline.
    pub expired: usize,
    /// Submissions approved at the end of their review.
    pub approved: usize,
    /// Rejected tasks refunded because nobody disputed in time.
    pub refunded: usize,
    /// Steps of humans who work by themselves.
    pub autopilot: usize,
    /// Attempts to deliver an event to an endpoint, since the last advance or drain; what came of each stands in its
    /// deliveries.
    pub delivery_attempts: u64,
    #[serde(flatten)]
    pub clock: ClockView,
}

impl TravelView {
    pub fn of(travelled: Travelled, ctx: &Ctx, db: &Db) -> Result<Self> {
        let Travelled { done, attempts } = travelled;
        let clock = db.read(|tx| ClockView::load(ctx, tx))?;
        let Done { expired, approved, refunded, autopilot, .. } = done;
        Ok(TravelView { expired, approved, refunded, autopilot, delivery_attempts: attempts, clock })
    }
}

pub struct AdvanceClock;

impl Operation for AdvanceClock {
    const NAME: &'static str = "advance_test_clock";
    const DOC: &'static str =
        "Move the clock of test data forward; it answers when all that is due in between has happened, in order of time.";
    const ACCESS: Access = Access::SandboxControl;
    type Input = AdvanceClockInput;
    type Output = TravelView;
}

impl Manual for AdvanceClock {
    fn run(input: AdvanceClockInput, ctx: &Ctx, db: &Db) -> Result<TravelView> {
        let target = target(&input, ctx.services.clocks.now(Mode::Test))?;
        TravelView::of(travel(&ctx.services, db, Some(target))?, ctx, db)
    }
}

/// Where the clock goes.
///
/// # Errors
/// A validation error for a time that it cannot go to.
pub fn target(input: &AdvanceClockInput, now: Timestamp) -> Result<Timestamp> {
    let target = match (input.seconds, input.to) {
        (Some(Whole(seconds)), None) => now.plus_ms(i64::from(seconds) * SECOND_MS),
        // It is written without its milliseconds: moving to the time one has read is no step back.
        (None, Some(to)) if to.seconds() == now.seconds() => now,
        (None, Some(to)) => to,
        _ => return Err(Error::validation("seconds or to is required, and not both")),
    };
    if target < now {
        return Err(Error::validation(format!("to must not be before the test clock, which shows {now}: time only goes forward")));
    }
    if target > now.plus_ms(FURTHEST_MS) {
        return Err(Error::validation(format!("to must be at most ten years after the test clock, which shows {now}")));
    }
    if target > END {
        return Err(Error::validation(format!("the test clock goes as far as {END}; POST /test/reset takes it back to today")));
    }
    Ok(target)
}
