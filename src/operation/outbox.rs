//! Who is told what, in the transaction that caused it: an event for webhooks, notifications for people.

use super::Ctx;
use super::sandbox::autopilot;
use crate::domain::Result;
use crate::domain::event::EventType;
use crate::domain::fault::FaultKind;
use crate::domain::id::{Id, UserId};
use crate::domain::named::Named;
use crate::domain::task::Task;
use crate::domain::time::SECOND_MS;
use crate::domain::webhook::{DisabledReason, Misdelivery};
use crate::store::{Arrival, Event, Notification, Webhook, WriteTx};
use serde_json::{Map, Value};

/// Writes the event about `task` for its owner and assignee, with `data` beside what every event has.
pub fn emit(tx: &WriteTx, ctx: &Ctx, kind: EventType, task: &Task, data: Value) -> Result<()> {
    emit_to(tx, ctx, kind, task, (Some(&task.agent_id), task.human_id.as_ref()), data)
}

/// As [`emit`], to those of the two who are named.
pub fn emit_to(
    tx: &WriteTx,
    ctx: &Ctx,
    kind: EventType,
    task: &Task,
    (owner, human): (Option<&UserId>, Option<&UserId>),
    data: Value,
) -> Result<()> {
    let mut fields = Map::new();
    fields.insert("taskTitle".into(), task.title.clone().into());
    if let Some(human) = &task.human_id {
        fields.insert("humanDisplayId".into(), human.as_str().into());
    }
    if let Value::Object(own) = data {
        fields.extend(own);
    }
    let event = Event { kind, task_id: &task.id, owner, human, data: Value::Object(fields), arrival: arrival(ctx, task) };
    tx.insert_event(ctx.mode, &event, ctx.now)?;
    autopilot::react(tx, ctx, kind, task, human)
}

/// How a sandbox was asked to have the event arrive, by its request or by the task's values.
fn arrival(ctx: &Ctx, task: &Task) -> Arrival {
    if ctx.mode.is_live() {
        return Arrival::InTurn;
    }
    let of_task = || FaultKind::asked(&task.title, task.metadata.as_ref()).ok().flatten().and_then(FaultKind::misdelivery);
    match ctx.fault.and_then(|fault| fault.kind.misdelivery()).or_else(of_task) {
        None => Arrival::InTurn,
        Some(Misdelivery::Twice) => Arrival::Twice,
        Some(Misdelivery::Late) => {
            // As after a first attempt that failed.
            let delay = ctx.config().webhooks.retry_delays.first().copied().unwrap_or_default();
            Arrival::Late(ctx.now.plus_ms(i64::from(delay) * SECOND_MS))
        }
    }
}

/// Tells `user` about what happened to `task`.
pub fn notify(tx: &WriteTx, ctx: &Ctx, user: &UserId, kind: EventType, task: &Task, body: impl Into<String>) -> Result<()> {
    let notification = Notification {
        id: ctx.new_id()?,
        kind: kind.as_str().to_owned(),
        title: title(kind).to_owned(),
        body: body.into(),
        task_id: Some(task.id.clone()),
        read: false,
        created_at: ctx.now,
    };
    tx.insert_notification(user, ctx.mode, &notification)
}

/// Tells `user` that the server switched off their endpoint.
pub fn notify_of_webhook(tx: &WriteTx, ctx: &Ctx, user: &UserId, webhook: &Webhook) -> Result<()> {
    let why = match webhook.disabled_reason {
        Some(DisabledReason::Gone) => "answered 410 Gone",
        _ => "has failed for 5 days",
    };
    let notification = Notification {
        id: ctx.new_id()?,
        kind: "webhook.disabled".to_owned(),
        title: "Webhook disabled".to_owned(),
        body: format!("{} ({}) {why}; PATCH it with active: true to go on, then redeliver what failed", webhook.url, webhook.id),
        task_id: None,
        read: false,
        created_at: ctx.now,
    };
    tx.insert_notification(user, ctx.mode, &notification)
}

fn title(kind: EventType) -> &'static str {
    match kind {
        EventType::HumanAccepted => "Applicant selected",
        EventType::Submitted => "Proof submitted",
        EventType::Completed => "Task completed",
        EventType::Expired => "Task expired",
        EventType::Disputed => "Task disputed",
        EventType::MessageReceived => "New message",
        EventType::Created => "Task created",
        EventType::ApplicationReceived => "New application",
        EventType::Rejected => "Submission rejected",
        EventType::Cancelled => "Task cancelled",
        EventType::Refunded => "Task refunded",
    }
}
