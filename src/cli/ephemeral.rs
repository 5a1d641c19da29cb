//! `--ephemeral`: a server as a test's fixture, with accounts and keys ready.

use super::serve::wait_until_stopped;
use crate::config::Config;
use crate::fixture::Fixture;
use crate::server::StartError;
use serde_json::json;
use std::io::{self, Write};
use std::process::ExitCode;

pub fn run(config: Config, seed: Option<u64>) -> Result<ExitCode, StartError> {
    let fixture = Fixture::start(config, seed)?;
    let line = json!({
        "url": fixture.url(),
        "mode": fixture.server().mode(),
        "database": fixture.server().database(),
        "pid": std::process::id(),
        "agent": fixture.agent,
        "human": fixture.human,
        "operator": fixture.operator,
    });
    writeln!(io::stdout(), "{line}")?;
    wait_until_stopped(true)?;
    Ok(ExitCode::SUCCESS)
}
