//! Refresh tokens: hashed, rotated at each use, revoked by family.

use super::column::Columns;
use super::tx::{ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::id::{Id, UserId};
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension, params};

/// One refresh token's row.
#[derive(Debug, Clone)]
pub struct Session {
    pub token_hash: [u8; 32],
    /// Shared by all tokens that descend from one login.
    pub family: String,
    pub user_id: UserId,
    pub signed_in_at: Timestamp,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

impl ReadTx<'_> {
    pub fn find_session(&self, token_hash: &[u8; 32]) -> Result<Option<Session>> {
        let mut statement = self.prepare("SELECT family, user_id, signed_in_at, expires_at, used_at FROM session WHERE token_hash = ?1")?;
        let session = statement.query_row([token_hash], |row| {
            let mut columns = Columns::new(row);
            Ok(Session {
                token_hash: *token_hash,
                family: columns.value()?,
                user_id: columns.id()?,
                signed_in_at: columns.time()?,
                expires_at: columns.time()?,
                used_at: columns.optional_time()?,
            })
        });
        Ok(session.optional()?)
    }
}

impl WriteTx<'_> {
    pub fn insert_session(&self, session: &Session) -> Result<()> {
        self.execute(
            "INSERT INTO session (token_hash, family, user_id, signed_in_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                session.token_hash,
                session.family,
                session.user_id.as_str(),
                session.signed_in_at.millis(),
                session.expires_at.millis()
            ],
        )?;
        Ok(())
    }

    pub fn update_session_used(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<()> {
        self.execute("UPDATE session SET used_at = ?2 WHERE token_hash = ?1", params![token_hash, now.millis()])?;
        Ok(())
    }

    pub fn delete_session_family(&self, family: &str) -> Result<()> {
        self.execute("DELETE FROM session WHERE family = ?1", [family])?;
        Ok(())
    }

    /// Deletes at most `limit` expired ones; whether there may be more.
    pub fn sweep_sessions(&self, now: Timestamp, limit: usize) -> Result<bool> {
        let deleted = self.execute(
            "DELETE FROM session WHERE token_hash IN (SELECT token_hash FROM session WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
            params![now.millis(), i64::try_from(limit).unwrap_or(i64::MAX)],
        )?;
        Ok(deleted == limit)
    }

    pub fn delete_sessions_of(&self, user: &UserId) -> Result<()> {
        self.execute("DELETE FROM session WHERE user_id = ?1", [user.as_str()])?;
        Ok(())
    }
}
