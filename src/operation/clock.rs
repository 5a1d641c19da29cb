//! What time it is. Every time rule of a mode's data asks its mode's clock (contract §6).

use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::clock::TestClock;
use crate::domain::time::Timestamp;
use crate::store::{ReadTx, WriteTx};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The clocks of both modes: live data goes by the wall's, test data by its own.
pub struct Clocks {
    test: Mutex<TestClock>,
    /// Where test time begins, standing still, in place of the wall's time.
    beginning: Option<Timestamp>,
}

impl Clocks {
    /// With the test clock as the file has it.
    pub fn load(tx: &ReadTx) -> Result<Self> {
        Ok(Clocks { test: Mutex::new(TestClock::restore(tx.find_test_clock()?)), beginning: None })
    }

    /// With a test clock that begins at `beginning` and stands there, so that every time it shows can be foreseen. Tokens
    /// go by that instant for ever: they can be foreseen, too, and never end.
    pub fn beginning_at(beginning: Timestamp, tx: &WriteTx) -> Result<Self> {
        let clocks = Clocks { beginning: Some(beginning), ..Self::load(tx)? };
        clocks.change(tx, |clock, wall| clocks.begin(clock, wall))?;
        Ok(clocks)
    }

    /// Sets the test clock to where its time begins.
    pub fn begin(&self, clock: &mut TestClock, wall: Timestamp) {
        clock.set(self.beginning.unwrap_or(wall), self.beginning.is_some(), wall);
    }

    /// What ID tokens and refresh tokens go by.
    pub fn tokens(&self) -> Timestamp {
        self.beginning.unwrap_or_else(wall)
    }

    /// The mode's own time.
    pub fn now(&self, mode: Mode) -> Timestamp {
        match mode {
            Mode::Live => wall(),
            Mode::Test => self.test().read(wall()),
        }
    }

    pub fn is_frozen(&self) -> bool {
        self.test().is_frozen()
    }

    /// Changes the test clock in the transaction that keeps it, so that the jobs after this one see it.
    pub fn change(&self, tx: &WriteTx, change: impl FnOnce(&mut TestClock, Timestamp)) -> Result<()> {
        let kept = {
            let mut clock = self.test();
            change(&mut clock, wall());
            clock.keep()
        };
        tx.update_test_clock(kept)
    }

    /// Takes the test clock from the file again, where a change of it could not be kept.
    pub fn reload(&self, tx: &ReadTx) -> Result<()> {
        *self.test() = TestClock::restore(tx.find_test_clock()?);
        Ok(())
    }

    /// Holds test time where it is: it stands for as long as the guard lives, but for what [`Clocks::change`] does.
    pub fn hold(&self) -> HeldClock<'_> {
        self.test().hold(wall());
        HeldClock(self)
    }

    fn test(&self) -> MutexGuard<'_, TestClock> {
        self.test.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Test time stands still; dropping it lets it go on.
pub struct HeldClock<'c>(&'c Clocks);

impl Drop for HeldClock<'_> {
    fn drop(&mut self) {
        self.0.test().release();
    }
}

/// The machine's time: for what is counted per client address, and what a webhook's receiver compares with its own.
pub fn wall() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
