//! The commands of those who build against a running server. They need nothing of a server's own configuration.

use super::{listen, logs, seed, trigger};
use crate::server::StartError;
use clap::Subcommand;
use std::process::ExitCode;

/// What each is for stands with its options.
#[derive(Subcommand)]
pub enum Command {
    Listen(listen::Options),
    Trigger(trigger::Options),
    #[command(subcommand)]
    Logs(logs::Command),
    Seed(seed::Options),
}

pub fn run(command: &Command) -> Result<ExitCode, StartError> {
    match command {
        Command::Listen(options) => listen::run(options),
        Command::Trigger(options) => trigger::run(options),
        Command::Logs(command) => logs::run(command),
        Command::Seed(options) => seed::run(options),
    }
}
