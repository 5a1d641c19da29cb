//! Whose turn it is: one turn at a time for each endpoint, and places kept for the quick ones.

use crate::domain::id::WebhookId;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Turns at once among quick endpoints, and as many among slow ones.
const PLACES: usize = 128;

/// An attempt that took longer shows a slow endpoint, whatever its answer was.
const SLOW: Duration = Duration::from_secs(1);

/// How long an endpoint counts as slow after such an attempt. Quick answers do not shorten it, for they cost it nothing: by
/// one between two slow ones it would hold a quick place nearly all the time, and so it does for half a minute in ten.
const SLOW_FOR: Duration = Duration::from_mins(10);

/// How long an endpoint kept its last attempt waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Quick,
    Slow,
}

impl Pace {
    pub fn of(latency: Duration) -> Self {
        if latency < SLOW { Pace::Quick } else { Pace::Slow }
    }
}

/// An endpoint with something to do. One that is not here has nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Queued,
    Running { lane: Pace, woken: bool },
}

/// Endpoints of one pace: a slow one holds its place for as long as an attempt may take, so the slow ones have their own,
/// and however many there are the others go on.
#[derive(Default)]
struct Lane {
    queue: VecDeque<WebhookId>,
    running: usize,
}

#[derive(Default)]
pub struct Schedule {
    states: HashMap<WebhookId, State>,
    /// Until when each that was slow counts as such.
    slow: HashMap<WebhookId, Instant>,
    quick_lane: Lane,
    slow_lane: Lane,
}

impl Schedule {
    /// The endpoint has something to deliver: it gets a turn, or another after the one it has.
    pub fn wake(&mut self, id: WebhookId) {
        match self.states.get_mut(&id) {
            Some(State::Queued) => {}
            Some(State::Running { woken, .. }) => *woken = true,
            None => self.queue(id),
        }
    }

    /// The next endpoint whose turn begins, if there is a place.
    pub fn start(&mut self) -> Option<WebhookId> {
        for pace in [Pace::Quick, Pace::Slow] {
            let lane = self.lane(pace);
            if lane.running < PLACES
                && let Some(id) = lane.queue.pop_front()
            {
                lane.running += 1;
                self.states.insert(id.clone(), State::Running { lane: pace, woken: false });
                return Some(id);
            }
        }
        None
    }

    /// The endpoint's turn is over; `again` if there is more to do.
    pub fn end(&mut self, id: &WebhookId, again: bool, pace: Option<Pace>) {
        let Some(State::Running { lane, woken }) = self.states.remove(id) else { return };
        self.lane(lane).running -= 1;
        if pace == Some(Pace::Slow) {
            let now = Instant::now();
            self.slow.retain(|_, until| *until > now);
            self.slow.insert(id.clone(), now + SLOW_FOR);
        }
        if again || woken {
            self.queue(id.clone());
        }
    }

    /// Whether any turn is taken.
    pub fn is_busy(&self) -> bool {
        self.quick_lane.running + self.slow_lane.running > 0
    }

    fn queue(&mut self, id: WebhookId) {
        let is_slow = self.slow.get(&id).is_some_and(|until| *until > Instant::now());
        let pace = if is_slow { Pace::Slow } else { Pace::Quick };
        self.states.insert(id.clone(), State::Queued);
        self.lane(pace).queue.push_back(id);
    }

    fn lane(&mut self, pace: Pace) -> &mut Lane {
        match pace {
            Pace::Quick => &mut self.quick_lane,
            Pace::Slow => &mut self.slow_lane,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[test]
    fn an_endpoint_has_one_turn_at_a_time_and_loses_no_wake() {
        let (mut schedule, id) = (Schedule::default(), WebhookId::new());
        schedule.wake(id.clone());
        schedule.wake(id.clone());
        assert_eq!((schedule.start(), schedule.start()), (Some(id.clone()), None));
        schedule.wake(id.clone());
        assert_eq!(schedule.start(), None);
        schedule.end(&id, false, Some(Pace::Quick));
        assert_eq!(schedule.start(), Some(id.clone()), "it was woken during its turn");
        schedule.end(&id, false, None);
        assert_eq!((schedule.start(), schedule.is_busy()), (None, false));
    }

    #[test]
    fn slow_endpoints_leave_places_to_quick_ones() {
        let mut schedule = Schedule::default();
        let slow: Vec<_> = (0..2 * PLACES).map(|_| WebhookId::new()).collect();
        for id in &slow {
            schedule.wake(id.clone());
        }
        // Nobody knows yet that they are slow: they take every place there is, and lose it for good.
        while let Some(id) = schedule.start() {
            assert!(slow.contains(&id));
        }
        for id in &slow[..PLACES] {
            schedule.end(id, true, Some(Pace::Slow));
        }
        for id in &slow[PLACES..] {
            assert_eq!(schedule.states[id], State::Queued);
        }
        let mut started: Vec<_> = std::iter::from_fn(|| schedule.start()).collect();
        assert_eq!(started.len(), 2 * PLACES, "the known ones in their own lane, the unknown in the other");
        for id in started.drain(..) {
            schedule.end(&id, true, Some(Pace::Slow));
        }
        let quick = WebhookId::new();
        schedule.wake(quick.clone());
        assert_eq!(schedule.start(), Some(quick));
    }

    #[test]
    fn a_slow_endpoint_earns_no_quick_place_by_quick_answers_but_by_time() {
        let mut schedule = Schedule::default();
        let now_and_then = WebhookId::new();
        let lane = |schedule: &mut Schedule, pace| {
            schedule.wake(now_and_then.clone());
            assert_eq!(schedule.start().as_ref(), Some(&now_and_then));
            let State::Running { lane, .. } = schedule.states[&now_and_then] else { panic!("it does not run") };
            schedule.end(&now_and_then, false, Some(pace));
            lane
        };
        assert_eq!(lane(&mut schedule, Pace::Slow), Pace::Quick, "nobody knows yet");
        for _ in 0..100 {
            assert_eq!(lane(&mut schedule, Pace::Quick), Pace::Slow);
        }
        schedule.slow.insert(now_and_then.clone(), Instant::now());
        assert_eq!(lane(&mut schedule, Pace::Quick), Pace::Quick, "its time is over");
    }
}
