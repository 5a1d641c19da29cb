//! The outbox: events, their way to each endpoint, and the feed of those who are told.

use super::column::Columns;
use super::tx::{ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::event::EventType;
use crate::domain::id::{DeliveryId, EventId, Id, TaskId, UserId, WebhookId};
use crate::domain::named::Named;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};
use serde_json::value::RawValue;

/// How an event's deliveries arrive.
#[derive(Debug, Clone, Copy)]
pub enum Arrival {
    InTurn,
    /// Each endpoint gets it again, although it has acknowledged it.
    Twice,
    /// After the endpoint's next event, or at this time.
    Late(Timestamp),
}

/// Something that happened to a task, and who of its two participants is told.
#[derive(Debug)]
pub struct Event<'a> {
    pub kind: EventType,
    pub task_id: &'a TaskId,
    pub owner: Option<&'a UserId>,
    pub human: Option<&'a UserId>,
    /// The envelope's `data`.
    pub data: serde_json::Value,
    pub arrival: Arrival,
}

/// An event as it is kept.
#[derive(Debug, Clone)]
pub struct KeptEvent {
    pub seq: i64,
    pub id: EventId,
    pub kind: EventType,
    pub task_id: TaskId,
    pub data: Box<RawValue>,
    pub created_at: Timestamp,
}

fn read(row: &Row) -> rusqlite::Result<KeptEvent> {
    let mut columns = Columns::new(row);
    Ok(KeptEvent {
        seq: columns.value()?,
        id: columns.id()?,
        kind: columns.named()?,
        task_id: columns.id()?,
        data: columns.json()?,
        created_at: columns.time()?,
    })
}

