//! Webhook endpoints: registering, changing, testing them (contract §7).

use super::delivery::find_active;
use super::page::paged_input;
use super::{Answer, Ctx, Operation, Read, Write};
use crate::config::Config;
use crate::domain::actor::{Access, Mode, Scope};
use crate::domain::address::is_public;
use crate::domain::error::Resource;
use crate::domain::event::EventType;
use crate::domain::field::{List, input};
use crate::domain::id::{DeliveryId, WebhookId};
use crate::domain::secret::Secret;
use crate::domain::text::{HttpUrl, Text};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::domain::webhook::{self, DisabledReason};
use crate::domain::{Error, Result};
use crate::store::{ReadTx, Webhook, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::IpAddr;

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
    /// Why the server switched it off: it answered 410 (gone), or nothing reached it for 5 days (failing).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<DisabledReason>,
    /// The first failure after the last success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    pub livemode: bool,
    pub created_at: Timestamp,
}

impl WebhookView {
    fn of(webhook: Webhook, ctx: &Ctx) -> Self {
        let Webhook { id, url, events, description, active, disabled_reason, failing_since, created_at } = webhook;
        WebhookView { id, url, events, description, active, disabled_reason, failing_since, livemode: ctx.mode.is_live(), created_at }
    }
}

input! {
    pub struct CreateWebhookInput {
        /// Where events are sent; https in live mode.
        url as "url": HttpUrl,
        /// The events to send; the six documented ones by default.
        events as "events": Option<List<EventType, 11, 1>>,
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
        Some(CreatedWebhook { secret: redacted(), view: created.view.clone() })
    }
}

impl Write for CreateWebhook {
    fn run(input: CreateWebhookInput, ctx: &Ctx, tx: &WriteTx) -> Result<CreatedWebhook> {
        check_url(&input.url, ctx.config(), ctx.mode)?;
        let events = input.events.map_or_else(|| EventType::DOCUMENTED.to_vec(), subscription);
        if tx.list_webhooks(ctx.user_id()?, ctx.mode)?.len() >= MAX_PER_ACCOUNT {
            return Err(Error::LimitExceeded(format!("There are {MAX_PER_ACCOUNT} webhooks already; delete one first")));
        }
        let webhook = Webhook {
            id: ctx.new_id()?,
            url: input.url.as_str().to_owned(),
            events,
            description: input.description.map(|text| text.as_str().to_owned()),
            active: true,
            disabled_reason: None,
            failing_since: None,
            created_at: ctx.now,
        };
        let secret = webhook::secret(ctx.random()?);
        tx.insert_webhook(ctx.user_id()?, ctx.mode, &webhook, &secret)?;
        Ok(CreatedWebhook { secret, view: WebhookView::of(webhook, ctx) })
    }
}

fn subscription(List(mut events): List<EventType, 11, 1>) -> Vec<EventType> {
    events.sort_unstable();
    events.dedup();
    events
}

/// Whether the mode's events may be sent to `url`; what its host's name leads to is judged at each connection.
pub fn check_url(url: &HttpUrl, config: &Config, mode: Mode) -> Result<()> {
    if mode.is_live() && !url.is_https() {
        return Err(Error::validation("url must be https in live mode"));
    }
    if url.has_user_info() {
        return Err(Error::validation("url must not contain a user name or password"));
    }
    let refused = url.ip_address().and_then(|address| check_address(config, mode, address).err());
    refused.map_or(Ok(()), |reason| Err(Error::validation(format!("url is refused: {reason}"))))
}

/// Whether the mode's events may be sent to `address` (contract §7): a public one, one that the operator allows, and on a
/// sandbox the machine's own. A live server's neighbours are no business of test data either.
///
/// # Errors
/// What to do about it, for the endpoint's owner.
pub fn check_address(config: &Config, mode: Mode, address: IpAddr) -> Result<(), String> {
    let sandbox = !mode.is_live() && !config.server.mode.is_live();
    let allowed = is_public(address)
        || (sandbox && address.to_canonical().is_loopback())
        || config.webhooks.allow.iter().any(|range| range.contains(address));
    if allowed {
        return Ok(());
    }
    Err(format!("{address} is not a public address; the server's operator can list it in webhooks.allow"))
}

/// The caller's endpoint.
pub fn find_own(tx: &ReadTx, ctx: &Ctx, id: &WebhookId) -> Result<Webhook> {
    tx.find_webhook(ctx.user_id()?, ctx.mode, id)?.ok_or(Error::NotFound(Resource::Webhook))
}

input! {
    pub struct UpdateWebhookInput {
        /// The endpoint's id.
        id as "webhookId": WebhookId,
        /// Where events are sent from now on; https in live mode.
        url as "url": Option<HttpUrl>,
        /// The events to send from now on.
        events as "events": Option<List<EventType, 11, 1>>,
        /// A word to remember it by; empty removes it.
        description as "description": Option<Text<0, 200>>,
        /// false switches it off: what is pending is given up, what happens meanwhile is not sent.
        active as "active": Option<bool>,
    }
}

