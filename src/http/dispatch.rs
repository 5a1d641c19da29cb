//! The REST way through: match the route, then authenticate → scope → rate limit → one transaction → envelope.

use super::exchange::{Exchange, refusal};
use super::executor::{Call, Executor, OVERLOADED};
use super::front::{Handler, Refusal, Reply};
use super::idempotency::IdempotencyKey;
use super::rate_limit::Class;
use super::request;
use super::response::Wire;
use super::route::{self, BASE, Route};
use crate::domain::actor::Access;
use crate::domain::field::Arguments;
use crate::domain::id::{Id, RequestId};
use crate::domain::{Error, Result};
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

pub type LazyDocument = LazyLock<Vec<u8>, Box<dyn FnOnce() -> Vec<u8> + Send>>;

/// Answers the requests of a table of routes.
pub struct Dispatch {
    pub executor: Arc<Executor>,
    pub routes: &'static [Route],
    /// A document served as it is: its path below the base, and its JSON, made when it is first asked for.
    pub document: (&'static str, LazyDocument),
}

impl Handler for Dispatch {
    fn handle(&self, request: rouille::Request, reply: Reply) {
        let address = self.executor.client_address(&request);
        let mut exchange = Exchange::new(self.executor.standing(address), reply);
        match self.admit(&request, address, &mut exchange) {
            Ok(Some(call)) => self.executor.run(call, |result, fault| exchange.suffer(fault).answer(result)),
            Ok(None) => exchange.answer(Ok(Wire { status: 200, body: self.document.1.clone(), headers: Vec::new() })),
            Err(error) => exchange.answer(Err(error)),
        }
    }

    fn refuse(&self, peer: IpAddr, reason: Refusal) -> rouille::Response {
        let error = match reason {
            Refusal::BadRequest(reason) => Error::validation(reason),
            Refusal::HeadTooLarge => Error::HeadTooLarge,
            Refusal::RequestTimeout => Error::RequestTimeout,
            Refusal::PayloadTooLarge => Error::PayloadTooLarge,
            Refusal::Overloaded => OVERLOADED,
            Refusal::Internal => Error::internal("a request's thread panicked or dropped it"),
        };
        let id = RequestId::new();
        refusal(&id, &error).into_response(&id, &self.executor.standing(peer))
    }
}

impl Dispatch {
    /// Everything that can refuse a request before its transaction; `None` is a request for the document.
    fn admit(&self, request: &rouille::Request, address: IpAddr, exchange: &mut Exchange) -> Result<Option<Call>> {
        let executor = &self.executor;
        let path = request.raw_url().split('?').next().unwrap_or_default();
        let is_document = path.strip_prefix(BASE) == Some(self.document.0) && matches!(request.method(), "GET" | "HEAD");
        if is_document {
            executor.count_address(address, Class::Default, &mut exchange.standing)?;
            return Ok(None);
        }
        let (route, path_values) = match route::find(self.routes, request.method(), path) {
            Ok(found) => found,
            Err(error) => {
                executor.count_address(address, Class::Unproven, &mut exchange.standing)?;
                return Err(error);
            }
        };
        let (actor, view) = if route.spec.access == Access::Public {
            executor.count_address(address, route.class, &mut exchange.standing)?;
            (None, None)
        } else {
            let (actor, view) = executor.authenticate(request, address, &mut exchange.standing)?.for_operation(&route.spec);
            if !actor.mode.is_live() && !route.untraced {
                exchange.trace(actor.user_id.clone(), route, path, &executor.services);
            }
            executor.admit(&actor, &route.spec, route.class, &mut exchange.standing)?;
            (Some(actor), view)
        };
        let ctx = executor.ctx(actor);
        let body = if matches!(request.method(), "POST" | "PATCH" | "PUT") { request::body(request)? } else { Map::new() };
        let key = if ctx.actor.is_some() { IdempotencyKey::of(request, path, &body)? } else { None };
        let arguments = arguments(route, path_values, request, body);
        Ok(Some(Call { spec: &route.spec, route: Some((route.method, route.path)), status: route.status, arguments, key, ctx, view }))
    }
}

fn arguments(route: &Route, mut texts: Vec<(String, String)>, request: &rouille::Request, mut body: Map<String, Value>) -> Arguments {
    for (name, _) in &texts {
        body.remove(name);
    }
    if route.method == "GET" {
        let in_path: Vec<_> = route.path_names().collect();
        texts.extend(request::query(request).into_iter().filter(|(name, _)| !in_path.contains(&name.as_str())));
    }
    Arguments { texts, body }
}
