//! Registering webhook endpoints (contract §7).

use super::page::paged_input;
use super::{Answer, Ctx, Operation, Read, Write, random};
use crate::domain::actor::{Access, Scope};
use crate::domain::error::Resource;
use crate::domain::event::EventType;
use crate::domain::field::{List, input};
use crate::domain::id::{Id, WebhookId};
use crate::domain::secret::Secret;
use crate::domain::text::{HttpUrl, Text};
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{ReadTx, Webhook, WriteTx};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Serialize;

const MAX_PER_ACCOUNT: usize = 20;

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookView {
    pub id: WebhookId,
    pub url: String,
    pub events: Vec<EventType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub active: bool,
    pub livemode: bool,
    pub created_at: Timestamp,
}

impl WebhookView {
    fn of(webhook: Webhook, ctx: &Ctx) -> Self {
        let Webhook { id, url, events, description, active, created_at } = webhook;
        WebhookView { id, url, events, description, active, livemode: ctx.mode.is_live(), created_at }
    }
}

input! {
    pub struct CreateWebhookInput {
        /// Where events are sent; https in live mode.
        url as "url": HttpUrl,
        /// The events to send; the six documented ones by default.
        events as "events": Option<List<EventType, 11>>,
        /// A word to remember it by.
        description as "description": Option<Text<1, 200>>,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CreatedWebhook {
    /// Signs every delivery; shown only now.
    pub secret: Secret,
    #[serde(flatten)]
    pub view: WebhookView,
}

pub struct CreateWebhook;

impl Operation for CreateWebhook {
    const NAME: &'static str = "create_webhook";
    const DOC: &'static str = "Register a new webhook endpoint (max 20 per account); its secret is shown only once.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = CreateWebhookInput;
    type Output = CreatedWebhook;

    fn redact(created: &CreatedWebhook) -> Option<CreatedWebhook> {
        Some(CreatedWebhook { secret: Secret::new("whsec_…".into()), view: created.view.clone() })
    }
}

impl Write for CreateWebhook {
    fn run(input: CreateWebhookInput, ctx: &Ctx, tx: &WriteTx) -> Result<CreatedWebhook> {
        check_url(&input.url, ctx)?;
        let mut events = input.events.map_or_else(|| EventType::DOCUMENTED.to_vec(), |events| events.0);
        if events.is_empty() {
            return Err(Error::validation("events must name at least one event"));
        }
        events.sort_unstable();
        events.dedup();
        if tx.list_webhooks(ctx.user_id()?, ctx.mode)?.len() >= MAX_PER_ACCOUNT {
            return Err(Error::LimitExceeded(format!("There are {MAX_PER_ACCOUNT} webhooks already; delete one first")));
        }
        let webhook = Webhook {
            id: WebhookId::new(),
            url: input.url.as_str().to_owned(),
            events,
            description: input.description.map(|text| text.as_str().to_owned()),
            active: true,
            created_at: ctx.now,
        };
        let secret = format!("whsec_{}", STANDARD.encode(random::<32>()?));
        tx.insert_webhook(ctx.user_id()?, ctx.mode, &webhook, &secret)?;
        Ok(CreatedWebhook { secret: Secret::new(secret), view: WebhookView::of(webhook, ctx) })
    }
}

fn check_url(url: &HttpUrl, ctx: &Ctx) -> Result<()> {
    if ctx.mode.is_live() && !url.is_https() {
        return Err(Error::validation("url must be https in live mode"));
    }
    if url.has_user_info() {
        return Err(Error::validation("url must not contain a user name or password"));
    }
    Ok(())
}

paged_input! {
    pub struct ListWebhooksInput {}
}

pub struct ListWebhooks;

impl Operation for ListWebhooks {
    const NAME: &'static str = "list_webhooks";
    const DOC: &'static str = "List your webhook endpoints, newest first.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    const PAGED: bool = true;
    type Input = ListWebhooksInput;
    type Output = Vec<WebhookView>;
}

impl Read for ListWebhooks {
    fn run(input: ListWebhooksInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<WebhookView>>> {
        let query = input.query();
        let (webhooks, total) = tx.list_webhooks_page(ctx.user_id()?, ctx.mode, query.page()?)?;
        Ok(query.answer(webhooks.into_iter().map(|webhook| WebhookView::of(webhook, ctx)).collect(), total))
    }
}

input! {
    pub struct DeleteWebhookInput {
        /// The endpoint's id.
        id as "webhookId": WebhookId,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DeletedWebhook {
    pub id: WebhookId,
    pub deleted: bool,
}

pub struct DeleteWebhook;

impl Operation for DeleteWebhook {
    const NAME: &'static str = "delete_webhook";
    const DOC: &'static str = "Delete a webhook endpoint and what was still to be delivered to it.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = DeleteWebhookInput;
    type Output = DeletedWebhook;
}

impl Write for DeleteWebhook {
    fn run(input: DeleteWebhookInput, ctx: &Ctx, tx: &WriteTx) -> Result<DeletedWebhook> {
        let webhook = tx.find_webhook(ctx.user_id()?, ctx.mode, &input.id)?.ok_or(Error::NotFound(Resource::Webhook))?;
        tx.delete_webhook(&webhook.id)?;
        Ok(DeletedWebhook { id: webhook.id, deleted: true })
    }
}
