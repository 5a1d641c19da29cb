//! Plumbing between bytes and operations; the only room that knows rouille and hyper. It knows no endpoint.
//!
//! [`front`] reads whole requests off the sockets. [`dispatch`] matches the [`route`] of a REST request; a handler of a
//! higher floor may tell another way what is called. Either way the [`executor`] authenticates ([`auth`]), limits
//! ([`rate_limit`]), and runs the operation in one transaction with its [`idempotency`] key; [`response`] wraps what comes
//! of it, and its [`exchange`] sends it. Long polls spend their time in [`waiting`].

mod auth;
pub mod dispatch;
pub mod exchange;
pub mod executor;
pub mod front;
pub mod idempotency;
pub mod pool;
pub mod rate_limit;
pub mod request;
pub mod response;
pub mod route;
pub mod waiting;
