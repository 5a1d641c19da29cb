//! Submitted proofs; each one is kept.

use super::column::{Columns, to_json};
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::id::{Id, SubmissionId, TaskId, UserId};
use crate::domain::time::Timestamp;
use rusqlite::params;

#[derive(Debug, Clone)]
pub struct Submission {
    pub id: SubmissionId,
    pub task_id: TaskId,
    pub human_id: UserId,
    pub proof: String,
    pub attachments: Vec<String>,
    pub created_at: Timestamp,
}

impl ReadTx<'_> {
    /// Newest first, and how many there are.
    pub fn list_submissions(&self, task: &TaskId, page: Page) -> Result<(Vec<Submission>, i64)> {
        let total = self.prepare("SELECT count(*) FROM submission WHERE task_id = ?1")?.query_row([task.as_str()], |row| row.get(0))?;
        let mut statement = self.prepare(
            "SELECT id, task_id, human_id, proof, attachments, created_at FROM submission
             WHERE task_id = ?1 ORDER BY seq DESC LIMIT ?2 OFFSET ?3",
        )?;
        let rows = statement.query_map(params![task.as_str(), page.sql_limit(), page.sql_offset()], |row| {
            let mut columns = Columns::new(row);
            Ok(Submission {
                id: columns.id()?,
                task_id: columns.id()?,
                human_id: columns.id()?,
                proof: columns.value()?,
                attachments: columns.json()?,
                created_at: columns.time()?,
            })
        })?;
        Ok((rows.collect::<Result<_, _>>()?, total))
    }
}

impl WriteTx<'_> {
    pub fn insert_submission(&self, submission: &Submission) -> Result<()> {
        self.execute(
            "INSERT INTO submission (id, task_id, human_id, proof, attachments, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                submission.id.as_str(),
                submission.task_id.as_str(),
                submission.human_id.as_str(),
                submission.proof,
                to_json(&submission.attachments),
                submission.created_at.millis()
            ],
        )?;
        Ok(())
    }
}
