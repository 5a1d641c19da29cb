//! The chat of a task (contract §6).

use super::page::paged_input;
use super::task::find_visible;
use super::{Answer, Ctx, Operation, Read, Write, outbox};
use crate::domain::actor::{Access, Scope};
use crate::domain::event::EventType;
use crate::domain::field::input;
use crate::domain::id::{MessageId, TaskId, UserId};
use crate::domain::task::Task;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{Message, ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    pub id: MessageId,
    pub task_id: TaskId,
    pub sender_id: UserId,
    pub content: String,
    pub created_at: Timestamp,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let Message { id, task_id, sender_id, content, created_at, .. } = message;
        MessageView { id, task_id, sender_id, content, created_at }
    }
}

fn find_as_participant(tx: &ReadTx, ctx: &Ctx, id: &TaskId) -> Result<Task> {
    let task = find_visible(tx, ctx, id)?;
    if task.is_participant(ctx.user_id()?) {
        return Ok(task);
    }
    Err(Error::Forbidden("Only the task's owner and its assignee can use its chat".into()))
}

paged_input! {
    by cursor pub struct ListMessagesInput {
        /// The task's id.
        task_id as "taskId": TaskId,
    }
}

pub struct ListMessages;

impl Operation for ListMessages {
    const NAME: &'static str = "list_messages";
    const DOC: &'static str = "Get the messages of a task, oldest first (participants only).";
    const ACCESS: Access = Access::Scope(Scope::MessagesRead);
    const PAGED: bool = true;
    type Input = ListMessagesInput;
    type Output = Vec<MessageView>;
}

impl Read for ListMessages {
    fn run(input: ListMessagesInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<MessageView>>> {
        let task = find_as_participant(tx, ctx, &input.task_id)?;
        let query = input.query();
        let (messages, total) = tx.list_messages(&task.id, query.page())?;
        let last_seq = messages.last().map(|message| message.seq);
        query.answer_with_cursor(messages.into_iter().map(MessageView::from).collect(), total, last_seq)
    }
}

input! {
    pub struct SendMessageInput {
        /// The task's id.
        task_id as "taskId": TaskId,
        /// The message, at most 2 000 characters.
        content as "content": Text<1, 2000>,
    }
}

pub struct SendMessage;

impl Operation for SendMessage {
    const NAME: &'static str = "send_message";
    const DOC: &'static str = "Send a message in the task chat (max 2 000 characters).";
    const ACCESS: Access = Access::Scope(Scope::MessagesWrite);
    type Input = SendMessageInput;
    type Output = MessageView;
}

impl Write for SendMessage {
    fn run(input: SendMessageInput, ctx: &Ctx, tx: &WriteTx) -> Result<MessageView> {
        let task = find_as_participant(tx, ctx, &input.task_id)?;
        let sender = ctx.user_id()?;
        let no_one = || Error::StateConflict(format!("The task is {}; a message needs an assigned human", task.status));
        let receiver = task.counterpart(sender).ok_or_else(no_one)?;
        let message = Message {
            seq: 0,
            id: ctx.new_id()?,
            task_id: task.id.clone(),
            sender_id: sender.clone(),
            content: input.content.as_str().to_owned(),
            created_at: ctx.now,
        };
        tx.insert_message(&message)?;
        // Nobody is told of their own message.
        let told = if task.agent_id == *receiver { (Some(receiver), None) } else { (None, Some(receiver)) };
        let data = json!({ "messageId": message.id, "senderId": sender, "content": message.content, "sentAt": ctx.now });
        outbox::emit_to(tx, ctx, EventType::MessageReceived, &task, told, data)?;
        let start: String = message.content.chars().take(200).collect();
        outbox::notify(tx, ctx, receiver, EventType::MessageReceived, &task, format!("\"{}\": {start}", task.title))?;
        Ok(message.into())
    }
}
