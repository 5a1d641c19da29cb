//! The file: opening it, its connections, and who may use them.

use super::migrate;
use super::told::{Listeners, Told};
use super::tx::{ReadTx, WriteTx};
use super::view::{Readers, View};
use super::writer::{QueueFull, Writer};
use crate::domain::entropy::Entropy;
use crate::domain::{Error, Result};
use crossbeam_channel::bounded;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The first SQLite whose WAL cannot lose a commit to a reset race.
const MIN_SQLITE_VERSION: i32 = 3_051_003;
const OVERLOADED: &str = "The server is overloaded; retry in a second";

/// The open database.
pub struct Db {
    // Closed before the writer, which then is the last and can fold the log into the file.
    readers: Readers,
    writer: Writer,
    listeners: Arc<Listeners>,
    entropy: Arc<Entropy>,
    path: PathBuf,
    /// Held by a server for as long as it runs.
    _lock: Option<File>,
}

/// How long what is written has to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Through a power cut: an answer waits for the disk.
    OnDisk,
    /// As long as the machine runs: nothing waits for the disk.
    WithTheProcess,
}

/// Why a database was not opened, with what to do about it.
#[derive(Debug)]
pub struct OpenError(pub String);

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

impl Db {
    /// Opens or makes (mode 0600) the file as its only server: a second one is refused.
    pub fn open_exclusive(path: &Path, max_batch: usize, lasting: Lasting, entropy: Arc<Entropy>) -> Result<Self, OpenError> {
        let lock = lock(path)?;
        Self::open_with(path, max_batch, lasting, entropy, Some(lock))
    }

    /// Opens or makes the file beside whoever else has it open: for the command line.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, 1, Lasting::OnDisk, Arc::new(Entropy::system()), None)
    }

    fn open_with(path: &Path, max_batch: usize, lasting: Lasting, entropy: Arc<Entropy>, lock: Option<File>) -> Result<Self, OpenError> {
        let failed = |action: &str, error: &dyn std::fmt::Display| {
            OpenError(format!("cannot {action} the database {}: {error}{}", path.display(), advice(&error.to_string())))
        };
        if rusqlite::version_number() < MIN_SQLITE_VERSION {
            return Err(OpenError(format!("SQLite {} is too old; build with the bundled one", rusqlite::version())));
        }
        create_private(path).map_err(|error| failed("create", &error))?;
        let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| failed("open", &error))?;
        if lasting == Lasting::WithTheProcess {
            conn.pragma_update(None, "synchronous", "off").map_err(|error| failed("open", &error))?;
        }
        migrate::migrate(&mut conn).map_err(|error| failed("prepare", &error))?;
        #[cfg(feature = "failpoints")]
        super::failpoint::install(&mut conn).map_err(|error| failed("watch", &error))?;
        let path = path.canonicalize().map_err(|error| failed("find", &error))?;
        let readers = Readers::open(|| connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)).map_err(|error| failed("open", &error))?;
        let listeners = Arc::new(Listeners::default());
        let writer =
            Writer::start(conn, max_batch, Arc::clone(&listeners), Arc::clone(&entropy)).map_err(|error| failed("serve", &error))?;
        Ok(Db { writer, readers, listeners, entropy, path, _lock: lock })
    }

    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the ids and secrets of its rows come from.
    pub fn entropy(&self) -> &Arc<Entropy> {
        &self.entropy
    }

    /// Calls `listener` after each commit that leaves something new, on the writer's thread: it must be quick.
    pub fn on_commit(&self, listener: impl Fn(&Told) + Send + 'static) {
        self.listeners.add(Box::new(listener));
    }

    /// Commits so far, for [`Db::await_commit`].
    pub fn commits(&self) -> u64 {
        self.listeners.commits()
    }

    /// Waits for a commit after the first `seen`; whether one came in time.
    pub fn await_commit(&self, seen: u64, patience: Duration) -> bool {
        self.listeners.await_commit(seen, patience)
    }

    /// Lets those who wait for a commit look again.
    pub fn wake(&self) {
        self.listeners.wake();
    }

    /// A consistent view of what is committed by now; it waits for no writer, and must not be held while it is asked for
    /// another.
    pub fn view(&self) -> Result<View> {
        self.readers.view()
    }

    /// Runs `work` over one consistent view.
    pub fn read<T>(&self, work: impl FnOnce(&ReadTx) -> Result<T>) -> Result<T> {
        work(&self.view()?.tx()?)
    }

    /// Runs `work` on the writer's thread and returns once it is on disk.
    ///
    /// # Errors
    /// What `work` returns (its writes are undone), 503 if the queue is full or the commit failed.
    pub fn write<T: Send + 'static>(&self, work: impl FnOnce(&WriteTx) -> Result<T> + Send + 'static) -> Result<T> {
        let (sender, receiver) = bounded(1);
        self.submit(work, move |result| {
            // The receiver below waits for exactly this.
            let _ = sender.send(result);
        });
        receiver.recv().map_err(Error::internal)?
    }

    /// Queues `work` and calls `done` with its result once it is on disk, on the writer's thread: `done` must be quick.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&WriteTx) -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        if let Err(QueueFull(done)) = self.writer.submit(work, done) {
            done(Err(Error::Unavailable(OVERLOADED)));
        }
    }
}

/// Opens one connection with the settings every one has.
pub fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(512);
    // Without it a SQLite that has STAT4 compiles cached statements anew at every binding.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    if access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
        conn.pragma_update(None, "synchronous", "full")?;
        conn.pragma_update(None, "foreign_keys", true)?;
        conn.pragma_update(None, "cache_size", -16_000)?;
        // What a savepoint may have to undo is kept in memory: in a file it costs more writes than the change itself.
        conn.pragma_update(None, "temp_store", "memory")?;
        // A checkpoint costs two syncs of the whole file; with fewer of them the log grows to 16 MB.
        conn.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    } else {
        conn.pragma_update(None, "cache_size", -4_000)?;
    }
    Ok(conn)
}

/// SQLite gives its companion files the mode of the main one, so it is made before SQLite sees it.
pub fn create_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

/// A lock file of its own: locking the database's own file descriptor would cost SQLite its POSIX locks at close.
pub fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let at = PathBuf::from(name);
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&at);
    let file =
        open.map_err(|error| OpenError(format!("cannot create {}: {error}; check the directory and its permissions", at.display())))?;
    file.try_lock()
        .map_err(|_| OpenError(format!("another server has {} open; stop it, or choose another file with --data", path.display())))?;
    Ok(file)
}

fn advice(error: &str) -> &'static str {
    if error.contains("not a database") || error.contains("malformed") {
        "; it is damaged or no SQLite file: restore a backup with `humans2ai restore FILE`, or choose another with --data"
    } else if error.contains("locked") {
        "; another process holds it: end that process, or wait for it"
    } else {
        ""
    }
}