pub struct UpdateWebhook;

impl Operation for UpdateWebhook {
    const NAME: &'static str = "update_webhook";
    const DOC: &'static str = "Change an endpoint's url, events or description, or switch it on or off.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = UpdateWebhookInput;
    type Output = WebhookView;
}

impl Write for UpdateWebhook {
    fn run(input: UpdateWebhookInput, ctx: &Ctx, tx: &WriteTx) -> Result<WebhookView> {
        let mut webhook = find_own(tx, ctx, &input.id)?;
        if let Some(url) = input.url {
            check_url(&url, ctx.config(), ctx.mode)?;
            (webhook.url, webhook.failing_since) = (url.as_str().to_owned(), None);
        }
        if let Some(events) = input.events {
            webhook.events = subscription(events);
        }
        if let Some(description) = input.description {
            webhook.description = Some(description.as_str().to_owned()).filter(|text| !text.is_empty());
        }
        if let Some(active) = input.active {
            (webhook.active, webhook.disabled_reason) = (active, None);
            webhook.failing_since = webhook.failing_since.filter(|_| !active);
        }
        tx.update_webhook(&webhook)?;
        Ok(WebhookView::of(webhook, ctx))
    }
}

input! {
    pub struct TestWebhookInput {
        /// The endpoint's id.
        id as "webhookId": WebhookId,
        /// The event to send a sample of; the first of the endpoint's by default.
        event as "event": Option<EventType>,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestedWebhook {
    /// What came of it stands in the endpoint's deliveries.
    pub delivery_id: DeliveryId,
    pub event: EventType,
}

pub struct TestWebhook;

impl Operation for TestWebhook {
    const NAME: &'static str = "test_webhook";
    const DOC: &'static str = "Send a sample event about a task that does not exist, signed, logged and retried like any other.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = TestWebhookInput;
    type Output = TestedWebhook;
}

impl Write for TestWebhook {
    fn run(input: TestWebhookInput, ctx: &Ctx, tx: &WriteTx) -> Result<TestedWebhook> {
        let endpoint = find_active(tx, ctx, &input.id)?;
        let event = input.event.or(endpoint.events.first().copied()).unwrap_or(EventType::Completed);
        let delivery_id = tx.insert_test_event(ctx.mode, event, &webhook::sample(event, ctx.now), &endpoint.id, ctx.now)?;
        Ok(TestedWebhook { delivery_id, event })
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotatedSecret {
    /// Signs every delivery from now on; shown only now.
    pub secret: Secret,
    /// Until then the old one signs, too, in headers of its own.
    pub previous_secret_until: Timestamp,
    #[serde(flatten)]
    pub view: WebhookView,
}

input! {
    pub struct RotateSecretInput {
        /// The endpoint's id.
        id as "webhookId": WebhookId,
    }
}

pub struct RotateSecret;

impl Operation for RotateSecret {
    const NAME: &'static str = "rotate_webhook_secret";
    const DOC: &'static str =
        "Replace an endpoint's secret; for 24 h, or until the next rotation, the old one signs, too, in X-Humans2AI-Signature-Previous.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = RotateSecretInput;
    type Output = RotatedSecret;

    fn redact(rotated: &RotatedSecret) -> Option<RotatedSecret> {
        let (previous_secret_until, view) = (rotated.previous_secret_until, rotated.view.clone());
        Some(RotatedSecret { secret: redacted(), previous_secret_until, view })
    }
}

impl Write for RotateSecret {
    fn run(input: RotateSecretInput, ctx: &Ctx, tx: &WriteTx) -> Result<RotatedSecret> {
        let endpoint = find_own(tx, ctx, &input.id)?;
        let (secret, previous_secret_until) = (webhook::secret(ctx.random()?), ctx.now.plus_ms(DAY_MS));
        tx.update_webhook_secret(&endpoint.id, &secret, previous_secret_until)?;
        Ok(RotatedSecret { secret, previous_secret_until, view: WebhookView::of(endpoint, ctx) })
    }
}

fn redacted() -> Secret {
    Secret::new("whsec_…".into())
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
        let (webhooks, total) = tx.list_webhooks_page(ctx.user_id()?, ctx.mode, query.page())?;
        query.answer(webhooks.into_iter().map(|webhook| WebhookView::of(webhook, ctx)).collect(), total)
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
        let webhook = find_own(tx, ctx, &input.id)?;
        tx.delete_webhook(&webhook.id, ctx.now)?;
        Ok(DeletedWebhook { id: webhook.id, deleted: true })
    }
}
