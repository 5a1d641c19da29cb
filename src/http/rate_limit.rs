//! Requests an hour, per class and caller (contract §4).

use crate::config::RateLimits;
use crate::domain::actor::Mode;
use crate::domain::id::{ApiKeyId, UserId};
use crate::domain::time::{HOUR_MS, SECOND_MS, Timestamp};
use crate::operation::wall;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// The counters kept at once; past it those of finished hours go, then those of addresses.
const MAX_COUNTERS: usize = 100_000;

/// What is counted together; each class has its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    TaskReads,
    TaskCreation,
    Wallet,
    Messages,
    /// Calls of the MCP endpoint, per credential.
    Mcp,
    /// Calls of the MCP endpoint, per client address.
    McpAddress,
    Webhooks,
    ApiKeys,
    Default,
    /// Requests that prove no caller: their flood must not shut out the public endpoints.
    Unproven,
    /// Supervisors ask often.
    Health,
    Register,
    Login,
}

impl Class {
    /// Requests an hour.
    fn limit(self, limits: &RateLimits, server: Mode) -> u32 {
        match self {
            Class::TaskReads => limits.task_reads,
            Class::TaskCreation => limits.task_creation,
            Class::Wallet => limits.wallet,
            Class::Messages => limits.messages,
            Class::Mcp => limits.mcp,
            Class::McpAddress => limits.mcp_ip,
            Class::Webhooks => limits.webhooks,
            Class::ApiKeys => limits.api_keys,
            Class::Default | Class::Unproven | Class::Health => limits.default,
            Class::Register => limits.register(server),
            Class::Login => limits.login(server),
        }
    }
}

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    Account(UserId, Mode),
    ApiKey(ApiKeyId),
    /// An IPv6 client by its /64, which is what one is given.
    Address(IpAddr),
}

impl Subject {
    /// Whether its clock may truly go back, and its hours begin anew: test data is put back together with its clock.
    fn goes_back(&self) -> bool {
        matches!(self, Subject::Account(_, Mode::Test))
    }

    pub fn address(address: IpAddr) -> Self {
        Subject::Address(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let network = v6.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from_bits(network))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// Where a caller stands: the three `X-RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub limit: u32,
    pub remaining: u32,
    pub reset: Timestamp,
}

/// Refused: over the limit until `standing.reset`.
pub struct Exceeded {
    pub standing: Standing,
    pub retry_after_seconds: i64,
}

pub struct RateLimiter {
    limits: RateLimits,
    server: Mode,
    counters: Mutex<HashMap<(Subject, Class), Counter>>,
}

#[derive(Clone, Copy)]
struct Counter {
    window: i64,
    requests: u32,
}

impl RateLimiter {
    pub fn new(limits: RateLimits, server: Mode) -> Self {
        RateLimiter { limits, server, counters: Mutex::default() }
    }

    /// Counts one request; a refused one is not counted.
    pub fn count(&self, subject: Subject, class: Class, now: Timestamp) -> Result<Standing, Exceeded> {
        let limit = class.limit(&self.limits, self.server);
        let window = now.millis().div_euclid(HOUR_MS);
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut counters);
        let goes_back = subject.goes_back();
        let counter = counters.entry((subject, class)).or_insert(Counter { window, requests: 0 });
        if counter.window < window || (goes_back && counter.window > window) {
            *counter = Counter { window, requests: 0 };
        }
        let reset = Timestamp::from_millis((counter.window + 1) * HOUR_MS);
        if counter.requests >= limit && self.limits.enabled {
            let wait_ms = reset.millis() - now.millis();
            let retry_after_seconds = (wait_ms + SECOND_MS - 1) / SECOND_MS;
            return Err(Exceeded { standing: Standing { limit, remaining: 0, reset }, retry_after_seconds });
        }
        counter.requests = counter.requests.saturating_add(1);
        let remaining = if self.limits.enabled { limit - counter.requests } else { limit };
        Ok(Standing { limit, remaining, reset })
    }

