//! The outbox: events and their way to each endpoint.

use super::tx::WriteTx;
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::event::EventType;
use crate::domain::id::{DeliveryId, EventId, Id, TaskId, UserId};
use crate::domain::named::Named;
use crate::domain::time::Timestamp;
use rusqlite::params;

/// Something that happened to a task, and who of its two participants is told.
#[derive(Debug)]
pub struct Event<'a> {
    pub kind: EventType,
    pub task_id: &'a TaskId,
    pub owner: Option<&'a UserId>,
    pub human: Option<&'a UserId>,
    /// The envelope's `data`.
    pub data: serde_json::Value,
}

impl WriteTx<'_> {
    /// Writes the event and one delivery for each matching endpoint of those who are told.
    pub fn insert_event(&self, mode: Mode, event: &Event, now: Timestamp) -> Result<()> {
        self.execute(
            "INSERT INTO event (id, livemode, type, task_id, owner_id, human_id, data, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                EventId::new().as_str(),
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
            let endpoints = self.list_webhooks(user, mode)?;
            for endpoint in endpoints.iter().filter(|endpoint| endpoint.active && endpoint.events.contains(&event.kind)) {
                self.execute(
                    "INSERT INTO delivery (id, event_seq, webhook_id, state, next_attempt_at) VALUES (?1, ?2, ?3, 'pending', ?4)",
                    params![DeliveryId::new().as_str(), seq, endpoint.id.as_str(), now.millis()],
                )?;
            }
        }
        Ok(())
    }
}
