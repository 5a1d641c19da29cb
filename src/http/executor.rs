//! The part of the way that every caller of an operation goes: authenticate → scope → rate limit → one transaction.
//!
//! REST routes and MCP tools are two ways to name an operation; from here on they are one.

use super::auth::{Proof, authorize};
use super::idempotency::{IdempotencyKey, execute, execute_manual};
use super::pool::Pool;
use super::rate_limit::{Class, RateLimiter, Standing, Subject};
use super::request;
use super::response::Wire;
use super::waiting::{Visit, WaitingRoom};
use crate::domain::actor::{Access, Actor};
use crate::domain::fault::Fault;
use crate::domain::field::Arguments;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::operation::{Ctx, Effect, ManualWork, Rendered, Services, Spec, WatchWork, Work, WriteWork, wall};
use crate::store::{Db, View, WriteTx};
use std::net::IpAddr;
use std::sync::Arc;

pub const OVERLOADED: Error = Error::Unavailable("The server is overloaded; retry in a second");

/// Runs operations for callers.
pub struct Executor {
    pub db: Arc<Db>,
    pub services: Arc<Services>,
    pub limiter: RateLimiter,
    /// Where operations with slow work run, so that they never keep a thread from the quick ones.
    pub slow_lane: Pool,
    /// Where what can move test time runs, one after another.
    pub control_lane: Pool,
    /// Where long polls wait.
    pub waiting: Arc<WaitingRoom>,
}

/// Who calls, and the view of the data that shows them.
pub struct Caller {
    pub actor: Actor,
    view: View,
}

impl Caller {
    /// The caller, and the view where the operation may go on in it: the others are to look at newer data, or to wait.
    pub fn for_operation(self, spec: &Spec) -> (Actor, Option<View>) {
        (self.actor, (spec.effect == Effect::Read).then_some(self.view))
    }
}

/// An operation, admitted and not yet run.
pub struct Call {
    pub spec: &'static Spec,
    /// Method and path of a REST call: faults are armed by them.
    pub route: Option<(&'static str, &'static str)>,
    /// The status of success.
    pub status: u16,
    pub arguments: Arguments,
    pub key: Option<IdempotencyKey>,
    pub ctx: Ctx,
    /// Where a read goes on, so that it sees the data that admitted its caller; it opens its own otherwise.
    pub view: Option<View>,
}

impl Executor {
    pub fn client_address(&self, request: &rouille::Request) -> IpAddr {
        request::client_address(request, &self.services.config.server.trusted_proxies)
    }

    /// Where an address stands that has not been counted.
    pub fn standing(&self, address: IpAddr) -> Standing {
        self.limiter.peek(Subject::address(address), Class::Unproven, wall())
    }

    /// The caller; one that cannot be told counts against their address.
    pub fn authenticate(&self, request: &rouille::Request, address: IpAddr, standing: &mut Standing) -> Result<Caller> {
        self.find_caller(request).or_else(|error| {
            self.count_address(address, Class::Unproven, standing)?;
            Err(error)
        })
    }

    fn find_caller(&self, request: &rouille::Request) -> Result<Caller> {
        let proof = Proof::of(request, &self.services)?;
        let view = self.db.view()?;
        let actor = proof.find_actor(&view.tx()?, &self.services)?;
        Ok(Caller { actor, view })
    }

    /// Refuses a caller without the scope or role, and one over the limit of the class.
    pub fn admit(&self, actor: &Actor, spec: &Spec, class: Class, standing: &mut Standing) -> Result<()> {
        let subject = Subject::Account(actor.user_id.clone(), actor.mode);
        let now = self.services.clocks.now(actor.mode);
        if let Err(error) = authorize(actor, spec, self.services.config.server.mode) {
            *standing = self.limiter.peek(subject, class, now);
            return Err(error);
        }
        self.count(subject, class, now, standing)
    }

    pub fn count_address(&self, address: IpAddr, class: Class, standing: &mut Standing) -> Result<()> {
        self.count(Subject::address(address), class, wall(), standing)
    }