impl ReadTx<'_> {
    /// What `user` was told after `after`, oldest first, at most `limit`.
    pub fn list_events(&self, user: &UserId, mode: Mode, after: i64, limit: usize) -> Result<Vec<KeptEvent>> {
        let mut statement = self.prepare(
            "WITH told (seq) AS (
               SELECT * FROM (SELECT seq FROM event WHERE owner_id = ?1 AND livemode = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4)
               UNION
               SELECT * FROM (SELECT seq FROM event WHERE human_id = ?1 AND livemode = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4))
             SELECT seq, id, type, task_id, data, created_at FROM told JOIN event USING (seq) ORDER BY seq LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![user.as_str(), mode.is_live(), after, limit], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What `user` was told about the task after `after`, oldest first, at most `limit`.
    pub fn list_task_events(&self, user: &UserId, task: &TaskId, after: i64, limit: usize) -> Result<Vec<KeptEvent>> {
        let mut statement = self.prepare(
            "SELECT seq, id, type, task_id, data, created_at FROM event
             WHERE task_id = ?2 AND (owner_id = ?1 OR human_id = ?1) AND seq > ?3 ORDER BY seq LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![user.as_str(), task.as_str(), after, limit], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest event's seq, anyone's; 0 before the first.
    pub fn find_last_event(&self) -> Result<i64> {
        Ok(self.prepare("SELECT ifnull(max(seq), 0) FROM event")?.query_row([], |row| row.get(0))?)
    }

    /// The seq of the newest of the mode's events that were swept; 0 if none was.
    pub fn find_swept_events(&self, mode: Mode) -> Result<i64> {
        Ok(self.prepare("SELECT seq FROM event_sweep WHERE livemode = ?1")?.query_row([mode.is_live()], |row| row.get(0))?)
    }
}

impl WriteTx<'_> {
    /// Writes the event and one delivery for each matching endpoint of those who are told.
    pub fn insert_event(&self, mode: Mode, event: &Event, now: Timestamp) -> Result<()> {
        self.execute(
            "INSERT INTO event (id, livemode, type, task_id, owner_id, human_id, data, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                self.new_id::<EventId>(now)?.as_str(),
                mode.is_live(),
                event.kind.as_str(),
                event.task_id.as_str(),
                event.owner.map(Id::as_str),
                event.human.map(Id::as_str),
                event.data.to_string(),
                now.millis()
            ],
        )?;
        let seq = self.conn.last_insert_rowid();
        for user in event.owner.into_iter().chain(event.human) {
            self.tell_user(user);
            for endpoint in self.list_webhooks(user, mode)?.iter().filter(|endpoint| endpoint.takes(event.kind)) {
                self.insert_delivery(&endpoint.id, seq, event.arrival, now)?;
            }
        }
        Ok(())
    }

    /// Writes the test of an endpoint: an event that nobody else is told of.
    pub fn insert_test_event(
        &self,
        mode: Mode,
        kind: EventType,
        data: &serde_json::Value,
        webhook: &WebhookId,
        now: Timestamp,
    ) -> Result<DeliveryId> {
        self.execute(
            "INSERT INTO event (id, livemode, type, data, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![self.new_id::<EventId>(now)?.as_str(), mode.is_live(), kind.as_str(), data.to_string(), now.millis()],
        )?;
        self.insert_delivery(webhook, self.conn.last_insert_rowid(), Arrival::InTurn, now)
    }

    /// Numbers of events are never given again, and the newest row is what sees to that: those up to `seq` are used up.
    pub(super) fn mark_newest_event(&self, seq: i64, now: Timestamp) -> Result<()> {
        self.execute(
            "INSERT INTO event (seq, id, livemode, type, data, created_at)
             SELECT ?1, ?2, 0, 'task.created', '{}', ?3 WHERE ?1 > (SELECT ifnull(max(seq), 0) FROM event)",
            params![seq, self.new_id::<EventId>(now)?.as_str(), now.millis()],
        )?;
        Ok(())
    }

    /// Counts all events anew where nobody has counted yet, so that every cursor until now has expired: it may stand at what
    /// is undone.
    ///
    /// How far a history that is given up had counted is not known any more: the count goes on from the microseconds since
    /// the epoch, which no count of events overtakes.
    pub fn renumber_events(&self, now: Timestamp) -> Result<()> {
        let (first, last): (i64, i64) = self
            .prepare("SELECT ifnull(min(seq), 0), ifnull(max(seq), 0) FROM event")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let beginning = now.millis().saturating_mul(1_000).max(last + 1);
        let by = beginning + 1 - first;
        self.execute("PRAGMA defer_foreign_keys = ON", [])?;
        self.execute("UPDATE event SET seq = seq + ?1", [by])?;
        self.execute("UPDATE delivery SET event_seq = event_seq + ?1, overtaken_by = overtaken_by + ?1", [by])?;
        self.execute("UPDATE event_sweep SET seq = ?1", [beginning])?;
        self.mark_newest_event(beginning, now)
    }

    /// Deletes at most `limit` of the mode's events older than `before` that are delivered or given up, oldest first;
    /// whether there may be more.
    ///
    /// The newest event of all stays: its seq is what makes the next one greater.
    pub fn sweep_events(&self, mode: Mode, before: Timestamp, limit: usize) -> Result<bool> {
        let mut statement = self.prepare(
            "SELECT seq FROM event WHERE livemode = ?1 AND created_at < ?2 AND seq < (SELECT max(seq) FROM event)
               AND NOT EXISTS (SELECT 1 FROM delivery WHERE event_seq = seq AND state = 'pending')
             ORDER BY created_at, seq LIMIT ?3",
        )?;
        let sql_limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![mode.is_live(), before.millis(), sql_limit], |row| row.get(0))?;
        let old: Vec<i64> = rows.collect::<Result<_, _>>()?;
        for seq in &old {
            self.execute("DELETE FROM event WHERE seq = ?1", [seq])?;
        }
        if let Some(newest) = old.iter().max() {
            self.execute("UPDATE event_sweep SET seq = max(seq, ?2) WHERE livemode = ?1", params![mode.is_live(), newest])?;
        }
        Ok(old.len() == limit)
    }
}
