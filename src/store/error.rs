//! What SQLite's failures mean to a caller.

use crate::domain::Error;
use rusqlite::ErrorCode;

const DISK: &str = "The server cannot write its database just now (disk full or not writable); retry later";
const BUSY: &str = "The database is busy; retry in a moment";

/// A machine's trouble is temporary (503); anything else is a defect (500).
impl From<rusqlite::Error> for Error {
    #[track_caller]
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
                log::error!("database: {error}; free space on its disk and check its permissions");
                Error::Unavailable(DISK)
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                log::warn!("database: {error}; another process holds its lock");
                Error::Unavailable(BUSY)
            }
            _ => Error::internal(error),
        }
    }
}
