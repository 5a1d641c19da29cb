//! Transactions as types: what only reads cannot write.

use super::told::Told;
use crate::domain::Error;
use crate::domain::entropy::Entropy;
use crate::domain::id::{Id, UserId, WebhookId};
use crate::domain::time::Timestamp;
use rusqlite::{CachedStatement, Connection};
use std::cell::RefCell;
use std::ops::Deref;

/// A read transaction: one consistent view of the database.
pub struct ReadTx<'c> {
    pub(super) conn: &'c Connection,
}

/// A write transaction on the writer's connection; it can read, too.
pub struct WriteTx<'c> {
    read: ReadTx<'c>,
    told: &'c RefCell<Told>,
    entropy: &'c Entropy,
}

impl<'c> ReadTx<'c> {
    pub(super) fn new(conn: &'c Connection) -> Self {
        ReadTx { conn }
    }

    pub(super) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
        self.conn.prepare_cached(sql)
    }
}

impl<'c> WriteTx<'c> {
    pub(super) fn new(conn: &'c Connection, told: &'c RefCell<Told>, entropy: &'c Entropy) -> Self {
        WriteTx { read: ReadTx::new(conn), told, entropy }
    }

    pub(super) fn new_id<T: Id>(&self, now: Timestamp) -> crate::domain::Result<T> {
        self.entropy.id(now)
    }

    /// Once this is on disk, the endpoint has something to deliver.
    pub fn tell_endpoint(&self, id: &WebhookId) {
        self.told.borrow_mut().endpoints.push(id.clone());
    }

    /// Once this is on disk, the account has something new to read.
    pub(super) fn tell_user(&self, id: &UserId) {
        self.told.borrow_mut().users.push(id.clone());
    }

    /// Runs one statement; the number of rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// Runs `work`, and undoes what it wrote if it fails or panics.
    pub fn attempt<T>(&self, work: impl FnOnce(&Self) -> crate::domain::Result<T>) -> crate::domain::Result<T> {
        self.execute("SAVEPOINT attempt", [])?;
        let result = Error::catch_panic(|| work(self));
        if result.is_err() && !self.conn.is_autocommit() {
            self.execute("ROLLBACK TO attempt", [])?;
        }
        if !self.conn.is_autocommit() {
            self.execute("RELEASE attempt", [])?;
        }
        result
    }
}

impl<'c> Deref for WriteTx<'c> {
    type Target = ReadTx<'c>;
    fn deref(&self) -> &Self::Target {
        &self.read
    }
}

/// Which part of a list: rows whose seq is past `after` (in the list's direction), less `offset` of them, at most `limit`.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub after: Option<i64>,
    pub offset: usize,
    pub limit: usize,
}

impl Page {
    /// The bound of a newest-first list.
    pub(super) fn below(&self) -> i64 {
        self.after.unwrap_or(i64::MAX)
    }

    /// The bound of an oldest-first list.
    pub(super) fn above(&self) -> i64 {
        self.after.unwrap_or(0)
    }

    pub(super) fn sql_offset(&self) -> i64 {
        i64::try_from(self.offset).unwrap_or(i64::MAX)
    }

    pub(super) fn sql_limit(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_panics_is_undone_and_the_next_goes_on() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE t (n INTEGER); BEGIN").unwrap();
        let (told, entropy) = (RefCell::default(), Entropy::system());
        let tx = WriteTx::new(&conn, &told, &entropy);
        let insert = |tx: &WriteTx, n: i64| tx.execute("INSERT INTO t VALUES (?1)", [n]).map_err(Error::from);
        let panicked: crate::domain::Result<()> = tx.attempt(|tx| {
            insert(tx, 1)?;
            panic!("asked to")
        });
        assert!(matches!(panicked, Err(Error::Internal(_))));
        tx.attempt(|tx| insert(tx, 2)).unwrap();
        conn.execute_batch("COMMIT").unwrap();
        let kept: Vec<i64> =
            conn.prepare("SELECT n FROM t").unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(kept, [2]);
    }
}
