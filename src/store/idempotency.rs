//! First answers, kept for replay.

use super::tx::{ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::id::{Id, UserId};
use crate::domain::time::{DAY_MS, Timestamp};
use rusqlite::{OptionalExtension, params};

/// How long an answer is kept (contract §5).
const KEPT_MS: i64 = DAY_MS;

#[derive(Debug, Clone)]
pub struct SavedAnswer {
    pub fingerprint: [u8; 32],
    pub status: u16,
    pub body: Vec<u8>,
}

impl ReadTx<'_> {
    pub fn find_saved_answer(&self, user: &UserId, mode: Mode, key: &str, now: Timestamp) -> Result<Option<SavedAnswer>> {
        let mut statement = self.prepare(
            "SELECT fingerprint, status, body FROM idempotency_key WHERE user_id = ?1 AND livemode = ?2 AND key = ?3 AND created_at > ?4",
        )?;
        let oldest = now.plus_ms(-KEPT_MS).millis();
        let saved = statement.query_row(params![user.as_str(), mode.is_live(), key, oldest], |row| {
            Ok(SavedAnswer { fingerprint: row.get(0)?, status: row.get(1)?, body: row.get(2)? })
        });
        Ok(saved.optional()?)
    }
}

impl WriteTx<'_> {
    /// Keeps the answer; one past its time gives way.
    pub fn insert_saved_answer(&self, user: &UserId, mode: Mode, key: &str, answer: &SavedAnswer, now: Timestamp) -> Result<()> {
        self.execute(
            "INSERT OR REPLACE INTO idempotency_key (user_id, livemode, key, fingerprint, status, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![user.as_str(), mode.is_live(), key, answer.fingerprint, answer.status, answer.body, now.millis()],
        )?;
        Ok(())
    }

    /// Deletes at most `limit` answers past their time; whether there may be more.
    pub fn sweep_saved_answers(&self, mode: Mode, now: Timestamp, limit: usize) -> Result<bool> {
        let deleted = self.execute(
            "DELETE FROM idempotency_key WHERE seq IN
               (SELECT seq FROM idempotency_key WHERE livemode = ?1 AND created_at <= ?2 ORDER BY created_at LIMIT ?3)",
            params![mode.is_live(), now.plus_ms(-KEPT_MS).millis(), i64::try_from(limit).unwrap_or(i64::MAX)],
        )?;
        Ok(deleted == limit)
    }
}
