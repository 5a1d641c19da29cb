//! One way through: route → authenticate → scope → rate limit → one transaction → envelope.

use super::auth::{authenticate, authorize};
use super::front::{Handler, Refusal, Reply};
use super::idempotency::{IdempotencyKey, execute};
use super::pool::Pool;
use super::rate_limit::{Class, RateLimiter, Standing, Subject};
use super::request;
use super::response::Wire;
use super::route::{self, BASE, Route};
use super::waiting::{Visit, WaitingRoom};
use crate::domain::actor::{Access, Actor};
use crate::domain::field::Arguments;
use crate::domain::id::{Id, RequestId};
use crate::domain::{Error, Result};
use crate::operation::{self, Ctx, ManualWork, Rendered, Services, WatchWork, Work, WriteWork, wall};
use crate::store::{Db, WriteTx};
use std::net::IpAddr;
use std::sync::Arc;

const OVERLOADED: &str = "The server is overloaded; retry in a second";

/// Answers every request of the API.
pub struct Dispatch {
    pub db: Arc<Db>,
    pub services: Arc<Services>,
    pub routes: &'static [Route],
    /// A document served as it is: its path below the base, and its JSON.
    pub document: (&'static str, Vec<u8>),
    pub limiter: RateLimiter,
    /// Where operations with slow work run, so that they never keep a thread from the quick ones.
    pub slow_lane: Pool,
    /// Where long polls wait.
    pub waiting: Arc<WaitingRoom>,
}

/// One request on its way to its answer.
struct Exchange {
    id: RequestId,
    standing: Standing,
    reply: Reply,
}

impl Exchange {
    fn answer(self, result: Result<Wire>) {
        let wire = result.unwrap_or_else(|error| {
            if let Error::Internal(internal) = &error {
                log::error!("{}: {internal:?}", self.id);
            }
            Wire::error(&error)
        });
        log::debug!("{}: answered {}", self.id, wire.status);
        self.reply.send(wire.into_response(&self.id, &self.standing));
    }
}

/// What was found out about a request before its transaction.
struct Call {
    route: &'static Route,
    arguments: Arguments,
    key: Result<Option<IdempotencyKey>>,
    ctx: Ctx,
}

impl Handler for Dispatch {
    fn handle(&self, request: rouille::Request, reply: Reply) {
        let address = request::client_address(&request, &self.services.config.server.trusted_proxies);
        let standing = self.limiter.peek(Subject::address(address), Class::Unproven, wall());
        let mut exchange = Exchange { id: RequestId::new(), standing, reply };
        match self.admit(&request, address, &mut exchange.standing) {
            Ok(Some(call)) => self.run(call, exchange),
            Ok(None) => exchange.answer(Ok(Wire { status: 200, body: self.document.1.clone(), headers: Vec::new() })),
            Err(error) => exchange.answer(Err(error)),
        }
    }

    fn refuse(&self, peer: IpAddr, refusal: Refusal) -> rouille::Response {
        let error = match refusal {
            Refusal::BadRequest(reason) => Error::validation(reason),
            Refusal::HeadTooLarge => Error::HeadTooLarge,
            Refusal::RequestTimeout => Error::RequestTimeout,
            Refusal::PayloadTooLarge => Error::PayloadTooLarge,
            Refusal::Overloaded => Error::Unavailable(OVERLOADED),
            Refusal::Internal => Error::internal("a request's thread panicked or dropped it"),
        };
        let id = RequestId::new();
        if let Error::Internal(internal) = &error {
            log::error!("{id}: {internal:?}");
        }
        Wire::error(&error).into_response(&id, &self.limiter.peek(Subject::address(peer), Class::Unproven, wall()))
    }
}

impl Dispatch {
    /// Everything that can refuse a request before its transaction; `None` is a request for the document.
    fn admit(&self, request: &rouille::Request, address: IpAddr, standing: &mut Standing) -> Result<Option<Call>> {
        let path = request.raw_url().split('?').next().unwrap_or_default();
        let is_document = path.strip_prefix(BASE) == Some(self.document.0) && matches!(request.method(), "GET" | "HEAD");
        if is_document {
            self.count(Subject::address(address), Class::Default, wall(), standing)?;
            return Ok(None);
        }
        let by_address = |class, standing: &mut Standing| self.count(Subject::address(address), class, wall(), standing);
        let (route, path_values) = match route::find(self.routes, request.method(), path) {
            Ok(found) => found,
            Err(error) => {
                by_address(Class::Unproven, standing)?;
                return Err(error);
            }
        };
        let actor = if route.spec.access == Access::Public {
            by_address(route.class, standing)?;
            None
        } else {
            Some(self.admit_actor(request, route, by_address, standing)?)
        };
        let mode = actor.as_ref().map_or(self.services.config.server.mode, |actor| actor.mode);
        let ctx = Ctx { actor, mode, now: operation::now(mode), services: Arc::clone(&self.services) };
        let body = if matches!(request.method(), "POST" | "PATCH" | "PUT") { request::body(request)? } else { serde_json::Map::new() };
        let key = if ctx.actor.is_some() { IdempotencyKey::of(request, path, &body) } else { Ok(None) };
        Ok(Some(Call { route, arguments: arguments(route, path_values, request, body), key, ctx }))
    }

