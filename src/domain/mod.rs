//! Pure values and rules: no SQL, no HTTP, no clock, no I/O.
//!
//! Everything above imports from here and nothing here imports from above. A value that exists is a valid one:
//! each type is made by its `parse` and cannot be wrong afterwards.

pub mod actor;
pub mod address;
pub mod clock;
pub mod entropy;
pub mod error;
pub mod event;
pub mod fault;
pub mod field;
pub mod id;
pub mod ledger;
pub mod money;
pub mod named;
pub mod persona;
pub mod risk;
pub mod secret;
pub mod task;
pub mod text;
pub mod time;
pub mod token;
pub mod webhook;

pub use error::{Error, Result};
