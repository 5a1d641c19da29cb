//! `humans2ai logs`: the requests of an account as the server answered them.

use super::client::Connection;
use crate::server::StartError;
use clap::{Args, Subcommand};
use serde::Deserialize;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

const WAIT_SECONDS: u32 = 25;
const PAUSE: Duration = Duration::from_secs(1);

/// See the requests of your account as a sandbox answered them
///
/// No bodies, no queries, no tokens: nothing secret is in them.
#[derive(Subcommand)]
pub enum Command {
    /// Print the last requests: time, method, path, status, error code, latency, request id
    Tail(Tail),
}

#[derive(Args)]
pub struct Tail {
    #[command(flatten)]
    connection: Connection,
    /// Go on printing requests as they come, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    requests: Vec<Answered>,
    next: i64,
    has_more: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    at: String,
    method: String,
    path: String,
    status: u16,
    error_code: Option<String>,
    fault: Option<String>,
    latency_ms: u64,
    request_id: String,
}

pub fn run(command: &Command) -> Result<ExitCode, StartError> {
    let Command::Tail(options) = command;
    let client = options.connection.client()?;
    if client.is_live() {
        return Err("requests are logged for test data only: give an sk_test_ key".into());
    }
    let (mut cursor, mut waiting) = (0, 0);
    loop {
        let page = match client.get::<Page>(&format!("/test/requests?after={cursor}&wait={waiting}")) {
            Ok(page) => page,
            Err(failure) if waiting > 0 && failure.passes_after().is_some() => {
                std::thread::sleep(failure.passes_after().unwrap_or_default().max(PAUSE));
                continue;
            }
            Err(failure) => return Err(failure.into()),
        };
        for request in &page.requests {
            print(request)?;
        }
        cursor = page.next;
        if !page.has_more {
            if !options.follow {
                return Ok(ExitCode::SUCCESS);
            }
            waiting = WAIT_SECONDS;
        }
    }
}

fn print(request: &Answered) -> io::Result<()> {
    let Answered { at, method, path, status, error_code, fault, latency_ms, request_id } = request;
    let code = error_code.as_deref().unwrap_or("-");
    let fault = fault.as_ref().map(|fault| format!(" (forced: {fault})")).unwrap_or_default();
    let mut stdout = io::stdout();
    writeln!(stdout, "{at} {method} {path} {status} {code} {latency_ms} ms {request_id}{fault}")?;
    stdout.flush()
}
