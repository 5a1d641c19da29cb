//! What the server offers: the REST routes on one page, and the documents made from them.

pub mod openapi;
pub mod rest;