    /// Where a caller stands, without counting: for what was refused before it could be counted.
    pub fn peek(&self, subject: Subject, class: Class, now: Timestamp) -> Standing {
        let limit = class.limit(&self.limits, self.server);
        let window = now.millis().div_euclid(HOUR_MS);
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_back = subject.goes_back();
        let counter = counters.get(&(subject, class)).filter(|counter| counter.window == window || (counter.window > window && !goes_back));
        let requests = counter.map_or(0, |counter| counter.requests);
        let remaining = if self.limits.enabled { limit.saturating_sub(requests) } else { limit };
        Standing { limit, remaining, reset: Timestamp::from_millis((window + 1) * HOUR_MS) }
    }
}

fn make_room(counters: &mut HashMap<(Subject, Class), Counter>) {
    if counters.len() < MAX_COUNTERS {
        return;
    }
    // By the wall's time: a test clock far ahead must not make everyone else's hour a finished one.
    let window = wall().millis().div_euclid(HOUR_MS);
    counters.retain(|_, counter| counter.window >= window);
    if counters.len() >= MAX_COUNTERS {
        counters.retain(|(subject, _), _| !matches!(subject, Subject::Address(_)));
    }
    if counters.len() >= MAX_COUNTERS {
        counters.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Layers};
    use crate::domain::id::Id;

    fn limiter(set: &str) -> RateLimiter {
        let sets = [("rate_limits.default".to_owned(), set.to_owned())];
        RateLimiter::new(Config::load(&Layers::default().sets(&sets)).unwrap().rate_limits, Mode::Test)
    }

    #[test]
    fn a_refused_request_is_not_counted_and_the_next_hour_is_new() {
        let limiter = limiter("2");
        let me = || Subject::address("192.0.2.1".parse().unwrap());
        let at = Timestamp::from_millis(HOUR_MS + 1);
        let count = |now| limiter.count(me(), Class::Default, now);
        assert_eq!(count(at).ok().map(|standing| standing.remaining), Some(1));
        assert_eq!(count(at).ok().map(|standing| standing.remaining), Some(0));
        assert_eq!(count(at).err().map(|exceeded| exceeded.retry_after_seconds), Some(3600));
        assert!(count(at.plus_ms(-HOUR_MS)).is_err(), "a clock turned back gives nothing back");
        assert_eq!(count(at.plus_ms(HOUR_MS)).ok().map(|standing| standing.remaining), Some(1));
    }

    #[test]
    fn test_data_that_is_put_back_is_counted_anew() {
        let limiter = limiter("1");
        let user = UserId::new();
        let count =
            |mode, hour| limiter.count(Subject::Account(user.clone(), mode), Class::Default, Timestamp::from_millis(hour * HOUR_MS));
        for (mode, counted_anew) in [(Mode::Live, false), (Mode::Test, true)] {
            assert!(count(mode, 9).is_ok() && count(mode, 9).is_err());
            assert_eq!(count(mode, 1).is_ok(), counted_anew, "{mode}");
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let subject = |text: &str| Subject::address(text.parse().unwrap());
        assert_eq!(subject("2001:db8::1"), subject("2001:db8::ffff:1"));
        assert_ne!(subject("2001:db8::1"), subject("2001:db8:0:1::1"));
        assert_eq!(subject("::ffff:192.0.2.1"), subject("192.0.2.1"));
    }

    #[test]
    fn the_table_of_counters_is_bounded() {
        let limiter = limiter("1");
        for number in 0..u32::try_from(MAX_COUNTERS).unwrap() + 10 {
            let _ = limiter.count(Subject::Address(IpAddr::V4(number.into())), Class::Default, Timestamp::from_millis(0));
        }
        assert!(limiter.counters.lock().unwrap().len() <= MAX_COUNTERS);
    }
}
