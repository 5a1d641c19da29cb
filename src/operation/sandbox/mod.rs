//! What exists for test data only: its clock, and putting all of it back (contract §9, "The sandbox").
//!
//! No rule of business is bypassed or repeated here: time that is moved causes what the clock's thread would.

pub mod advance;
pub mod clock;
pub mod drain;
pub mod fund;
pub mod reset;
pub mod snapshot;
mod state;
pub mod travel;

pub use state::Sandbox;
