//! Read transactions: each on one of a few connections, which it takes out and brings back.

use super::tx::ReadTx;
use crate::domain::{Error, Result};
use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;

/// A few connections share their warm caches better than one for each thread.
const READERS: usize = 4;

/// The connections that read.
pub struct Readers {
    home: Sender<Connection>,
    idle: Receiver<Connection>,
}

impl Readers {
    pub fn open(connect: impl Fn() -> rusqlite::Result<Connection>) -> rusqlite::Result<Self> {
        let (home, idle) = bounded(READERS);
        for _ in 0..READERS {
            // The channel has room for exactly these.
            let _ = home.send(connect()?);
        }
        Ok(Readers { home, idle })
    }

    /// Waits for a connection, if all are out: a thread that holds a view must not ask for another.
    pub fn view(&self) -> Result<View> {
        let conn = self.idle.recv().map_err(Error::internal)?;
        let view = View { conn: Some(conn), home: self.home.clone() };
        view.tx()?.prepare("BEGIN")?.execute([])?;
        Ok(view)
    }
}

/// A consistent view of the database, for as long as it lives.
pub struct View {
    /// Until it is dropped.
    conn: Option<Connection>,
    home: Sender<Connection>,
}

impl View {
    pub fn tx(&self) -> Result<ReadTx<'_>> {
        self.conn.as_ref().map(ReadTx::new).ok_or_else(|| Error::internal("a view without its connection"))
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        // One left open would keep the log from being reused.
        let ended = conn.prepare_cached("COMMIT").and_then(|mut statement| statement.execute([]));
        if ended.is_err() && !conn.is_autocommit() {
            let _ = conn.execute_batch("ROLLBACK");
        }
        // Whoever waits for it has a channel of the same size.
        let _ = self.home.send(conn);
    }
}
