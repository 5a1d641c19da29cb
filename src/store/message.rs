//! The chat between a task's owner and its assignee.

use super::column::Columns;
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::id::{Id, MessageId, TaskId, UserId};
use crate::domain::time::Timestamp;
use rusqlite::params;

#[derive(Debug, Clone)]
pub struct Message {
    pub seq: i64,
    pub id: MessageId,
    pub task_id: TaskId,
    pub sender_id: UserId,
    pub content: String,
    pub created_at: Timestamp,
}

impl ReadTx<'_> {
    /// Oldest first, and how many there are.
    pub fn list_messages(&self, task: &TaskId, page: Page) -> Result<(Vec<Message>, i64)> {
        let total = self.prepare("SELECT count(*) FROM message WHERE task_id = ?1")?.query_row([task.as_str()], |row| row.get(0))?;
        let mut statement = self.prepare(
            "SELECT seq, id, task_id, sender_id, content, created_at FROM message
             WHERE task_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3 OFFSET ?4",
        )?;
        let rows = statement.query_map(params![task.as_str(), page.above(), page.sql_limit(), page.sql_offset()], |row| {
            let mut columns = Columns::new(row);
            Ok(Message {
                seq: columns.value()?,
                id: columns.id()?,
                task_id: columns.id()?,
                sender_id: columns.id()?,
                content: columns.value()?,
                created_at: columns.time()?,
            })
        })?;
        Ok((rows.collect::<Result<_, _>>()?, total))
    }
}

impl WriteTx<'_> {
    /// Inserts the message; its `seq` is the database's to give.
    pub fn insert_message(&self, message: &Message) -> Result<()> {
        self.execute(
            "INSERT INTO message (id, task_id, sender_id, content, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                message.id.as_str(),
                message.task_id.as_str(),
                message.sender_id.as_str(),
                message.content,
                message.created_at.millis()
            ],
        )?;
        Ok(())
    }
}
