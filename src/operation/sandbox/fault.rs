//! Armed faults: the next requests of a route that fail on demand, each account's own. They are kept in memory only.

use crate::domain::error::{Error, Result};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::id::UserId;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Armed at once by one account.
const MAX_PER_ACCOUNT: usize = 20;
/// Accounts with something armed.
const MAX_ACCOUNTS: usize = 10_000;

/// A fault that waits for the requests of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArmedFault {
    /// As in the document: its method and its path below the base.
    pub route: String,
    pub fault: FaultKind,
    /// How many requests it was armed for.
    pub times: u32,
    /// How many of these are still to come.
    pub remaining: u32,
    /// How late a slow answer is.
    pub delay_ms: u32,
}

/// All that is armed.
pub struct Faults {
    /// Every route that a fault can be armed for.
    routes: Vec<String>,
    /// How many faults are armed, so that where there are none a request pays for one load.
    armed: AtomicUsize,
    by_account: Mutex<HashMap<UserId, Vec<ArmedFault>>>,
}

impl Faults {
    pub fn new(routes: Vec<String>) -> Self {
        Faults { routes, armed: AtomicUsize::new(0), by_account: Mutex::default() }
    }

    /// The route of this name, whatever its placeholders are called.
    ///
    /// # Errors
    /// A validation error for one that does not exist.
    pub fn route(&self, name: &str) -> Result<&str> {
        let wanted = shape(name);
        let found = self.routes.iter().find(|route| shape(route) == wanted);
        found.map(String::as_str).ok_or_else(|| {
            Error::validation("route must be a method and a path of this API that is not below /test, such as POST /tasks/{taskId}/approve")
        })
    }

    pub fn arm(&self, user: &UserId, fault: ArmedFault) -> Result<()> {
        let mut accounts = self.accounts();
        if accounts.len() >= MAX_ACCOUNTS && !accounts.contains_key(user) {
            return Err(Error::LimitExceeded(format!("{MAX_ACCOUNTS} accounts have faults armed; try again later")));
        }
        let own = accounts.entry(user.clone()).or_default();
        if own.len() >= MAX_PER_ACCOUNT {
            return Err(Error::LimitExceeded(format!(
                "There are {MAX_PER_ACCOUNT} armed faults already; DELETE /test/faults disarms them"
            )));
        }
        own.push(fault);
        self.armed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What the caller has armed, in the order it was.
    pub fn list(&self, user: &UserId) -> Vec<ArmedFault> {
        self.accounts().get(user).cloned().unwrap_or_default()
    }

    /// Takes back what the caller has armed; how many faults those were.
    pub fn disarm(&self, user: &UserId) -> usize {
        let mut accounts = self.accounts();
        let disarmed = accounts.remove(user).map_or(0, |faults| faults.len());
        self.armed.fetch_sub(disarmed, Ordering::Relaxed);
        disarmed
    }

    /// Takes back what anybody has armed.
    pub fn clear(&self) {
        let mut accounts = self.accounts();
        accounts.clear();
        self.armed.store(0, Ordering::Relaxed);
    }

    /// The first fault that waits for this request; it waits for one less from now on.
    pub fn take(&self, user: &UserId, method: &str, path: &str) -> Option<Fault> {
        if self.armed.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut accounts = self.accounts();
        let own = accounts.get_mut(user)?;
        let is_waiting = |fault: &ArmedFault| fault.route.split_once(' ') == Some((method, path));
        let index = own.iter().position(is_waiting)?;
        let armed = own.get_mut(index)?;
        let fault = Fault { kind: armed.fault, delay_ms: armed.delay_ms };
        armed.remaining = armed.remaining.saturating_sub(1);
        if armed.remaining == 0 {
            own.remove(index);
            self.armed.fetch_sub(1, Ordering::Relaxed);
        }
        if own.is_empty() {
            accounts.remove(user);
        }
        Some(fault)
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<UserId, Vec<ArmedFault>>> {
        self.by_account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A route with its placeholders, written `{name}` or `:name`, made alike.
fn shape(route: &str) -> String {
    let (method, path) = route.trim().split_once(' ').unwrap_or_default();
    let segment = |segment: &str| if segment.starts_with(['{', ':']) { "{}".to_owned() } else { segment.to_owned() };
    let path: Vec<_> = path.trim().trim_start_matches("/api/v1").split('/').map(segment).collect();
    format!("{} {}", method.to_uppercase(), path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    fn armed(route: &str, fault: FaultKind, times: u32) -> ArmedFault {
        ArmedFault { route: route.to_owned(), fault, times, remaining: times, delay_ms: 0 }
    }

    #[test]
    fn a_fault_waits_for_so_many_requests_of_its_route_and_account() {
        let (faults, me, other) = (Faults::new(Vec::new()), UserId::new(), UserId::new());
        faults.arm(&me, armed("POST /tasks", FaultKind::Conflict, 2)).unwrap();
        faults.arm(&me, armed("POST /tasks", FaultKind::Slow, 1)).unwrap();
        let take = |user, method| faults.take(user, method, "/tasks").map(|fault| fault.kind);
        assert_eq!((take(&other, "POST"), take(&me, "GET")), (None, None));
        let taken: Vec<_> = (0..4).map(|_| take(&me, "POST")).collect();
        assert_eq!(taken, [Some(FaultKind::Conflict), Some(FaultKind::Conflict), Some(FaultKind::Slow), None]);
        assert_eq!(faults.armed.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_route_is_known_however_its_placeholders_are_written() {
        let faults = Faults::new(vec!["POST /tasks/{taskId}/approve".into()]);
        for name in ["POST /tasks/{taskId}/approve", "post /tasks/:id/approve", "POST /api/v1/tasks/{id}/approve"] {
            assert_eq!(faults.route(name).unwrap(), "POST /tasks/{taskId}/approve");
        }
        for name in ["GET /tasks/{taskId}/approve", "/tasks", "", "POST /tasks/{taskId}"] {
            assert!(faults.route(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_one_account_arms_is_bounded() {
        let (faults, me) = (Faults::new(Vec::new()), UserId::new());
        for _ in 0..MAX_PER_ACCOUNT {
            faults.arm(&me, armed("POST /tasks", FaultKind::Slow, 1)).unwrap();
        }
        assert!(faults.arm(&me, armed("POST /tasks", FaultKind::Slow, 1)).is_err());
        assert_eq!((faults.disarm(&me), faults.list(&me).len()), (MAX_PER_ACCOUNT, 0));
    }
}
