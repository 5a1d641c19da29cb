//! The MCP endpoint: the operations as tools, in three dialects told apart by the body.
//!
//! A request passes the [`guard`], its body is taken apart into [`message`]s, and each is answered in its turn: in the
//! [`documented`] form, or as JSON-RPC ([`rpc`]) in one of two [`era`]s. Whatever the dialect, a tool's [`call`] is run by
//! the executor that runs REST's, and its [`result`] is made from REST's envelope. No rule of the market is written here.

mod call;
mod catalog;
pub mod document;
mod documented;
mod era;
mod failure;
mod guard;
mod message;
mod result;
mod rpc;
mod talk;
mod tool;
mod tools;

use crate::domain::Error;
use crate::http::exchange::Exchange;
use crate::http::executor::{Call, Executor, OVERLOADED};
use crate::http::front::Reply;
use crate::http::response::Wire;
use crate::http::route::BASE;
pub use era::headers;

use catalog::Catalog;
use era::Era;
use failure::Failure;
use guard::Guard;
use message::Body;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use talk::Talk;

/// The endpoint's path; below the base and, for short, without it.
pub const PATH: &str = "/mcp";

/// Whether the request is for this endpoint.
pub fn is_at(request: &rouille::Request) -> bool {
    let path = request.raw_url().split('?').next().unwrap_or_default();
    let path = path.strip_suffix('/').unwrap_or(path);
    path == PATH || path.strip_prefix(BASE) == Some(PATH)
}

pub struct Mcp {
    executor: Arc<Executor>,
    catalog: Catalog,
    guard: Guard,
}

/// What is to be done for one message.
enum Step {
    /// It is answered; a notification with nothing.
    Answer(Option<Wire>),
    /// An operation is to be run.
    Run(Box<Call>, Finish),
}

/// Tells what came of an operation in the message's own dialect.
type Finish = Box<dyn FnOnce(&Talk, Result<Wire, Error>) -> Wire + Send>;

impl Mcp {
    /// The endpoint of a server that listens on `address`.
    pub fn new(executor: Arc<Executor>, address: SocketAddr) -> Arc<Self> {
        let config = &executor.services.config;
        let (catalog, guard) = (Catalog::new(config.mcp.extended), Guard::new(address, &config.server.public_url));
        Arc::new(Mcp { executor, catalog, guard })
    }

    pub fn handle(self: &Arc<Self>, request: rouille::Request, reply: Reply) {
        let address = self.executor.client_address(&request);
        let exchange = Exchange::new(self.executor.standing(address), reply);
        let mut talk = Talk::new(request, address, exchange);
        let body = match self.guard.admit(&talk.request).and_then(|()| talk.read_body()) {
            Ok(bytes) => message::read(&bytes, &talk.request),
            Err(error) => {
                let error = self.count(&mut talk).err().unwrap_or(error);
                return talk.end(Wire::error(&error));
            }
        };
        match body {
            Ok(Body::Documented(object)) => self.answer_documented(talk, object),
            Ok(Body::One(message)) => self.proceed(talk, VecDeque::from([message]), Vec::new()),
            Ok(Body::Batch(messages)) => {
                talk.batched = true;
                self.proceed(talk, messages.into(), Vec::new());
            }
            Err(failure) => {
                let failure = self.count(&mut talk).err().map_or(failure, Failure::Refused);
                talk.end(failure.alone());
            }
        }
    }

    fn answer_documented(&self, mut talk: Talk, object: Map<String, Value>) {
        match self.documented(&mut talk, object) {
            Step::Answer(answer) => talk.finish(answer.into_iter().collect()),
            Step::Run(call, finish) => self.executor.run(*call, move |result, _| {
                let answer = finish(&talk, result);
                talk.end(answer);
            }),
        }
    }

    /// Answers the messages in their order, each when the one before is done.
    fn proceed(self: &Arc<Self>, mut talk: Talk, mut messages: VecDeque<Value>, mut answers: Vec<Wire>) {
        while let Some(message) = messages.pop_front() {
            match self.message(&mut talk, message) {
                Step::Answer(answer) => answers.extend(answer),
                Step::Run(call, finish) => {
                    let mcp = Arc::clone(self);
                    return self.executor.run(*call, move |result, _| {
                        answers.push(finish(&talk, result));
                        mcp.go_on(talk, messages, answers);
                    });
                }
            }
        }
        talk.finish(answers);
    }

    /// Goes on with what is left of a batch, away from the thread that told of its last operation.
    fn go_on(self: Arc<Self>, talk: Talk, messages: VecDeque<Value>, answers: Vec<Wire>) {
        if messages.is_empty() {
            return talk.finish(answers);
        }
        let mcp = Arc::clone(&self);
        self.executor.slow_lane.run(move |place| {
            if place.is_ok() {
                return mcp.proceed(talk, messages, answers);
            }
            let overloaded = |id| Failure::Refused(OVERLOADED).answer(Era::Legacy, &id);
            let refused = messages.into_iter().filter_map(message::request_id).map(overloaded);
            talk.finish(answers.into_iter().chain(refused).collect());
        });
    }
}
