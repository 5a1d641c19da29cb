//! Webhook endpoints.

use super::column::{Columns, to_json};
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::event::EventType;
use crate::domain::id::{Id, UserId, WebhookId};
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    pub events: Vec<EventType>,
    pub description: Option<String>,
    pub active: bool,
    pub created_at: Timestamp,
}

const SELECT: &str = "SELECT id, url, events, description, active, created_at FROM webhook WHERE user_id = ?1 AND livemode = ?2";

fn read(row: &Row) -> rusqlite::Result<Webhook> {
    let mut columns = Columns::new(row);
    Ok(Webhook {
        id: columns.id()?,
        url: columns.value()?,
        events: columns.json()?,
        description: columns.value()?,
        active: columns.value()?,
        created_at: columns.time()?,
    })
}

impl ReadTx<'_> {
    /// An account's endpoints, oldest first (there are at most a few).
    pub fn list_webhooks(&self, user: &UserId, mode: Mode) -> Result<Vec<Webhook>> {
        let mut statement = self.prepare(&format!("{SELECT} ORDER BY id"))?;
        let rows = statement.query_map(params![user.as_str(), mode.is_live()], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A page of them, newest first, and how many there are.
    pub fn list_webhooks_page(&self, user: &UserId, mode: Mode, page: Page) -> Result<(Vec<Webhook>, i64)> {
        let all = self.list_webhooks(user, mode)?;
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        Ok((all.into_iter().rev().skip(page.offset).take(page.limit).collect(), total))
    }

    pub fn find_webhook(&self, user: &UserId, mode: Mode, id: &WebhookId) -> Result<Option<Webhook>> {
        let mut statement = self.prepare(&format!("{SELECT} AND id = ?3"))?;
        Ok(statement.query_row(params![user.as_str(), mode.is_live(), id.as_str()], read).optional()?)
    }
}

impl WriteTx<'_> {
    pub fn insert_webhook(&self, user: &UserId, mode: Mode, webhook: &Webhook, secret: &str) -> Result<()> {
        self.execute(
            "INSERT INTO webhook (id, user_id, livemode, url, events, description, secret, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                webhook.id.as_str(),
                user.as_str(),
                mode.is_live(),
                webhook.url,
                to_json(&webhook.events),
                webhook.description,
                secret,
                webhook.created_at.millis()
            ],
        )?;
        Ok(())
    }

    /// Deletes the endpoint and what was still to be delivered to it.
    pub fn delete_webhook(&self, id: &WebhookId) -> Result<()> {
        self.execute("DELETE FROM webhook WHERE id = ?1", [id.as_str()])?;
        Ok(())
    }
}
