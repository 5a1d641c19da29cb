//! Webhook endpoints.

use super::column::{Columns, to_json};
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::event::EventType;
use crate::domain::id::{Id, UserId, WebhookId};
use crate::domain::named::Named;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{DisabledReason, SigningSecrets};
use rusqlite::{OptionalExtension, Row, params};

#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    pub events: Vec<EventType>,
    pub description: Option<String>,
    pub active: bool,
    /// Why the server, not its owner, made it inactive.
    pub disabled_reason: Option<DisabledReason>,
    /// The first failed attempt after the last success.
    pub failing_since: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl Webhook {
    /// Whether it is sent events of this kind.
    pub fn takes(&self, kind: EventType) -> bool {
        self.active && self.events.contains(&kind)
    }
}

const COLUMNS: &str = "id, url, events, description, active, disabled_reason, failing_since, created_at";

fn read(columns: &mut Columns) -> rusqlite::Result<Webhook> {
    Ok(Webhook {
        id: columns.id()?,
        url: columns.value()?,
        events: columns.json()?,
        description: columns.value()?,
        active: columns.value()?,
        disabled_reason: columns.optional_named()?,
        failing_since: columns.optional_time()?,
        created_at: columns.time()?,
    })
}

fn read_row(row: &Row) -> rusqlite::Result<Webhook> {
    read(&mut Columns::new(row))
}

/// An endpoint as the deliverer sees it, whoever's it is.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub webhook: Webhook,
    pub user_id: UserId,
    pub mode: Mode,
    pub owner_suspended: bool,
}

impl Endpoint {
    pub fn is_sent_to(&self) -> bool {
        self.webhook.active && !self.owner_suspended
    }
}

