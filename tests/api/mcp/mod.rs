//! /mcp

mod client;

mod documented;
mod hostile;
mod http;
mod legacy;
mod limits;
mod modern;
mod stdio;
mod tools;
