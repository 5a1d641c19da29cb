//! What an account is told inside the product.

use super::column::Columns;
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::id::{Id, NotificationId, TaskId, UserId};
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension, params};

#[derive(Debug, Clone)]
pub struct Notification {
    pub id: NotificationId,
    pub kind: String,
    pub title: String,
    pub body: String,
    pub task_id: Option<TaskId>,
    pub read: bool,
    pub created_at: Timestamp,
}

impl ReadTx<'_> {
    /// How many there are, and how many are unread.
    pub fn count_notifications(&self, user: &UserId, mode: Mode) -> Result<(i64, i64)> {
        let mut statement = self.prepare("SELECT total, unread FROM notification_count WHERE user_id = ?1 AND livemode = ?2")?;
        let counts = statement.query_row(params![user.as_str(), mode.is_live()], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(counts.optional()?.unwrap_or_default())
    }

    /// Newest first.
    pub fn list_notifications(&self, user: &UserId, mode: Mode, page: Page) -> Result<Vec<Notification>> {
        let mut statement = self.prepare(
            "SELECT id, type, title, body, task_id, read, created_at FROM notification
             WHERE user_id = ?1 AND livemode = ?2 ORDER BY seq DESC LIMIT ?3 OFFSET ?4",
        )?;
        let rows = statement.query_map(params![user.as_str(), mode.is_live(), page.sql_limit(), page.sql_offset()], |row| {
            let mut columns = Columns::new(row);
            Ok(Notification {
                id: columns.id()?,
                kind: columns.value()?,
                title: columns.value()?,
                body: columns.value()?,
                task_id: columns.optional_id()?,
                read: columns.value()?,
                created_at: columns.time()?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl WriteTx<'_> {
    pub fn insert_notification(&self, user: &UserId, mode: Mode, notification: &Notification) -> Result<()> {
        self.execute(
            "INSERT INTO notification (id, user_id, livemode, type, title, body, task_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                notification.id.as_str(),
                user.as_str(),
                mode.is_live(),
                notification.kind,
                notification.title,
                notification.body,
                notification.task_id.as_ref().map(Id::as_str),
                notification.created_at.millis()
            ],
        )?;
        Ok(())
    }

    /// Marks one as read; how many that changed.
    pub fn update_notification_read(&self, user: &UserId, mode: Mode, id: &NotificationId) -> Result<usize> {
        Ok(self.execute(
            "UPDATE notification SET read = 1 WHERE id = ?3 AND user_id = ?1 AND livemode = ?2 AND read = 0",
            params![user.as_str(), mode.is_live(), id.as_str()],
        )?)
    }

    /// Marks all as read; how many that changed.
    pub fn update_all_notifications_read(&self, user: &UserId, mode: Mode) -> Result<usize> {
        Ok(self.execute(
            "UPDATE notification SET read = 1 WHERE user_id = ?1 AND livemode = ?2 AND read = 0",
            params![user.as_str(), mode.is_live()],
        )?)
    }
}
