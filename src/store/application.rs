//! Applications of humans for tasks.

use super::column::Columns;
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::id::{ApplicationId, Id, TaskId, UserId};
use crate::domain::named::Named;
use crate::domain::task::Application;
use rusqlite::{OptionalExtension, Row, params};

const SELECT: &str = "SELECT id, task_id, human_id, status, message, created_at FROM application";

fn read(row: &Row) -> rusqlite::Result<Application> {
    let mut columns = Columns::new(row);
    Ok(Application {
        id: columns.id()?,
        task_id: columns.id()?,
        human_id: columns.id()?,
        status: columns.named()?,
        message: columns.value()?,
        created_at: columns.time()?,
    })
}

impl ReadTx<'_> {
    pub fn find_application(&self, task: &TaskId, id: &ApplicationId) -> Result<Option<Application>> {
        let mut statement = self.prepare(&format!("{SELECT} WHERE id = ?1 AND task_id = ?2"))?;
        Ok(statement.query_row([id.as_str(), task.as_str()], read).optional()?)
    }

    pub fn find_application_of(&self, task: &TaskId, human: &UserId) -> Result<Option<Application>> {
        let mut statement = self.prepare(&format!("{SELECT} WHERE task_id = ?1 AND human_id = ?2"))?;
        Ok(statement.query_row([task.as_str(), human.as_str()], read).optional()?)
    }

    /// A task's applications, oldest first.
    pub fn list_applications(&self, task: &TaskId, page: Page) -> Result<Vec<Application>> {
        let mut statement = self.prepare(&format!("{SELECT} WHERE task_id = ?1 ORDER BY seq LIMIT ?2 OFFSET ?3"))?;
        let rows = statement.query_map(params![task.as_str(), page.sql_limit(), page.sql_offset()], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All who applied.
    pub fn list_applicants(&self, task: &TaskId) -> Result<Vec<UserId>> {
        let mut statement = self.prepare("SELECT human_id FROM application WHERE task_id = ?1 ORDER BY seq")?;
        let rows = statement.query_map([task.as_str()], |row| Columns::new(row).id())?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The humans who applied and were not selected.
    pub fn list_not_selected(&self, task: &TaskId) -> Result<Vec<UserId>> {
        let mut statement = self.prepare("SELECT human_id FROM application WHERE task_id = ?1 AND status = 'not_selected' ORDER BY seq")?;
        let rows = statement.query_map([task.as_str()], |row| Columns::new(row).id())?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A human's applications, newest first, and how many there are.
    pub fn list_applications_of(&self, human: &UserId, mode: Mode, page: Page) -> Result<(Vec<Application>, i64)> {
        let total = self
            .prepare("SELECT count(*) FROM application WHERE human_id = ?1 AND livemode = ?2")?
            .query_row(params![human.as_str(), mode.is_live()], |row| row.get(0))?;
        let mut statement =
            self.prepare(&format!("{SELECT} WHERE human_id = ?1 AND livemode = ?2 ORDER BY seq DESC LIMIT ?3 OFFSET ?4"))?;
        let rows = statement.query_map(params![human.as_str(), mode.is_live(), page.sql_limit(), page.sql_offset()], read)?;
        Ok((rows.collect::<Result<_, _>>()?, total))
    }
}

impl WriteTx<'_> {
    pub fn insert_application(&self, application: &Application, mode: Mode) -> Result<()> {
        self.execute(
            "INSERT INTO application (id, task_id, human_id, livemode, status, message, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                application.id.as_str(),
                application.task_id.as_str(),
                application.human_id.as_str(),
                mode.is_live(),
                application.status.as_str(),
                application.message,
                application.created_at.millis()
            ],
        )?;
        Ok(())
    }

    /// Selects one application of the task; the others are `not_selected`.
    pub fn update_selected_application(&self, task: &TaskId, selected: &ApplicationId) -> Result<()> {
        self.execute(
            "UPDATE application SET status = CASE id WHEN ?2 THEN 'selected' ELSE 'not_selected' END WHERE task_id = ?1",
            [task.as_str(), selected.as_str()],
        )?;
        Ok(())
    }
}
