//! Builds for tests only: ends the process before any one change, as a power switch would.
//!
//! No operation knows of it: SQLite tells of every statement that the writer runs, those of triggers and of the full text
//! included. While the file that `FAILPOINT` names is there, with a number in it, they are counted, and the process dies at
//! the one with that number.

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, Result};
use std::path::{Path, PathBuf};

/// Where the number is; this is the one variable that `config` does not read, because no server ever has it.
const VARIABLE: &str = "FAILPOINT";

/// Watches the statements of the writer's connection, if a test asks for it.
pub fn install(conn: &mut Connection) -> Result<()> {
    let Some(file) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return Ok(()) };
    let mut left: Option<u32> = None;
    let watch = move |event: TraceEvent<'_>| {
        if is_point(&event) {
            left = read(&file).map(|number| left.unwrap_or(number).saturating_sub(1));
            if left == Some(0) {
                std::process::abort();
            }
        }
    };
    conn.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT | TraceEventCodes::SQLITE_TRACE_PROFILE, Some(watch))
}

/// Before each statement that can change something, and after a commit, before anyone is told of it.
fn is_point(event: &TraceEvent<'_>) -> bool {
    match event {
        TraceEvent::Stmt(_, sql) => !["SELECT", "WITH", "-- SELECT"].iter().any(|reading| sql.trim_start().starts_with(reading)),
        TraceEvent::Profile(statement, _) => statement.sql() == "COMMIT",
        _ => false,
    }
}

fn read(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}
