//! What the humans who work by themselves do next; a sandbox's, so test data only.

use super::column::Columns;
use super::tx::{ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::id::{Id, TaskId, UserId};
use crate::domain::named::Named;
use crate::domain::persona::AutopilotStep;
use crate::domain::time::Timestamp;
use rusqlite::params;

/// A step whose time has come.
#[derive(Debug)]
pub struct DueStep {
    pub task_id: TaskId,
    pub step: AutopilotStep,
    pub human_id: UserId,
}

impl ReadTx<'_> {
    /// When the next step is due; if `after` is given, the first such moment after it.
    pub fn find_next_autopilot_step(&self, after: Option<Timestamp>) -> Result<Option<Timestamp>> {
        let after = after.map_or(i64::MIN, Timestamp::millis);
        let mut statement = self.prepare("SELECT min(due_at) FROM autopilot WHERE due_at > ?1")?;
        Ok(statement.query_row([after], |row| Columns::new(row).optional_time())?)
    }

    /// The steps whose time has come, the longest due first, at most `limit`.
    pub fn list_due_autopilot_steps(&self, now: Timestamp, limit: usize) -> Result<Vec<DueStep>> {
        let mut statement = self.prepare("SELECT task_id, step, human_id FROM autopilot WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![now.millis(), limit], |row| {
            let mut columns = Columns::new(row);
            Ok(DueStep { task_id: columns.id()?, step: columns.named()?, human_id: columns.id()? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl WriteTx<'_> {
    /// Plans the step; one that is planned already stays as it is.
    pub fn insert_autopilot_step(&self, task: &TaskId, step: AutopilotStep, human: &UserId, due: Timestamp) -> Result<()> {
        self.execute(
            "INSERT INTO autopilot (task_id, step, human_id, due_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![task.as_str(), step.as_str(), human.as_str(), due.millis()],
        )?;
        Ok(())
    }

    pub fn delete_autopilot_step(&self, task: &TaskId, step: AutopilotStep) -> Result<()> {
        self.execute("DELETE FROM autopilot WHERE task_id = ?1 AND step = ?2", params![task.as_str(), step.as_str()])?;
        Ok(())
    }

    /// Forgets what was planned for the task.
    pub fn delete_autopilot_steps(&self, task: &TaskId) -> Result<()> {
        self.execute("DELETE FROM autopilot WHERE task_id = ?1", [task.as_str()])?;
        Ok(())
    }
}
