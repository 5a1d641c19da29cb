//! Tasks, one at a time. Lists of them are in `task_list`.

use super::column::{Columns, to_json};
use super::tx::{ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::id::{Id, TaskId, UserId};
use crate::domain::named::Named;
use crate::domain::task::Task;
use crate::domain::text::Metadata;
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use std::ops::ControlFlow;

/// The statement that reads the tasks of a condition.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT t.seq, t.id, t.livemode, t.status, t.title, t.description, t.category, t.budget, t.deadline, t.location,
               t.remote, t.urgency, t.selection, t.review_hours, t.metadata, t.escrow_id, t.agent_id, u.display_name, t.human_id,
               t.applicant_count, t.rejection_reason, t.created_at, t.updated_at, t.submitted_at, t.completed_at, t.dispute_until
             FROM task t JOIN user u ON u.id = t.agent_id WHERE ",
            $condition
        )
    };
}

fn read(row: &Row) -> rusqlite::Result<Task> {
    let mut columns = Columns::new(row);
    Ok(Task {
        seq: columns.value()?,
        id: columns.id()?,
        livemode: columns.value()?,
        status: columns.named()?,
        title: columns.value()?,
        description: columns.value()?,
        category: columns.value()?,
        budget: columns.money()?,
        deadline: columns.time()?,
        location: columns.value()?,
        remote: columns.value()?,
        urgency: columns.named()?,
        selection: columns.named()?,
        review_hours: columns.value()?,
        metadata: columns.optional_json()?.map(Metadata),
        escrow_id: columns.id()?,
        agent_id: columns.id()?,
        agent_name: columns.value()?,
        human_id: columns.optional_id()?,
        applicant_count: columns.value()?,
        rejection_reason: columns.value()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        submitted_at: columns.optional_time()?,
        completed_at: columns.optional_time()?,
        dispute_until: columns.optional_time()?,
    })
}

impl ReadTx<'_> {
    pub fn find_task(&self, mode: Mode, id: &TaskId) -> Result<Option<Task>> {
        let mut statement = self.prepare(select!("t.id = ?1 AND t.livemode = ?2"))?;
        Ok(statement.query_row(params![id.as_str(), mode.is_live()], read).optional()?)
    }

    /// Tasks and when their time comes or came, those that waited longest first; after a moment, if one is given. `take`
    /// is asked of each until it wants no more.
    pub fn visit_due_tasks(
        &self,
        mode: Mode,
        after: Option<Timestamp>,
        mut take: impl FnMut(TaskId, Timestamp) -> ControlFlow<()>,
    ) -> Result<()> {
        let after = after.map_or(i64::MIN, Timestamp::millis);
        let mut statement =
            self.prepare("SELECT id, due_at FROM task WHERE livemode = ?1 AND due_at > ?2 AND due_at IS NOT NULL ORDER BY due_at")?;
        let mut rows = statement.query(params![mode.is_live(), after])?;
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row);
            if take(columns.id()?, columns.time()?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The tasks with these seqs, in their order.
    pub(super) fn load_tasks(&self, seqs: &[i64]) -> Result<Vec<Task>> {
        let mut statement = self.prepare(select!("t.seq = ?1"))?;
        Ok(seqs.iter().map(|seq| statement.query_row([seq], read)).collect::<Result<_, _>>()?)
    }
}

impl WriteTx<'_> {
    /// Inserts the task; its `seq` is the database's to give.
    pub fn insert_task(&self, task: &Task) -> Result<()> {
        self.execute(
            "INSERT INTO task (id, livemode, status, title, description, category, budget, deadline, location, remote, urgency,
               selection, review_hours, metadata, escrow_id, agent_id, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?17)",
            params![
                task.id.as_str(),
                task.livemode,
                task.status.as_str(),
                task.title,
                task.description,
                task.category,
                task.budget.micros(),
                task.deadline.millis(),
                task.location,
                task.remote,
                task.urgency.as_str(),
                task.selection.as_str(),
                task.review_hours,
                task.metadata.as_ref().map(|metadata| to_json(&metadata.0)),
                task.escrow_id.as_str(),
                task.agent_id.as_str(),
                task.created_at.millis()
            ],
        )?;
        Ok(())
    }

    /// Saves what a transition can change.
    pub fn update_task(&self, task: &Task) -> Result<()> {
        let millis = |time: Option<Timestamp>| time.map(Timestamp::millis);
        self.execute(
            "UPDATE task SET status = ?2, human_id = ?3, rejection_reason = ?4, updated_at = ?5, submitted_at = ?6,
               completed_at = ?7, dispute_until = ?8 WHERE id = ?1",
            params![
                task.id.as_str(),
                task.status.as_str(),
                task.human_id.as_ref().map(Id::as_str),
                task.rejection_reason,
                task.updated_at.millis(),
                millis(task.submitted_at),
                millis(task.completed_at),
                millis(task.dispute_until)
            ],
        )?;
        Ok(())
    }

    pub fn update_task_review(&self, id: &TaskId, rating: Option<u32>, comment: Option<&str>) -> Result<()> {
        self.execute("UPDATE task SET rating = ?2, comment = ?3 WHERE id = ?1", params![id.as_str(), rating, comment])?;
        Ok(())
    }

    pub fn insert_risk_attempt(&self, mode: Mode, user: &UserId, category: &str, now: Timestamp) -> Result<()> {
        self.execute(
            "INSERT INTO risk_attempt (livemode, user_id, category, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![mode.is_live(), user.as_str(), category, now.millis()],
        )?;
        Ok(())
    }
}
