//! Copies of the whole file.

use super::db::{OpenError, connect, create_private};
use rusqlite::OpenFlags;
use rusqlite::backup::Backup;
use std::path::Path;
use std::time::Duration;

const PAGES_PER_STEP: i32 = 1_000;

/// Copies one consistent moment of the database `from` to the new file `to` (mode 0600), while others use it.
pub fn backup_to(from: &Path, to: &Path) -> Result<(), OpenError> {
    if to.exists() {
        return Err(OpenError(format!("{} exists already; choose another name", to.display())));
    }
    let failed = |error: &dyn std::fmt::Display| OpenError(format!("cannot copy {} to {}: {error}", from.display(), to.display()));
    // With write access, so that the log of a server that was killed is read, too.
    let source = connect(from, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| failed(&error))?;
    create_private(to).map_err(|error| failed(&error))?;
    let mut target = rusqlite::Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| failed(&error))?;
    let backup = Backup::new(&source, &mut target).map_err(|error| failed(&error))?;
    backup.run_to_completion(PAGES_PER_STEP, Duration::ZERO, None).map_err(|error| failed(&error))
}

/// Refuses a file that is no sound database of ours.
pub fn check_file(path: &Path) -> Result<(), OpenError> {
    let refused = |reason: &dyn std::fmt::Display| OpenError(format!("{} is no backup of humans2ai: {reason}", path.display()));
    let conn = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| refused(&error))?;
    let check: String = conn.query_row("PRAGMA quick_check", [], |row| row.get(0)).map_err(|error| refused(&error))?;
    if check != "ok" {
        return Err(refused(&check));
    }
    conn.query_row("SELECT count(*) FROM account", [], |row| row.get::<_, i64>(0)).map_err(|error| refused(&error))?;
    Ok(())
}
