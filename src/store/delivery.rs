//! Deliveries: each event's way to each endpoint, and the log of its attempts.

use super::column::Columns;
use super::event::Arrival;
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::event::EventType;
use crate::domain::id::{DeliveryId, EventId, Id, TaskId, WebhookId};
use crate::domain::named::Named;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{DeliveryState, Misdelivery};
use rusqlite::{OptionalExtension, Row, params};
use serde_json::value::RawValue;

#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    pub event_seq: i64,
    pub event_id: EventId,
    pub event: EventType,
    /// `None` for the test of an endpoint.
    pub task_id: Option<TaskId>,
    pub created_at: Timestamp,
    pub state: DeliveryState,
    /// Retries used up since the last first attempt.
    pub retries: u32,
    /// When it is tried again; `None` for a pending one is as soon as its turn comes.
    pub retry_at: Option<Timestamp>,
    /// What a sandbox still has to do to it.
    pub misdelivery: Option<Misdelivery>,
}

/// What came of sending a delivery once.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub at: Timestamp,
    pub latency_ms: i64,
    /// `None`: there was no answer.
    pub status: Option<u16>,
    /// The answer's first KiB.
    pub response: Option<String>,
    pub error: Option<String>,
}

/// An endpoint with something pending.
#[derive(Debug)]
pub struct Waiting {
    pub webhook_id: WebhookId,
    pub mode: Mode,
    /// When its next retry is due; `None` is now.
    pub retry_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "d.id, d.webhook_id, d.event_seq, e.id, e.type, e.task_id, e.created_at, d.state, d.retries, d.retry_at, d.misdelivery";

/// Deliveries with their events, found by the index that is named: without statistics SQLite would read an endpoint's
/// whole log for the few in one state.
fn select(index: &str) -> String {
    format!("SELECT {COLUMNS} FROM delivery d {index} JOIN event e ON e.seq = d.event_seq")
}

const PENDING: &str = "INDEXED BY delivery_pending";
const FAILED: &str = "INDEXED BY delivery_failed";

/// Attempts of one delivery that are kept: redelivering it for ever must not fill the disk.
const MAX_ATTEMPTS: u32 = 20;

fn read(row: &Row) -> rusqlite::Result<Delivery> {
    let mut columns = Columns::new(row);
    Ok(Delivery {
        id: columns.id()?,
        webhook_id: columns.id()?,
        event_seq: columns.value()?,
        event_id: columns.id()?,
        event: columns.named()?,
        task_id: columns.optional_id()?,
        created_at: columns.time()?,
        state: columns.named()?,
        retries: columns.value()?,
        retry_at: columns.optional_time()?,
        misdelivery: columns.optional_named()?,
    })
}

impl ReadTx<'_> {
    /// Every endpoint that has something pending, with the first time it is due; a few index seeks each.
    pub fn list_waiting_endpoints(&self) -> Result<Vec<Waiting>> {
        let mut statement = self.prepare(
            "WITH RECURSIVE waiting (id) AS (
               SELECT min(webhook_id) FROM delivery WHERE state = 'pending'
               UNION ALL
               SELECT (SELECT min(webhook_id) FROM delivery WHERE state = 'pending' AND webhook_id > waiting.id)
               FROM waiting WHERE waiting.id IS NOT NULL)
             SELECT id, livemode, (SELECT retry_at FROM delivery WHERE webhook_id = w.id AND state = 'pending' ORDER BY retry_at LIMIT 1)
             FROM waiting JOIN webhook w USING (id) WHERE w.deleted_at IS NULL",
        )?;
        let rows = statement.query_map([], |row| {
            let mut columns = Columns::new(row);
            Ok(Waiting { webhook_id: columns.id()?, mode: columns.mode()?, retry_at: columns.optional_time()? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The endpoint's first delivery that was not tried yet.
    pub fn find_untried_delivery(&self, webhook: &WebhookId) -> Result<Option<Delivery>> {
        self.find_pending(webhook, "d.retry_at IS NULL ORDER BY d.event_seq")
    }

    /// The endpoint's next retry, whenever it is due.
    pub fn find_next_retry(&self, webhook: &WebhookId) -> Result<Option<Delivery>> {
        self.find_pending(webhook, "d.retry_at IS NOT NULL ORDER BY d.retry_at, d.event_seq")
    }

    fn find_pending(&self, webhook: &WebhookId, which: &str) -> Result<Option<Delivery>> {
        let sql = format!("{} WHERE d.webhook_id = ?1 AND d.state = 'pending' AND {which} LIMIT 1", select(PENDING));
        let mut statement = self.prepare(&sql)?;
        Ok(statement.query_row([webhook.as_str()], read).optional()?)
    }

    pub fn find_delivery(&self, webhook: &WebhookId, id: &DeliveryId) -> Result<Option<Delivery>> {
        let mut statement = self.prepare(&format!("{} WHERE d.id = ?2 AND d.webhook_id = ?1", select("")))?;
        Ok(statement.query_row([webhook.as_str(), id.as_str()], read).optional()?)
    }

    /// The envelope's `data`.
    pub fn find_event_data(&self, event_seq: i64) -> Result<Box<RawValue>> {
        let mut statement = self.prepare("SELECT data FROM event WHERE seq = ?1")?;
        Ok(statement.query_row([event_seq], |row| Columns::new(row).json())?)
    }

    /// A page of the endpoint's log, newest first, and how many there are, in one state or all.
    pub fn list_deliveries(&self, webhook: &WebhookId, state: Option<DeliveryState>, page: Page) -> Result<(Vec<Delivery>, i64)> {
        // The word itself, not a parameter: only so can a partial index be used.
        let filter = state.map_or("true".to_owned(), |state| format!("state = '{state}'"));
        let sql = format!("SELECT ifnull(sum(deliveries), 0) FROM delivery_count WHERE webhook_id = ?1 AND {filter}");
        let total = self.prepare(&sql)?.query_row([webhook.as_str()], |row| row.get(0))?;
        let select = select(match state {
            Some(DeliveryState::Pending) => PENDING,
            Some(DeliveryState::Failed) => FAILED,
            Some(DeliveryState::Delivered) | None => "",
        });
        let sql =
            format!("{select} WHERE d.webhook_id = ?1 AND {filter} AND d.event_seq < ?2 ORDER BY d.event_seq DESC LIMIT ?3 OFFSET ?4");
        let mut statement = self.prepare(&sql)?;
        let rows = statement.query_map(params![webhook.as_str(), page.below(), page.sql_limit(), page.sql_offset()], read)?;
        Ok((rows.collect::<Result<_, _>>()?, total))
    }

    /// A delivery's last attempts, the first one first.
    pub fn list_attempts(&self, id: &DeliveryId) -> Result<Vec<Attempt>> {
        let mut statement =
            self.prepare("SELECT at, latency_ms, status, response, error FROM attempt WHERE delivery_id = ?1 ORDER BY number")?;
        let rows = statement.query_map([id.as_str()], |row| {
            let mut columns = Columns::new(row);
            Ok(Attempt {
                at: columns.time()?,
                latency_ms: columns.value()?,
                status: columns.value()?,
                response: columns.value()?,
                error: columns.value()?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Failed deliveries of events since `since`, oldest first, at most `limit`.
    pub fn list_failed_deliveries(&self, webhook: &WebhookId, mode: Mode, since: Timestamp, limit: usize) -> Result<Vec<Delivery>> {
        let sql = format!(
            "{} WHERE d.webhook_id = ?1 AND d.state = 'failed' AND e.created_at >= ?2
               AND d.event_seq >= (SELECT seq FROM event WHERE livemode = ?4 AND created_at >= ?2 ORDER BY created_at, seq LIMIT 1)
             ORDER BY d.event_seq LIMIT ?3",
            select(FAILED)
        );
        let mut statement = self.prepare(&sql)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![webhook.as_str(), since.millis(), limit, mode.is_live()], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl WriteTx<'_> {
    /// Queues the event for the endpoint, which is told of it after the commit.
    pub(super) fn insert_delivery(&self, webhook: &WebhookId, event_seq: i64, arrival: Arrival, now: Timestamp) -> Result<DeliveryId> {
        let id: DeliveryId = self.new_id(now)?;
        let (retry_at, misdelivery) = match arrival {
            Arrival::InTurn => (None, None),
            Arrival::Twice => (None, Some(Misdelivery::Twice)),
            Arrival::Late(_) if self.overtake(webhook, event_seq)? => (None, None),
            Arrival::Late(until) => (Some(until.millis()), Some(Misdelivery::Late)),
        };
        self.execute(
            "INSERT INTO delivery (webhook_id, event_seq, id, state, retry_at, misdelivery) VALUES (?1, ?2, ?3, 'pending', ?4, ?5)",
            params![webhook.as_str(), event_seq, id.as_str(), retry_at, misdelivery.map(Named::as_str)],
        )?;
        self.tell_endpoint(webhook);
        Ok(id)
    }

    /// Has the endpoint's late delivery wait for that of this event; whether there is one that waits for none yet.
    fn overtake(&self, webhook: &WebhookId, event_seq: i64) -> Result<bool> {
        let sql = "UPDATE delivery SET overtaken_by = ?2 WHERE webhook_id = ?1 AND misdelivery = 'late' AND overtaken_by IS NULL AND state = 'pending'";
        Ok(self.execute(sql, params![webhook.as_str(), event_seq])? > 0)
    }

    /// Lets the delivery go that was late until this one had arrived.
    pub fn release_overtaken_delivery(&self, arrived: &Delivery) -> Result<()> {
        let sql = "UPDATE delivery SET retry_at = NULL, misdelivery = NULL
             WHERE webhook_id = ?1 AND misdelivery = 'late' AND overtaken_by = ?2 AND state = 'pending'";
        if self.execute(sql, params![arrived.webhook_id.as_str(), arrived.event_seq])? > 0 {
            self.tell_endpoint(&arrived.webhook_id);
        }
        Ok(())
    }

    /// Saves its state and retries; an endpoint that has something to do now is told after the commit.
    pub fn update_delivery(&self, delivery: &Delivery) -> Result<()> {
        self.execute(
            "UPDATE delivery SET state = ?3, retries = ?4, retry_at = ?5, misdelivery = ?6 WHERE webhook_id = ?1 AND event_seq = ?2",
            params![
                delivery.webhook_id.as_str(),
                delivery.event_seq,
                delivery.state.as_str(),
                delivery.retries,
                delivery.retry_at.map(Timestamp::millis),
                delivery.misdelivery.map(Named::as_str)
            ],
        )?;
        if delivery.state == DeliveryState::Pending && delivery.retry_at.is_none() {
            self.tell_endpoint(&delivery.webhook_id);
        }
        Ok(())
    }

    pub fn insert_attempt(&self, delivery: &DeliveryId, attempt: &Attempt) -> Result<()> {
        self.execute(
            "INSERT INTO attempt (delivery_id, number, at, latency_ms, status, response, error)
             VALUES (?1, (SELECT ifnull(max(number), 0) + 1 FROM attempt WHERE delivery_id = ?1), ?2, ?3, ?4, ?5, ?6)",
            params![delivery.as_str(), attempt.at.millis(), attempt.latency_ms, attempt.status, attempt.response, attempt.error],
        )?;
        self.execute(
            "DELETE FROM attempt WHERE delivery_id = ?1 AND number <= (SELECT max(number) - ?2 FROM attempt WHERE delivery_id = ?1)",
            params![delivery.as_str(), MAX_ATTEMPTS],
        )?;
        Ok(())
    }

    /// Gives up at most `limit` of the pending deliveries of an endpoint that is sent nothing; how many those were.
    pub fn fail_pending_deliveries(&self, webhook: &WebhookId, limit: usize) -> Result<usize> {
        Ok(self.execute(
            "UPDATE delivery SET state = 'failed', retry_at = NULL WHERE webhook_id = ?1 AND event_seq IN
               (SELECT event_seq FROM delivery INDEXED BY delivery_pending WHERE webhook_id = ?1 AND state = 'pending' LIMIT ?2)
               AND EXISTS (SELECT 1 FROM webhook w JOIN user u ON u.id = w.user_id
                 WHERE w.id = ?1 AND (w.active = 0 OR u.suspended_at IS NOT NULL))",
            params![webhook.as_str(), i64::try_from(limit).unwrap_or(i64::MAX)],
        )?)
    }
}