impl ReadTx<'_> {
    /// An account's endpoints, oldest first (there are at most a few).
    pub fn list_webhooks(&self, user: &UserId, mode: Mode) -> Result<Vec<Webhook>> {
        let sql = format!("SELECT {COLUMNS} FROM webhook WHERE user_id = ?1 AND livemode = ?2 AND deleted_at IS NULL ORDER BY id");
        let mut statement = self.prepare(&sql)?;
        let rows = statement.query_map(params![user.as_str(), mode.is_live()], read_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A page of them, newest first, and how many there are.
    pub fn list_webhooks_page(&self, user: &UserId, mode: Mode, page: Page) -> Result<(Vec<Webhook>, i64)> {
        let all = self.list_webhooks(user, mode)?;
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        Ok((all.into_iter().rev().skip(page.offset).take(page.limit).collect(), total))
    }

    pub fn find_webhook(&self, user: &UserId, mode: Mode, id: &WebhookId) -> Result<Option<Webhook>> {
        let sql = format!("SELECT {COLUMNS} FROM webhook WHERE user_id = ?1 AND livemode = ?2 AND deleted_at IS NULL AND id = ?3");
        let mut statement = self.prepare(&sql)?;
        Ok(statement.query_row(params![user.as_str(), mode.is_live(), id.as_str()], read_row).optional()?)
    }

    pub fn find_endpoint(&self, id: &WebhookId) -> Result<Option<Endpoint>> {
        let sql = format!(
            "SELECT {COLUMNS}, user_id, livemode, (SELECT suspended_at IS NOT NULL FROM user WHERE user.id = user_id)
             FROM webhook WHERE id = ?1 AND deleted_at IS NULL"
        );
        let mut statement = self.prepare(&sql)?;
        let endpoint = statement.query_row([id.as_str()], |row| {
            let mut columns = Columns::new(row);
            let webhook = read(&mut columns)?;
            Ok(Endpoint { webhook, user_id: columns.id()?, mode: columns.mode()?, owner_suspended: columns.value()? })
        });
        Ok(endpoint.optional()?)
    }

    /// What signs the endpoint's deliveries now.
    pub fn find_signing_secrets(&self, id: &WebhookId, now: Timestamp) -> Result<SigningSecrets> {
        let mut statement =
            self.prepare("SELECT secret, iif(previous_secret_until > ?2, previous_secret, NULL) FROM webhook WHERE id = ?1")?;
        Ok(statement.query_row(params![id.as_str(), now.millis()], |row| {
            let (current, previous): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            Ok(SigningSecrets { current: Secret::new(current), previous: previous.map(Secret::new) })
        })?)
    }
}

impl WriteTx<'_> {
    pub fn insert_webhook(&self, user: &UserId, mode: Mode, webhook: &Webhook, secret: &Secret) -> Result<()> {
        self.execute(
            "INSERT INTO webhook (id, user_id, livemode, url, events, description, secret, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                webhook.id.as_str(),
                user.as_str(),
                mode.is_live(),
                webhook.url,
                to_json(&webhook.events),
                webhook.description,
                secret.expose(),
                webhook.created_at.millis()
            ],
        )?;
        Ok(())
    }

    /// Saves what its owner, or a delivery, can change.
    pub fn update_webhook(&self, webhook: &Webhook) -> Result<()> {
        self.execute(
            "UPDATE webhook SET url = ?2, events = ?3, description = ?4, active = ?5, disabled_reason = ?6, failing_since = ?7 WHERE id = ?1",
            params![
                webhook.id.as_str(),
                webhook.url,
                to_json(&webhook.events),
                webhook.description,
                webhook.active,
                webhook.disabled_reason.map(Named::as_str),
                webhook.failing_since.map(Timestamp::millis)
            ],
        )?;
        if !webhook.active {
            self.tell_endpoint(&webhook.id);
        }
        Ok(())
    }

    /// Replaces the secret; the old one signs too until `until`.
    pub fn update_webhook_secret(&self, id: &WebhookId, secret: &Secret, until: Timestamp) -> Result<()> {
        self.execute(
            "UPDATE webhook SET previous_secret = secret, previous_secret_until = ?3, secret = ?2 WHERE id = ?1",
            params![id.as_str(), secret.expose(), until.millis()],
        )?;
        Ok(())
    }

    /// Forgets at most `limit` secrets whose rotation is over; whether there may be more.
    pub fn sweep_previous_secrets(&self, mode: Mode, now: Timestamp, limit: usize) -> Result<bool> {
        let forgotten = self.execute(
            "UPDATE webhook SET previous_secret = NULL, previous_secret_until = NULL WHERE id IN
               (SELECT id FROM webhook WHERE previous_secret IS NOT NULL AND livemode = ?1 AND previous_secret_until <= ?2 LIMIT ?3)",
            params![mode.is_live(), now.millis(), i64::try_from(limit).unwrap_or(i64::MAX)],
        )?;
        Ok(forgotten == limit)
    }

    /// Hides the endpoint and stops what was still to be delivered to it; [`WriteTx::sweep_deleted_webhooks`] removes it.
    pub fn delete_webhook(&self, id: &WebhookId, now: Timestamp) -> Result<()> {
        self.execute(
            "UPDATE webhook SET active = 0, deleted_at = ?2, secret = '', previous_secret = NULL WHERE id = ?1",
            params![id.as_str(), now.millis()],
        )?;
        Ok(())
    }

    /// Removes at most `limit` deliveries of deleted endpoints, then the endpoints; whether there may be more.
    pub fn sweep_deleted_webhooks(&self, limit: usize) -> Result<bool> {
        let sql = "SELECT id FROM webhook WHERE deleted_at IS NOT NULL ORDER BY deleted_at LIMIT 1";
        let Some(id): Option<String> = self.prepare(sql)?.query_row([], |row| row.get(0)).optional()? else { return Ok(false) };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql =
            "DELETE FROM delivery WHERE webhook_id = ?1 AND event_seq IN (SELECT event_seq FROM delivery WHERE webhook_id = ?1 LIMIT ?2)";
        if self.execute(sql, params![id, limit])? == 0 {
            self.execute("DELETE FROM delivery_count WHERE webhook_id = ?1", [&id])?;
            self.execute("DELETE FROM webhook WHERE id = ?1", [&id])?;
        }
        Ok(true)
    }
}
