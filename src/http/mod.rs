//! Plumbing between bytes and operations; the only room that knows rouille and hyper. It knows no endpoint.
//!
//! [`front`] reads whole requests off the sockets and hands them to [`dispatch`], which matches the [`route`],
//! authenticates ([`auth`]), limits ([`rate_limit`]), and runs the operation in one transaction with its
//! [`idempotency`] key; [`response`] wraps what comes of it. Long polls spend their time in [`waiting`].

mod auth;
pub mod dispatch;
pub mod front;
mod idempotency;
pub mod pool;
pub mod rate_limit;
mod request;
mod response;
pub mod route;
pub mod waiting;