    /// The caller; one that cannot be told, or may not, counts against their address.
    fn admit_actor(
        &self,
        request: &rouille::Request,
        route: &Route,
        by_address: impl FnOnce(Class, &mut Standing) -> Result<()>,
        standing: &mut Standing,
    ) -> Result<Actor> {
        let actor = match authenticate(request, &self.db, &self.services) {
            Ok(actor) => actor,
            Err(error) => {
                by_address(Class::Unproven, standing)?;
                return Err(error);
            }
        };
        let subject = Subject::Account(actor.user_id.clone(), actor.mode);
        let now = operation::now(actor.mode);
        if let Err(error) = authorize(&actor, &route.spec) {
            *standing = self.limiter.peek(subject, route.class, now);
            return Err(error);
        }
        self.count(subject, route.class, now, standing)?;
        Ok(actor)
    }

    fn count(&self, subject: Subject, class: Class, now: crate::domain::time::Timestamp, standing: &mut Standing) -> Result<()> {
        match self.limiter.count(subject, class, now) {
            Ok(counted) => {
                *standing = counted;
                Ok(())
            }
            Err(exceeded) => {
                *standing = exceeded.standing;
                Err(Error::RateLimited { retry_after_seconds: exceeded.retry_after_seconds })
            }
        }
    }

    fn run(&self, call: Call, exchange: Exchange) {
        let Call { route, arguments, key, ctx } = call;
        let key = match key {
            Ok(key) => key,
            Err(error) => return exchange.answer(Err(error)),
        };
        match (route.spec.prepare)(&arguments) {
            Err(invalid) => exchange.answer(self.refuse_invalid(&ctx, key.as_ref(), invalid)),
            Ok(Work::Read(work)) => {
                exchange.answer(self.db.read(|tx| work(&ctx, tx)).map(|rendered| Wire::success(route.status, &rendered)));
            }
            Ok(Work::Watch(work)) => self.watch(route.status, ctx, work, exchange),
            Ok(Work::Write(work)) => self.write(route.status, ctx, key, work, exchange),
            Ok(Work::Manual(work)) => self.run_slowly(route.status, ctx, work, exchange),
        }
    }

    /// Answers with what there is, or once there is something; nobody's thread waits meanwhile.
    fn watch(&self, status: u16, ctx: Ctx, work: WatchWork, exchange: Exchange) {
        let answer = move |result: Result<Rendered>| exchange.answer(result.map(|rendered| Wire::success(status, &rendered)));
        self.waiting.wait(Visit { ctx, work, answer: Box::new(answer) });
    }

    /// An invalid request, unless its key was another request's: the key is looked up before validation.
    fn refuse_invalid(&self, ctx: &Ctx, key: Option<&IdempotencyKey>, invalid: Error) -> Result<Wire> {
        if let Some(key) = key {
            self.db.read(|tx| key.replay(ctx, tx))?;
        }
        Err(invalid)
    }

    fn write(&self, status: u16, mut ctx: Ctx, key: Option<IdempotencyKey>, work: WriteWork, exchange: Exchange) {
        let reviewed = work(&ctx);
        let job = move |tx: &WriteTx| {
            // The writer's order is the order of time.
            ctx.now = operation::now(ctx.mode);
            execute(tx, &ctx, key.as_ref(), status, reviewed)
        };
        self.db.submit(job, |result| exchange.answer(result));
    }

    fn run_slowly(&self, status: u16, ctx: Ctx, work: ManualWork, exchange: Exchange) {
        let db = Arc::clone(&self.db);
        self.slow_lane.run(move |place| {
            let result = place.map_err(|_| Error::Unavailable(OVERLOADED)).and_then(|()| work(&ctx, &db));
            exchange.answer(result.map(|rendered| Wire::success(status, &rendered)));
        });
    }
}

fn arguments(
    route: &Route,
    mut texts: Vec<(String, String)>,
    request: &rouille::Request,
    mut body: serde_json::Map<String, serde_json::Value>,
) -> Arguments {
    for (name, _) in &texts {
        body.remove(name);
    }
    if route.method == "GET" {
        let in_path: Vec<_> = route.path_names().collect();
        texts.extend(request::query(request).into_iter().filter(|(name, _)| !in_path.contains(&name.as_str())));
    }
    Arguments { texts, body }
}
