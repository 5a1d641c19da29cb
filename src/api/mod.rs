//! What the server offers: the REST routes on one page, the MCP tools on another, and the documents made from them.

pub mod mcp;
pub mod openapi;
mod responses;
pub mod rest;
mod schema;

use crate::http::dispatch::Dispatch;
use crate::http::front::{Handler, Refusal, Reply};
use mcp::Mcp;
use std::net::IpAddr;
use std::sync::Arc;

/// Answers every request: two languages for the same operations.
pub struct Api {
    pub rest: Dispatch,
    pub mcp: Arc<Mcp>,
}

impl Handler for Api {
    fn handle(&self, request: rouille::Request, reply: Reply) {
        if mcp::is_at(&request) {
            self.mcp.handle(request, reply);
        } else {
            self.rest.handle(request, reply);
        }
    }

    fn refuse(&self, peer: IpAddr, refusal: Refusal) -> rouille::Response {
        self.rest.refuse(peer, refusal)
    }
}
