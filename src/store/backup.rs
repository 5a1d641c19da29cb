//! Copies of the whole file.

use super::db::{OpenError, connect, create_private};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

/// Copies one consistent moment of the database `from` to the new file `to` (mode 0600), while others use it.
///
/// The copy grows under another name and is whole when it gets its own.
pub fn backup_to(from: &Path, to: &Path) -> Result<(), OpenError> {
    if to.exists() {
        return Err(OpenError(format!("{} exists already; choose another name", to.display())));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copied = copy(from, &partial).and_then(|()| Ok(std::fs::rename(&partial, to)?));
    copied.map_err(|error| {
        // Nothing of a failed copy may be taken for a backup.
        let _ = std::fs::remove_file(&partial);
        OpenError(format!("cannot copy {} to {}: {error}", from.display(), to.display()))
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let source = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    create_private(to)?;
    let mut target = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // In one step: it reads one snapshot, which no writer waits for, where a copy in steps begins anew at each commit.
    Backup::new(&source, &mut target)?.step(-1)?;
    // A single file, without a log beside it.
    target.pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0))?;
    Ok(())
}

/// Refuses a file that is no sound database of ours.
pub fn check_file(path: &Path) -> Result<(), OpenError> {
    let refused = |reason: &dyn std::fmt::Display| OpenError(format!("{} is no backup of humans2ai: {reason}", path.display()));
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| refused(&error))?;
    let check: String = conn.query_row("PRAGMA quick_check", [], |row| row.get(0)).map_err(|error| refused(&error))?;
    if check != "ok" {
        return Err(refused(&check));
    }
    conn.query_row("SELECT count(*) FROM account", [], |row| row.get::<_, i64>(0)).map_err(|error| refused(&error))?;
    Ok(())
}
