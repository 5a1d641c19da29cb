//! `humans2ai backup` and `restore`.

use crate::operation::wall;
use crate::server::StartError;
use crate::store::{Db, backup_to, check_file, lock};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a database consists of, its log first.
const FILES: [&str; 3] = ["-wal", "-shm", ""];

/// Copies the database to `file`, which must not exist: one consistent moment of it, beside a running server.
pub fn backup(data: &Path, file: &Path) -> Result<ExitCode, StartError> {
    backup_to(data, file)?;
    writeln!(io::stdout(), "{} is a copy of {}", file.display(), data.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Checks `file` and puts a copy in the database's place; what was there, sound or damaged, is kept beside it.
///
/// Whoever follows the events learns that what came after the backup is undone: their cursors have expired.
pub fn restore(data: &Path, file: &Path) -> Result<ExitCode, StartError> {
    check_file(file)?;
    let _alone = lock(data)?;
    let incoming = with_suffix(data, ".restoring");
    // A restore that was cut off may have left it, and a log that must not be taken for the next one's.
    remove(&incoming)?;
    backup_to(file, &incoming)?;
    if let Err(error) = prepare(&incoming) {
        remove(&incoming)?;
        return Err(format!("{} cannot be restored, nothing was changed: {error}", file.display()).into());
    }
    if data.exists() {
        let kept = set_aside(data)?;
        writeln!(io::stdout(), "the database that was there is kept as {}", kept.display())?;
    }
    std::fs::rename(&incoming, data)?;
    sync_directory(data)?;
    writeln!(io::stdout(), "{} is restored from {}", data.display(), file.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Brings the copy up to this version, and what it tells of the time before it.
fn prepare(incoming: &Path) -> Result<(), StartError> {
    Db::open(incoming)?.write(|tx| tx.renumber_events(wall()))?;
    // Closing it folds the log in, if there is room.
    if with_suffix(incoming, FILES[0]).exists() {
        return Err("the copy could not be written whole; make room on its disk and try again".into());
    }
    Ok(())
}

fn remove(database: &Path) -> io::Result<()> {
    for part in FILES.map(|suffix| with_suffix(database, suffix)) {
        if part.exists() {
            std::fs::remove_file(part)?;
        }
    }
    Ok(())
}

/// Renames the database with its log, so that the two stay together and a damaged one is kept as it is.
fn set_aside(data: &Path) -> io::Result<PathBuf> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let kept = with_suffix(data, &format!(".before-restore-{seconds}"));
    for suffix in FILES {
        let part = with_suffix(data, suffix);
        if part.exists() {
            std::fs::rename(part, with_suffix(&kept, suffix))?;
        }
    }
    Ok(kept)
}

/// A rename is on disk only when its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(parent)?.sync_all()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
