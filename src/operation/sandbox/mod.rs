//! What exists for test data only: its clock, putting all of it back, the humans it plays, and failures on demand (contract
//! §9, "The sandbox").
//!
//! No rule of business is bypassed or repeated here: time that is moved causes what the clock's thread would, and whoever
//! is played acts by the operations of everyone.

pub mod advance;
pub mod arm_fault;
pub mod autopilot;
pub mod clock;
pub mod drain;
pub mod fault;
pub mod fund;
pub mod human;
mod perform;
pub mod request;
pub mod reset;
pub mod simulate;
pub mod snapshot;
mod state;
mod step;
pub mod travel;

pub use state::Sandbox;
