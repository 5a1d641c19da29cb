//! Disputes and the operator's decisions.

use super::column::Columns;
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::id::{DisputeId, Id, TaskId, UserId};
use crate::domain::named::Named;
use crate::domain::task::{DisputeStatus, Outcome};
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

#[derive(Debug, Clone)]
pub struct Dispute {
    pub id: DisputeId,
    pub task_id: TaskId,
    pub opened_by: UserId,
    pub reason: String,
    pub status: DisputeStatus,
    pub outcome: Option<Outcome>,
    pub human_percent: Option<u8>,
    pub note: Option<String>,
    pub created_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT id, task_id, opened_by, reason, status, outcome, human_percent, note, created_at, resolved_at FROM dispute";

fn read(row: &Row) -> rusqlite::Result<Dispute> {
    let mut columns = Columns::new(row);
    Ok(Dispute {
        id: columns.id()?,
        task_id: columns.id()?,
        opened_by: columns.id()?,
        reason: columns.value()?,
        status: columns.named()?,
        outcome: columns.optional_named()?,
        human_percent: columns.value()?,
        note: columns.value()?,
        created_at: columns.time()?,
        resolved_at: columns.optional_time()?,
    })
}

impl ReadTx<'_> {
    pub fn find_dispute(&self, mode: Mode, id: &DisputeId) -> Result<Option<Dispute>> {
        let mut statement = self.prepare(&format!("{SELECT} WHERE id = ?1 AND livemode = ?2"))?;
        Ok(statement.query_row(params![id.as_str(), mode.is_live()], read).optional()?)
    }

    /// Oldest first (those who wait longest), and how many there are.
    pub fn list_disputes(&self, mode: Mode, status: DisputeStatus, page: Page) -> Result<(Vec<Dispute>, i64)> {
        let total = self
            .prepare("SELECT count(*) FROM dispute WHERE livemode = ?1 AND status = ?2")?
            .query_row(params![mode.is_live(), status.as_str()], |row| row.get(0))?;
        let mut statement = self.prepare(&format!("{SELECT} WHERE livemode = ?1 AND status = ?2 ORDER BY seq LIMIT ?3 OFFSET ?4"))?;
        let rows = statement.query_map(params![mode.is_live(), status.as_str(), page.sql_limit(), page.sql_offset()], read)?;
        Ok((rows.collect::<Result<_, _>>()?, total))
    }
}

impl WriteTx<'_> {
    pub fn insert_dispute(&self, dispute: &Dispute, mode: Mode) -> Result<()> {
        self.execute(
            "INSERT INTO dispute (id, task_id, livemode, opened_by, reason, status, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                dispute.id.as_str(),
                dispute.task_id.as_str(),
                mode.is_live(),
                dispute.opened_by.as_str(),
                dispute.reason,
                dispute.status.as_str(),
                dispute.created_at.millis()
            ],
        )?;
        Ok(())
    }

    /// Saves the operator's decision.
    pub fn update_dispute(&self, dispute: &Dispute) -> Result<()> {
        self.execute(
            "UPDATE dispute SET status = ?2, outcome = ?3, human_percent = ?4, note = ?5, resolved_at = ?6 WHERE id = ?1",
            params![
                dispute.id.as_str(),
                dispute.status.as_str(),
                dispute.outcome.map(Named::as_str),
                dispute.human_percent,
                dispute.note,
                dispute.resolved_at.map(Timestamp::millis)
            ],
        )?;
        Ok(())
    }
}