    pub fn count(&self, subject: Subject, class: Class, now: Timestamp, standing: &mut Standing) -> Result<()> {
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

    /// What an operation of this caller runs in.
    pub fn ctx(&self, actor: Option<Actor>) -> Ctx {
        let mode = actor.as_ref().map_or(self.services.config.server.mode, |actor| actor.mode);
        Ctx { actor, mode, now: self.services.clocks.now(mode), fault: None, services: Arc::clone(&self.services) }
    }

    /// Runs the call and hands what came of it to `done`, with what its caller asked it to suffer, now or later: on the
    /// writer's thread too, so it must be quick.
    pub fn run(&self, call: Call, done: impl FnOnce(Result<Wire>, Option<Fault>) + Send + 'static) {
        let Call { spec, route, status, arguments, key, mut ctx, view } = call;
        let prepared = (spec.prepare)(&arguments).and_then(|work| {
            ctx.fault = self.find_fault(spec, route, &arguments, &ctx)?;
            Ok(work)
        });
        let fault = ctx.fault;
        let done = move |result| done(result, fault);
        // One that turned out invalid, or that waits, must not hold it while it looks for itself.
        let view = view.filter(|_| matches!(prepared, Ok(Work::Read(_))));
        match prepared {
            Err(invalid) => done(self.refuse_invalid(&ctx, key.as_ref(), invalid)),
            Ok(Work::Read(work)) => {
                let rendered = view.map_or_else(|| self.db.view(), Ok).and_then(|view| work(&ctx, &view.tx()?));
                done(rendered.map(|rendered| Wire::success(status, &rendered)));
            }
            Ok(Work::Watch(work)) => self.watch(status, ctx, work, done),
            Ok(Work::Write(work)) => self.write(status, ctx, key, work, done),
            Ok(Work::Manual(work)) => self.run_slowly(spec, status, ctx, key, work, done),
        }
    }

    /// What the caller of a sandbox asked this call to suffer, by its values or before it.
    fn find_fault(
        &self,
        spec: &Spec,
        route: Option<(&'static str, &'static str)>,
        arguments: &Arguments,
        ctx: &Ctx,
    ) -> Result<Option<Fault>> {
        let Some(actor) = ctx.actor.as_ref().filter(|actor| !actor.mode.is_live()) else { return Ok(None) };
        let asked = (spec.magic)(arguments)?.map(Fault::of);
        Ok(asked.or_else(|| route.and_then(|(method, path)| self.services.faults.take(&actor.user_id, method, path))))
    }

    /// Answers with what there is, or once there is something; nobody's thread waits meanwhile.
    fn watch(&self, status: u16, ctx: Ctx, work: WatchWork, done: impl FnOnce(Result<Wire>) + Send + 'static) {
        let answer = move |result: Result<Rendered>| done(result.map(|rendered| Wire::success(status, &rendered)));
        self.waiting.wait(Visit { ctx, work, answer: Box::new(answer) });
    }

    /// An invalid request, unless its key was another request's: the key is looked up before validation.
    fn refuse_invalid(&self, ctx: &Ctx, key: Option<&IdempotencyKey>, invalid: Error) -> Result<Wire> {
        if let Some(key) = key {
            self.db.read(|tx| key.replay(ctx, tx))?;
        }
        Err(invalid)
    }

    fn write(
        &self,
        status: u16,
        mut ctx: Ctx,
        key: Option<IdempotencyKey>,
        work: WriteWork,
        done: impl FnOnce(Result<Wire>) + Send + 'static,
    ) {
        let reviewed = work(&ctx);
        let job = move |tx: &WriteTx| {
            // The writer's order is the order of time.
            ctx.refresh();
            execute(tx, &ctx, key.as_ref(), status, reviewed)
        };
        self.db.submit(job, done);
    }

    fn run_slowly(
        &self,
        spec: &Spec,
        status: u16,
        ctx: Ctx,
        key: Option<IdempotencyKey>,
        work: ManualWork,
        done: impl FnOnce(Result<Wire>) + Send + 'static,
    ) {
        let db = Arc::clone(&self.db);
        let of_sandbox = matches!(spec.access, Access::Sandbox | Access::SandboxControl);
        let lane = if of_sandbox { &self.control_lane } else { &self.slow_lane };
        lane.run(move |place| {
            done(place.map_err(|_| OVERLOADED).and_then(|()| execute_manual(&db, ctx, key, status, work)));
        });
    }
}
