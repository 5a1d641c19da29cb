//! Notifications (contract §6).

use super::page::paged_input;
use super::{Answer, Ctx, Operation, Read, Write};
use crate::domain::actor::{Access, Scope};
use crate::domain::field::{List, input};
use crate::domain::id::{NotificationId, TaskId};
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{Notification, ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationView {
    pub id: NotificationId,
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    pub read: bool,
    pub created_at: Timestamp,
}

impl From<Notification> for NotificationView {
    fn from(notification: Notification) -> Self {
        let Notification { id, kind, title, body, task_id, read, created_at } = notification;
        NotificationView { id, kind, title, body, task_id, read, created_at }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationsView {
    pub notifications: Vec<NotificationView>,
    pub unread_count: i64,
}

paged_input! {
    pub struct ListNotificationsInput {}
}

pub struct ListNotifications;

impl Operation for ListNotifications {
    const NAME: &'static str = "list_notifications";
    const DOC: &'static str = "List your notifications, newest first, and the number of unread ones.";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    const PAGED: bool = true;
    type Input = ListNotificationsInput;
    type Output = NotificationsView;
}

impl Read for ListNotifications {
    fn run(input: ListNotificationsInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<NotificationsView>> {
        let query = input.query();
        let user = ctx.user_id()?;
        let (total, unread_count) = tx.count_notifications(user, ctx.mode)?;
        let notifications = tx.list_notifications(user, ctx.mode, query.page())?.into_iter().map(NotificationView::from).collect();
        query.answer(NotificationsView { notifications, unread_count }, total)
    }
}

input! {
    pub struct MarkNotificationsInput {
        /// The notifications to mark as read; or all.
        ids as "ids": Option<List<NotificationId, 100>>,
        /// Marks every one as read.
        all as "all": bool = "false",
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkedView {
    /// How many were unread until now.
    pub updated: usize,
    pub unread_count: i64,
}

pub struct MarkNotifications;

impl Operation for MarkNotifications {
    const NAME: &'static str = "mark_notifications_read";
    const DOC: &'static str = "Mark notifications as read by ids, or all of them.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = MarkNotificationsInput;
    type Output = MarkedView;
}

impl Write for MarkNotifications {
    fn run(input: MarkNotificationsInput, ctx: &Ctx, tx: &WriteTx) -> Result<MarkedView> {
        let user = ctx.user_id()?;
        let updated = match (input.ids, input.all) {
            (None, true) => tx.update_all_notifications_read(user, ctx.mode)?,
            (Some(List(ids)), false) => {
                let marked = ids.iter().map(|id| tx.update_notification_read(user, ctx.mode, id));
                marked.sum::<Result<usize>>()?
            }
            _ => return Err(Error::validation("ids or all is required: a list of notification ids, or all: true")),
        };
        Ok(MarkedView { updated, unread_count: tx.count_notifications(user, ctx.mode)?.1 })
    }
}
