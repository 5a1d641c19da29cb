//! `humans2ai backup` and `restore`.

use crate::server::StartError;
use crate::store::{backup_to, check_file, lock};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Copies the database to `file`, which must not exist: one consistent moment of it, beside a running server.
pub fn backup(data: &Path, file: &Path) -> Result<ExitCode, StartError> {
    backup_to(data, file)?;
    writeln!(io::stdout(), "{} is a copy of {}", file.display(), data.display())?;
    Ok(ExitCode::SUCCESS)
}

/// Checks `file` and puts a copy in the database's place; what was there is kept beside it.
pub fn restore(data: &Path, file: &Path) -> Result<ExitCode, StartError> {
    check_file(file)?;
    let _alone = lock(data)?;
    let incoming = with_suffix(data, ".restoring");
    if incoming.exists() {
        std::fs::remove_file(&incoming)?;
    }
    backup_to(file, &incoming)?;
    if data.exists() {
        let kept = with_suffix(data, &format!(".before-restore-{}", std::process::id()));
        // One file holds the last commits only after a checkpoint, which a copy does.
        backup_to(data, &kept)?;
        writeln!(io::stdout(), "the database that was there is kept as {}", kept.display())?;
    }
    for suffix in ["-wal", "-shm"] {
        let companion = with_suffix(data, suffix);
        if companion.exists() {
            std::fs::remove_file(companion)?;
        }
    }
    std::fs::rename(&incoming, data)?;
    writeln!(io::stdout(), "{} is restored from {}", data.display(), file.display())?;
    Ok(ExitCode::SUCCESS)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
