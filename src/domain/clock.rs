//! The clock of test data: the wall's time and a lead over it, or one instant for as long as it is frozen.

use super::time::Timestamp;

/// A clock that its users move forward. Whatever the wall's clock does, it never shows an earlier time than it has shown;
/// only [`TestClock::set`], which replaces it together with all test data, begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestClock {
    pace: Pace,
    shown: Timestamp,
    /// While time is moved through moments one by one, it stands at each of them.
    held_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Running { lead_ms: i64 },
    Frozen { at: Timestamp },
}

/// A [`TestClock`] as it is kept in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptClock {
    pub lead_ms: i64,
    pub frozen_at: Option<Timestamp>,
    pub shown: Timestamp,
}

impl TestClock {
    pub fn restore(kept: KeptClock) -> Self {
        let pace = kept.frozen_at.map_or(Pace::Running { lead_ms: kept.lead_ms }, |at| Pace::Frozen { at });
        TestClock { pace, shown: kept.shown, held_at: None }
    }

    pub fn keep(&self) -> KeptClock {
        match self.pace {
            Pace::Running { lead_ms } => KeptClock { lead_ms, frozen_at: None, shown: self.shown },
            Pace::Frozen { at } => KeptClock { lead_ms: 0, frozen_at: Some(at), shown: self.shown },
        }
    }

    /// The time it shows when the wall's clock shows `wall`.
    pub fn read(&mut self, wall: Timestamp) -> Timestamp {
        let at = match (self.held_at, self.pace) {
            (Some(at), _) | (None, Pace::Frozen { at }) => at,
            (None, Pace::Running { lead_ms }) => wall.plus_ms(lead_ms),
        };
        self.shown = self.shown.max(at);
        self.shown
    }

    pub fn is_frozen(&self) -> bool {
        matches!(self.pace, Pace::Frozen { .. })
    }

    /// Stands still until it is moved or run.
    pub fn freeze(&mut self, wall: Timestamp) {
        self.pace = Pace::Frozen { at: self.read(wall) };
    }

    /// Goes on from the time it shows.
    pub fn run(&mut self, wall: Timestamp) {
        let lead_ms = self.read(wall).millis() - wall.millis();
        self.pace = Pace::Running { lead_ms };
    }

    /// Moves forward to `to`, at the pace it had; an earlier time leaves it where it is.
    pub fn advance(&mut self, to: Timestamp, wall: Timestamp) {
        let to = self.read(wall).max(to);
        self.pace = match self.pace {
            Pace::Running { .. } => Pace::Running { lead_ms: to.millis() - wall.millis() },
            Pace::Frozen { .. } => Pace::Frozen { at: to },
        };
        self.held_at = self.held_at.map(|_| to);
        self.shown = to;
    }

    /// Stands where it is, whatever its pace, until [`TestClock::release`].
    pub fn hold(&mut self, wall: Timestamp) {
        self.held_at = Some(self.read(wall));
    }

    pub fn release(&mut self) {
        self.held_at = None;
    }

    /// Shows `to` from now on, even if that is earlier.
    pub fn set(&mut self, to: Timestamp, frozen: bool, wall: Timestamp) {
        self.pace = if frozen { Pace::Frozen { at: to } } else { Pace::Running { lead_ms: to.millis() - wall.millis() } };
        self.held_at = self.held_at.map(|_| to);
        self.shown = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn clock() -> TestClock {
        TestClock::restore(KeptClock { lead_ms: 0, frozen_at: None, shown: at(0) })
    }

    #[test]
    fn it_runs_with_the_wall_and_keeps_its_lead() {
        let mut clock = clock();
        assert_eq!(clock.read(at(5)), at(5));
        clock.advance(at(100), at(5));
        assert_eq!((clock.read(at(5)), clock.read(at(7))), (at(100), at(102)));
        assert_eq!(TestClock::restore(clock.keep()).read(at(8)), at(103));
    }

    #[test]
    fn it_stands_while_frozen_and_runs_on_from_there() {
        let mut clock = clock();
        clock.freeze(at(5));
        assert_eq!(clock.read(at(50)), at(5));
        clock.advance(at(20), at(50));
        assert_eq!((clock.read(at(60)), clock.is_frozen()), (at(20), true));
        clock.run(at(70));
        assert_eq!(clock.read(at(71)), at(21));
    }

    #[test]
    fn it_never_shows_less_than_it_has_shown() {
        let mut clock = clock();
        assert_eq!(clock.read(at(100)), at(100));
        assert_eq!(clock.read(at(40)), at(100), "the wall was turned back");
        clock.advance(at(90), at(40));
        assert_eq!(clock.read(at(40)), at(100), "to the past");
        clock.set(at(10), false, at(40));
        assert_eq!(clock.read(at(41)), at(11), "begun anew");
    }

    #[test]
    fn held_it_shows_each_moment_exactly() {
        let mut clock = clock();
        clock.hold(at(5));
        assert_eq!(clock.read(at(9)), at(5));
        clock.advance(at(100), at(9));
        assert_eq!(clock.read(at(30)), at(100));
        clock.advance(at(200), at(30));
        clock.release();
        assert_eq!(clock.read(at(31)), at(201));
    }
}
