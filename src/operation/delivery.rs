//! Deliveries: what is sent next, what comes of it, and the log of it all (contract §7).

use super::page::paged_input;
use super::webhook::find_own;
use super::{Answer, Ctx, Operation, Read, Services, Write, outbox};
use crate::domain::actor::{Access, Mode, Scope};
use crate::domain::error::Resource;
use crate::domain::event::EventType;
use crate::domain::field::input;
use crate::domain::id::{DeliveryId, EventId, TaskId, WebhookId};
use crate::domain::time::{DAY_MS, SECOND_MS, Timestamp};
use crate::domain::webhook::{DeliveryState, DisabledReason, Misdelivery, Outgoing};
use crate::domain::{Error, Result};
use crate::store::{Attempt, Delivery, ReadTx, Webhook, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// An endpoint that nothing reached for so long is switched off.
const FAILING_FOR_MS: i64 = 5 * DAY_MS;
/// Deliveries redelivered by one call.
const MAX_REDELIVERED: usize = 1_000;
const GONE: u16 = 410;

/// What an endpoint needs next.
pub enum Next {
    Send(Box<Ready>),
    /// It is switched off: what is pending is to be given up.
    GiveUp,
    /// Nothing for so long, or until it is told.
    Wait(Option<Duration>),
}

/// A delivery to be sent.
pub struct Ready {
    pub delivery: Delivery,
    pub outgoing: Outgoing,
    pub url: String,
    pub mode: Mode,
}

/// What the endpoint needs next: a retry that is due goes before what was not tried yet, so that it stays near its turn.
pub fn next(tx: &ReadTx, services: &Services, id: &WebhookId) -> Result<Next> {
    let Some(endpoint) = tx.find_endpoint(id)? else { return Ok(Next::Wait(None)) };
    let now = services.clocks.now(endpoint.mode);
    let retry = tx.find_next_retry(id)?;
    let retry_at = retry.as_ref().and_then(|retry| retry.retry_at);
    let due = retry.filter(|_| retry_at.is_some_and(|at| is_due(services, at, now)));
    let delivery = due.map_or_else(|| tx.find_untried_delivery(id), |retry| Ok(Some(retry)))?;
    if !endpoint.is_sent_to() && (delivery.is_some() || retry_at.is_some()) {
        return Ok(Next::GiveUp);
    }
    let Some(delivery) = delivery else { return Ok(Next::Wait(retry_at.map(|at| wait(services, at, now)))) };
    let outgoing = Outgoing {
        delivery_id: delivery.id.clone(),
        event_id: delivery.event_id.clone(),
        event: delivery.event,
        task_id: delivery.task_id.clone(),
        data: tx.find_event_data(delivery.event_seq)?,
        secrets: tx.find_signing_secrets(id, now)?,
    };
    Ok(Next::Send(Box::new(Ready { delivery, outgoing, url: endpoint.webhook.url, mode: endpoint.mode })))
}

/// Every endpoint with something pending, of one mode or both, and how long there is nothing to do for it.
pub fn waiting(tx: &ReadTx, services: &Services, of: Option<Mode>) -> Result<Vec<(WebhookId, Duration)>> {
    let endpoints = tx.list_waiting_endpoints()?.into_iter().filter(|endpoint| of.is_none_or(|mode| mode == endpoint.mode));
    let rest = |retry_at: Option<Timestamp>, mode| retry_at.map_or(Duration::ZERO, |at| wait(services, at, services.clocks.now(mode)));
    Ok(endpoints.map(|endpoint| (endpoint.webhook_id, rest(endpoint.retry_at, endpoint.mode))).collect())
}

fn wait(services: &Services, retry_at: Timestamp, now: Timestamp) -> Duration {
    let ms = if is_due(services, retry_at, now) { 0 } else { retry_at.millis() - now.millis() };
    Duration::from_millis(ms.unsigned_abs())
}

/// Whether a retry's time has come. One further away than any retry ever is was set by a clock that has been turned back.
fn is_due(services: &Services, retry_at: Timestamp, now: Timestamp) -> bool {
    let longest = services.config.webhooks.retry_delays.iter().max().copied().unwrap_or_default();
    retry_at <= now || retry_at > now.plus_ms(i64::from(longest) * SECOND_MS)
}

/// Logs the attempt, made at `url`, and decides what becomes of the delivery and its endpoint.
pub fn record(tx: &WriteTx, ctx: &Ctx, sent: &Delivery, url: &str, attempt: &Attempt) -> Result<()> {
    let Some(mut endpoint) = tx.find_endpoint(&sent.webhook_id)? else { return Ok(()) };
    let Some(mut delivery) = tx.find_delivery(&sent.webhook_id, &sent.id)? else { return Ok(()) };
    let misdelivery = delivery.misdelivery.take();
    tx.insert_attempt(&delivery.id, attempt)?;
    if !ctx.mode.is_live() {
        ctx.services.sandbox.count_attempt();
    }
    let delays = &ctx.config().webhooks.retry_delays;
    let retry = delays.get(usize::try_from(delivery.retries).unwrap_or(usize::MAX));
    let webhook = &mut endpoint.webhook;
    if is_success(attempt) {
        (delivery.state, delivery.retry_at) = match misdelivery {
            Some(Misdelivery::Twice) => (DeliveryState::Pending, Some(ctx.now)),
            _ => (DeliveryState::Delivered, None),
        };
        if !ctx.mode.is_live() {
            tx.release_overtaken_delivery(&delivery)?;
        }
        if webhook.failing_since.take().is_some() {
            tx.update_webhook(webhook)?;
        }
        return tx.update_delivery(&delivery);
    }
    if let Some(delay) = retry {
        delivery.retries += 1;
        delivery.retry_at = Some(ctx.now.plus_ms(i64::from(*delay) * SECOND_MS));
    } else {
        (delivery.state, delivery.retry_at) = (DeliveryState::Failed, None);
    }
    tx.update_delivery(&delivery)?;
    if webhook.url != url {
        // It has moved meanwhile: what its old address says is no fault of the new one.
        return Ok(());
    }
    let known = webhook.failing_since.is_some();
    let since = *webhook.failing_since.get_or_insert(ctx.now);
    let reason = match attempt.status {
        Some(GONE) => Some(DisabledReason::Gone),
        _ if ctx.now.millis() - since.millis() >= FAILING_FOR_MS => Some(DisabledReason::Failing),
        _ => None,
    };
    match reason.filter(|_| webhook.active) {
        Some(reason) => {
            disable(tx, webhook, reason)?;
            outbox::notify_of_webhook(tx, ctx, &endpoint.user_id, &endpoint.webhook)
        }
        None if known => Ok(()),
        None => tx.update_webhook(webhook),
    }
}

fn is_success(attempt: &Attempt) -> bool {
    attempt.status.is_some_and(|status| (200..300).contains(&status))
}

fn disable(tx: &WriteTx, webhook: &mut Webhook, reason: DisabledReason) -> Result<()> {
    (webhook.active, webhook.disabled_reason) = (false, Some(reason));
    tx.update_webhook(webhook)
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    pub at: Timestamp,
    pub latency_ms: i64,
    /// The HTTP status; absent if there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The answer's first KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let Attempt { at, latency_ms, status, response, error } = attempt;
        AttemptView { at, latency_ms, status, response, error }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    pub id: DeliveryId,
    /// The webhook-id of its attempts, and the event's id in the feed.
    pub event_id: EventId,
    pub event: EventType,
    /// Absent for a test of the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// failed without an attempt: given up when the endpoint was switched off.
    pub state: DeliveryState,
    /// The last 20, the first one first.
    pub attempts: Vec<AttemptView>,
    /// When a pending one is tried again; absent is as soon as its turn comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl DeliveryView {
    fn load(tx: &ReadTx, delivery: Delivery) -> Result<Self> {
        let attempts = tx.list_attempts(&delivery.id)?.into_iter().map(AttemptView::from).collect();
        let Delivery { id, event_id, event, task_id, state, retry_at, created_at, .. } = delivery;
        Ok(DeliveryView { id, event_id, event, task_id, state, attempts, next_attempt_at: retry_at, created_at })
    }
}

paged_input! {
    by cursor pub struct ListDeliveriesInput {
        /// The endpoint's id.
        webhook_id as "webhookId": WebhookId,
        /// Only those in this state.
        state as "state": Option<DeliveryState>,
    }
}

pub struct ListDeliveries;

impl Operation for ListDeliveries {
    const NAME: &'static str = "list_deliveries";
    const DOC: &'static str = "The log of an endpoint's deliveries with their attempts, newest event first.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    const PAGED: bool = true;
    type Input = ListDeliveriesInput;
    type Output = Vec<DeliveryView>;
}

impl Read for ListDeliveries {
    fn run(input: ListDeliveriesInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<DeliveryView>>> {
        let webhook = find_own(tx, ctx, &input.webhook_id)?;
        let query = input.query();
        let (deliveries, total) = tx.list_deliveries(&webhook.id, input.state, query.page())?;
        let last_seq = deliveries.last().map(|delivery| delivery.event_seq);
        let views = deliveries.into_iter().map(|delivery| DeliveryView::load(tx, delivery)).collect::<Result<_>>()?;
        query.answer_with_cursor(views, total, last_seq)
    }
}

input! {
    pub struct RedeliverInput {
        /// The endpoint's id.
        webhook_id as "webhookId": WebhookId,
        /// The delivery's id.
        delivery_id as "deliveryId": DeliveryId,
    }
}

pub struct Redeliver;

impl Operation for Redeliver {
    const NAME: &'static str = "redeliver";
    const DOC: &'static str = "Send a delivery again, or a pending one without waiting for its retry; it gets all its retries anew.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = RedeliverInput;
    type Output = DeliveryView;
}

impl Write for Redeliver {
    fn run(input: RedeliverInput, ctx: &Ctx, tx: &WriteTx) -> Result<DeliveryView> {
        let webhook = find_active(tx, ctx, &input.webhook_id)?;
        let delivery = tx.find_delivery(&webhook.id, &input.delivery_id)?.ok_or(Error::NotFound(Resource::Delivery))?;
        DeliveryView::load(tx, requeue(tx, delivery)?)
    }
}

input! {
    pub struct RedeliverFailedInput {
        /// The endpoint's id.
        webhook_id as "webhookId": WebhookId,
        /// Of events since this time.
        since as "since": Timestamp,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedeliveredView {
    /// How many were queued again: the oldest, at most 1 000.
    pub redelivered: usize,
    /// Whether failed ones are left: call again.
    pub has_more: bool,
}

pub struct RedeliverFailed;

impl Operation for RedeliverFailed {
    const NAME: &'static str = "redeliver_failed";
    const DOC: &'static str = "Send every failed delivery of events since a time again, oldest first, at most 1 000 in a call.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = RedeliverFailedInput;
    type Output = RedeliveredView;
}

impl Write for RedeliverFailed {
    fn run(input: RedeliverFailedInput, ctx: &Ctx, tx: &WriteTx) -> Result<RedeliveredView> {
        let webhook = find_active(tx, ctx, &input.webhook_id)?;
        let mut failed = tx.list_failed_deliveries(&webhook.id, ctx.mode, input.since, MAX_REDELIVERED + 1)?;
        let has_more = failed.len() > MAX_REDELIVERED;
        failed.truncate(MAX_REDELIVERED);
        let redelivered = failed.len();
        failed.into_iter().try_for_each(|delivery| requeue(tx, delivery).map(drop))?;
        Ok(RedeliveredView { redelivered, has_more })
    }
}

fn requeue(tx: &WriteTx, mut delivery: Delivery) -> Result<Delivery> {
    (delivery.state, delivery.retries, delivery.retry_at) = (DeliveryState::Pending, 0, None);
    tx.update_delivery(&delivery)?;
    Ok(delivery)
}

/// The caller's endpoint, to which something can be sent.
pub fn find_active(tx: &ReadTx, ctx: &Ctx, id: &WebhookId) -> Result<Webhook> {
    let webhook = find_own(tx, ctx, id)?;
    if webhook.active {
        return Ok(webhook);
    }
    Err(Error::StateConflict("The endpoint is switched off and must be active; PATCH it with active: true first".into()))
}
