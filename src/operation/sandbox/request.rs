//! The requests of a sandbox as they were answered: the last few thousand, in memory only, and nothing secret of them.

use crate::domain::Result;
use crate::domain::actor::Access;
use crate::domain::fault::FaultKind;
use crate::domain::field::{Whole, input};
use crate::domain::id::{RequestId, UserId};
use crate::domain::time::Timestamp;
use crate::operation::event::After;
use crate::operation::{Answer, Ctx, Operation, Watch};
use crate::store::ReadTx;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many are kept, of all accounts together.
const KEPT: usize = 4_096;

/// One request as it was answered.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedRequest {
    /// Strictly increasing, with gaps: others' requests are counted, too. A restart begins anew.
    pub seq: i64,
    pub at: Timestamp,
    pub method: &'static str,
    /// Without its query.
    pub path: String,
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What the sandbox was asked to make of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultKind>,
    pub latency_ms: u64,
    pub request_id: RequestId,
}

#[derive(Default)]
struct Ring {
    last: i64,
    requests: VecDeque<(UserId, LoggedRequest)>,
}

/// The last requests of test mode.
#[derive(Default)]
pub struct RequestLog(Mutex<Ring>);

impl RequestLog {
    /// Keeps the request and gives it its seq.
    pub fn push(&self, user: UserId, mut request: LoggedRequest) {
        let mut ring = self.ring();
        ring.last += 1;
        request.seq = ring.last;
        if ring.requests.len() >= KEPT {
            ring.requests.pop_front();
        }
        ring.requests.push_back((user, request));
    }

    /// The newest request's seq, anyone's; 0 before the first.
    fn last(&self) -> i64 {
        self.ring().last
    }

    /// The account's requests after `after`, oldest first, one more than `limit` at most.
    fn list(&self, user: &UserId, after: i64, limit: usize) -> Vec<LoggedRequest> {
        let ring = self.ring();
        let first = ring.requests.partition_point(|(_, request)| request.seq <= after);
        let own = ring.requests.range(first..).filter(|(owner, _)| owner == user);
        own.take(limit.saturating_add(1)).map(|(_, request)| request.clone()).collect()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

input! {
    pub struct ListRequestsInput {
        /// The next of an earlier answer; absent begins with the oldest request kept, latest with those to come.
        after as "after": Option<After>,
        /// How many requests to answer with, at most.
        limit as "limit": Whole<1, 100> = "100",
        /// Seconds to wait for a request if there is none.
        wait as "wait": Whole<0, 25> = "0",
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestsView {
    /// Oldest first.
    pub requests: Vec<LoggedRequest>,
    /// Pass it as `after` to go on.
    pub next: i64,
    /// Whether there are more already.
    pub has_more: bool,
}

pub struct ListRequests;

impl Operation for ListRequests {
    const NAME: &'static str = "list_requests";
    const DOC: &'static str = "Your last requests in test mode as they were answered, oldest first; wait makes it a long poll. Those of this list are not in it (sandbox).";
    const ACCESS: Access = Access::Sandbox;
    type Input = ListRequestsInput;
    type Output = RequestsView;
}

impl Watch for ListRequests {
    fn patience(input: &ListRequestsInput) -> Duration {
        Duration::from_secs(input.wait.0.into())
    }

    fn look(input: &mut ListRequestsInput, ctx: &Ctx, _: &ReadTx, last: bool) -> Result<Option<Answer<RequestsView>>> {
        let log = &ctx.services.requests;
        let newest = log.last();
        let after = match input.after {
            Some(After::Latest) => newest,
            // A cursor past the newest is of the time before a restart.
            Some(After::Seq(seq)) if seq <= newest => seq,
            _ => 0,
        };
        input.after = Some(After::Seq(after));
        let limit = usize::try_from(input.limit.0).unwrap_or(usize::MAX);
        let mut requests = log.list(ctx.user_id()?, after, limit);
        let has_more = requests.len() > limit;
        requests.truncate(limit);
        let next = if has_more { requests.last().map_or(after, |request| request.seq) } else { newest };
        let answer = last || !requests.is_empty();
        Ok(answer.then(|| RequestsView { requests, next, has_more }.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;

    #[test]
    fn the_log_is_bounded_and_each_accounts_own() {
        let (log, me, other) = (RequestLog::default(), UserId::new(), UserId::new());
        let request = || LoggedRequest {
            seq: 0,
            at: Timestamp::from_millis(0),
            method: "GET",
            path: "/tasks".into(),
            status: 200,
            error_code: None,
            fault: None,
            latency_ms: 0,
            request_id: RequestId::new(),
        };
        log.push(me.clone(), request());
        log.push(other.clone(), request());
        log.push(me.clone(), request());
        let seqs = |user, after| log.list(user, after, 10).iter().map(|request| request.seq).collect::<Vec<_>>();
        assert_eq!((seqs(&me, 0), seqs(&me, 1), seqs(&other, 0)), (vec![1, 3], vec![3], vec![2]));
        for _ in 0..KEPT {
            log.push(other.clone(), request());
        }
        assert_eq!((seqs(&me, 0), log.ring().requests.len()), (Vec::new(), KEPT));
    }
}
