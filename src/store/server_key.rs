//! Keys that the server made for itself.

use super::tx::WriteTx;
use crate::domain::Result;
use rusqlite::params;

impl WriteTx<'_> {
    /// The key of this name; `candidate` becomes it the first time.
    pub fn find_or_insert_server_key(&self, name: &str, candidate: [u8; 32]) -> Result<[u8; 32]> {
        self.execute("INSERT INTO server_key VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![name, candidate])?;
        Ok(self.prepare("SELECT value FROM server_key WHERE name = ?1")?.query_row([name], |row| row.get(0))?)
    }
}
