//! The humans that a sandbox plays, each for the account that asked for it.

use super::column::Columns;
use super::tx::{ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::id::{Id, TaskId, UserId};
use crate::domain::named::Named;
use crate::domain::persona::Persona;
use rusqlite::{OptionalExtension, params};

impl ReadTx<'_> {
    /// Whether it is a human that is played for `owner`.
    pub fn is_simulated_for(&self, human: &UserId, owner: &UserId) -> Result<bool> {
        let mut statement = self.prepare("SELECT EXISTS (SELECT 1 FROM simulated_human WHERE user_id = ?1 AND owner_id = ?2)")?;
        Ok(statement.query_row([human.as_str(), owner.as_str()], |row| row.get(0))?)
    }

    /// How many are played for `owner`.
    pub fn count_simulated_humans(&self, owner: &UserId) -> Result<u32> {
        let mut statement = self.prepare("SELECT count(*) FROM simulated_human WHERE owner_id = ?1")?;
        Ok(statement.query_row([owner.as_str()], |row| row.get(0))?)
    }

    /// The one who works by itself for `owner` in this manner.
    pub fn find_simulated_persona(&self, owner: &UserId, persona: Persona) -> Result<Option<UserId>> {
        let mut statement = self.prepare("SELECT user_id FROM simulated_human WHERE owner_id = ?1 AND persona = ?2")?;
        Ok(statement.query_row([owner.as_str(), persona.as_str()], |row| Columns::new(row).id()).optional()?)
    }

    /// The last of those played for `owner` who applied for the task.
    pub fn find_simulated_applicant(&self, task: &TaskId, owner: &UserId) -> Result<Option<UserId>> {
        let mut statement = self.prepare(
            "SELECT a.human_id FROM application a JOIN simulated_human s ON s.user_id = a.human_id
             WHERE a.task_id = ?1 AND s.owner_id = ?2 ORDER BY a.seq DESC LIMIT 1",
        )?;
        Ok(statement.query_row([task.as_str(), owner.as_str()], |row| Columns::new(row).id()).optional()?)
    }
}

impl WriteTx<'_> {
    pub fn insert_simulated_human(&self, human: &UserId, owner: &UserId, persona: Option<Persona>) -> Result<()> {
        self.execute(
            "INSERT INTO simulated_human (user_id, owner_id, persona) VALUES (?1, ?2, ?3)",
            params![human.as_str(), owner.as_str(), persona.map(Named::as_str)],
        )?;
        Ok(())
    }
}
