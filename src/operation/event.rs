//! The feed of events, for agents that have no public URL: the same events as the webhooks', to be asked for.

use super::page::PageLimit;
use super::task::find_visible;
use super::{Answer, Ctx, Operation, Read, Watch};
use crate::domain::actor::{Access, Scope};
use crate::domain::event::EventType;
use crate::domain::field::{FieldError, FieldType, List, Raw, Whole, input};
use crate::domain::id::{EventId, TaskId};
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{KeptEvent, ReadTx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// How many events one look goes through for those of the types asked for.
const MAX_LOOKED: usize = 1_000;

/// Where to go on: after a seq, or after whatever is the newest now.
#[derive(Debug, Clone, Copy)]
pub enum After {
    Seq(i64),
    Latest,
}

impl FieldType for After {
    const KIND: &'static str = "a whole number or latest";

    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "pattern": "^(latest|[0-9]{1,18})$" })
    }

    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        let text = match raw {
            Raw::Text("latest") => return Ok(After::Latest),
            Raw::Json(serde_json::Value::String(text)) if text == "latest" => return Ok(After::Latest),
            raw => raw.number()?,
        };
        let digits = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let seq = text.parse().ok().filter(|_| digits);
        seq.map(After::Seq).ok_or_else(|| FieldError::Rule("must be the next of an earlier answer, or latest".into()))
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    /// Strictly increasing, with gaps: others' events are counted, too.
    pub seq: i64,
    /// The webhook-id of its deliveries.
    pub id: EventId,
    pub event: EventType,
    pub task_id: TaskId,
    /// As in a webhook.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub data: Box<RawValue>,
    pub created_at: Timestamp,
}

impl From<KeptEvent> for EventView {
    fn from(event: KeptEvent) -> Self {
        let KeptEvent { seq, id, kind, task_id, data, created_at } = event;
        EventView { seq, id, event: kind, task_id, data, created_at }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedView {
    /// Oldest first.
    pub events: Vec<EventView>,
    /// Pass it as `after` to go on.
    pub next: i64,
    /// Whether there are more already.
    pub has_more: bool,
}

/// Collects from `next_page` (what comes after a seq, at most so many) the first `limit` events of these types.
fn collect(
    tx: &ReadTx,
    after: i64,
    limit: PageLimit,
    types: Option<&[EventType]>,
    next_page: impl Fn(i64, usize) -> Result<Vec<KeptEvent>>,
) -> Result<FeedView> {
    const PAGE: usize = 101;
    let limit = usize::try_from(limit.0).unwrap_or(usize::MAX);
    let (mut events, mut reached, mut looked) = (Vec::<EventView>::new(), after, 0);
    let has_more = loop {
        let page = next_page(reached, PAGE)?;
        let (length, last) = (page.len(), page.last().map(|event| event.seq));
        looked += length;
        let wanted = page.into_iter().filter(|event| types.is_none_or(|types| types.contains(&event.kind)));
        events.extend(wanted.map(EventView::from));
        if events.len() > limit {
            events.truncate(limit);
            reached = events.last().map_or(after, |event| event.seq);
            break true;
        }
        if length < PAGE {
            // Past everyone's newest, so that the cursor of a quiet account does not grow old.
            reached = tx.find_last_event()?;
            break false;
        }
        reached = last.unwrap_or(reached);
        if looked >= MAX_LOOKED {
            break true;
        }
    };
    Ok(FeedView { events, next: reached, has_more })
}

/// The seq to go on after.
///
/// # Errors
/// [`Error::CursorExpired`] if some after it are swept, or it is of another database.
fn start(tx: &ReadTx, ctx: &Ctx, after: Option<After>) -> Result<i64> {
    match after {
        None => Ok(0),
        Some(After::Latest) => tx.find_last_event(),
        Some(After::Seq(seq)) => {
            let kept = seq == 0 || (tx.find_swept_events(ctx.mode)? <= seq && seq <= tx.find_last_event()?);
            kept.then_some(seq).ok_or(Error::CursorExpired)
        }
    }
}

input! {
    pub struct ListEventsInput {
        /// The next of an earlier answer; absent begins with the oldest event kept, latest with those to come.
        after as "after": Option<After>,
        /// Only these events, separated by commas.
        types as "types": Option<List<EventType, 11, 1>>,
        /// How many events to answer with, at most.
        limit as "limit": PageLimit = "20",
        /// Seconds to wait for an event if there is none.
        wait as "wait": Whole<0, 25> = "0",
    }
}

pub struct ListEvents;

impl Operation for ListEvents {
    const NAME: &'static str = "list_events";
    const DOC: &'static str =
        "What you were told, oldest first: the events of the webhooks, kept to be asked for; wait makes it a long poll.";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    const EXPIRES: bool = true;
    type Input = ListEventsInput;
    type Output = FeedView;
}

impl Watch for ListEvents {
    fn patience(input: &ListEventsInput) -> Duration {
        Duration::from_secs(input.wait.0.into())
    }

    fn look(input: &mut ListEventsInput, ctx: &Ctx, tx: &ReadTx, last: bool) -> Result<Option<Answer<FeedView>>> {
        let (user, after) = (ctx.user_id()?, start(tx, ctx, input.after)?);
        let types = input.types.as_ref().map(|types| types.0.as_slice());
        let feed = collect(tx, after, input.limit, types, |after, limit| tx.list_events(user, ctx.mode, after, limit))?;
        input.after = Some(After::Seq(feed.next));
        let answer = last || !feed.events.is_empty() || feed.has_more;
        Ok(answer.then(|| feed.into()))
    }
}

input! {
    pub struct ListTaskEventsInput {
        /// The task's id.
        task_id as "taskId": TaskId,
        /// The next of an earlier answer; absent begins with the oldest event kept.
        after as "after": Option<After>,
        /// How many events to answer with, at most.
        limit as "limit": PageLimit = "20",
    }
}

pub struct ListTaskEvents;

impl Operation for ListTaskEvents {
    const NAME: &'static str = "list_task_events";
    const DOC: &'static str = "What you were told about a task, oldest first.";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    const EXPIRES: bool = true;
    type Input = ListTaskEventsInput;
    type Output = FeedView;
}

impl Read for ListTaskEvents {
    fn run(input: ListTaskEventsInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<FeedView>> {
        let task = find_visible(tx, ctx, &input.task_id)?;
        let (user, after) = (ctx.user_id()?, start(tx, ctx, input.after)?);
        Ok(collect(tx, after, input.limit, None, |after, limit| tx.list_task_events(user, &task.id, after, limit))?.into())
    }
}
