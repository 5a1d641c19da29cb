//! Publishing, finding and cancelling tasks (contract §6).

use super::page::paged_input;
use super::{Answer, Ctx, Operation, Read, Write, escrow, outbox};
use crate::domain::actor::{Access, Role, Scope};
use crate::domain::error::Resource;
use crate::domain::event::EventType;
use crate::domain::fault::FaultKind;
use crate::domain::field::{Arguments, Whole, input};
use crate::domain::id::{EscrowId, TaskId, UserId};
use crate::domain::money::{Budget, Money};
use crate::domain::persona::Persona;
use crate::domain::task::{Selection, Task, TaskEvent, TaskStatus, Urgency};
use crate::domain::text::{Metadata, Slug, Text};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::domain::{Error, Result};
use crate::store::{ReadTx, TaskFilter, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A task as its viewers see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    pub id: TaskId,
    pub title: String,
    pub description: String,
    pub category: String,
    pub status: TaskStatus,
    pub budget: Money,
    /// Always A9.
    pub currency: &'static str,
    pub deadline: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    pub remote: bool,
    pub urgency: Urgency,
    pub selection: Selection,
    pub review_hours: u32,
    pub escrow_id: EscrowId,
    pub agent_id: UserId,
    pub agent_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_id: Option<UserId>,
    pub applicant_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    pub livemode: bool,
}

impl TaskView {
    /// `task` as `viewer` sees it: why a submission was rejected is its two participants' business, metadata its owner's.
    pub fn of(task: Task, viewer: &UserId) -> Self {
        let participant = task.is_participant(viewer);
        let owner = task.agent_id == *viewer;
        TaskView {
            id: task.id,
            title: task.title,
            description: task.description,
            category: task.category,
            status: task.status,
            budget: task.budget,
            currency: "A9",
            deadline: task.deadline,
            location: task.location,
            remote: task.remote,
            urgency: task.urgency,
            selection: task.selection,
            review_hours: task.review_hours,
            escrow_id: task.escrow_id,
            agent_id: task.agent_id,
            agent_name: task.agent_name,
            human_id: task.human_id,
            applicant_count: task.applicant_count,
            created_at: task.created_at,
            updated_at: task.updated_at,
            completed_at: task.completed_at,
            rejection_reason: task.rejection_reason.filter(|_| participant),
            metadata: task.metadata.filter(|_| owner).map(|metadata| metadata.0),
            livemode: task.livemode,
        }
    }
}

/// The task if the caller may see it: an open one, or one they own, applied for or do.
pub(super) fn find_visible(tx: &ReadTx, ctx: &Ctx, id: &TaskId) -> Result<Task> {
    let user = ctx.user_id()?;
    let task = tx.find_task(ctx.mode, id)?.ok_or(Error::NotFound(Resource::Task))?;
    let visible = task.status == TaskStatus::Open || task.is_participant(user) || tx.find_application_of(id, user)?.is_some();
    if visible { Ok(task) } else { Err(Error::NotFound(Resource::Task)) }
}

/// The task if the caller owns it; 403 if they can only see it.
pub(super) fn find_owned(tx: &ReadTx, ctx: &Ctx, id: &TaskId) -> Result<Task> {
    let task = find_visible(tx, ctx, id)?;
    if ctx.actor()?.is(&task.agent_id) { Ok(task) } else { Err(Error::Forbidden("Only the task's owner can do this".into())) }
}

/// The task if the caller is its assignee; 403 if they can only see it.
pub(super) fn find_assigned(tx: &ReadTx, ctx: &Ctx, id: &TaskId) -> Result<Task> {
    let task = find_visible(tx, ctx, id)?;
    let assignee = task.human_id.as_ref() == Some(ctx.user_id()?);
    if assignee { Ok(task) } else { Err(Error::Forbidden("Only the human assigned to the task can do this".into())) }
}

/// Moves the task by `event` and saves it.
pub(super) fn advance(tx: &WriteTx, ctx: &Ctx, task: &mut Task, event: TaskEvent) -> Result<()> {
    task.status = task.status.apply(event)?;
    task.updated_at = ctx.now;
    tx.update_task(task)
}

input! {
    pub struct CreateTaskInput {
        /// What is to be done, in a line.
        title as "title": Text<1, 200>,
        /// Everything the human needs to know.
        description as "description": Text<1, 5000>,
        /// The kind of work, such as photography.
        category as "category": Slug,
        /// What the task pays in A9; locked in escrow at once.
        budget as "budget": Budget,
        /// When it must be submitted at the latest: in the future, at most a year ahead.
        deadline as "deadline": Timestamp,
        /// Where it is to be done.
        location as "location": Option<Text<1, 200>>,
        /// Whether it can be done from anywhere.
        remote as "remote": bool = "false",
        /// How soon it is needed.
        urgency as "urgency": Urgency = "medium",
        /// Whether you choose the human, or the first applicant is taken at once.
        selection as "selection": Selection = "manual",
        /// Hours you have to review a submission before it is approved by itself; 0 is for ever.
        review_hours as "reviewHours": Option<Whole<0, 8760>>,
        /// Up to 20 pairs of strings for your own use.
        metadata as "metadata": Option<Metadata>,
    }
}

pub struct CreateTask;

impl Operation for CreateTask {
    const NAME: &'static str = "create_task";
    const DOC: &'static str = "Create a task. Its budget is locked in escrow. Runs the Risk Gate review.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    const ROLE: Option<Role> = Some(Role::Agent);
    type Input = CreateTaskInput;
    type Output = TaskView;

    fn magic(arguments: &Arguments) -> Result<Option<FaultKind>> {
        let metadata: Option<Metadata> = arguments.take("metadata", None)?;
        FaultKind::asked(arguments.take::<Text<1, 200>>("title", None)?.as_str(), metadata.as_ref())
    }
}

impl Write for CreateTask {
    fn review(input: &CreateTaskInput, ctx: &Ctx) -> Result<()> {
        if !ctx.mode.is_live() {
            Persona::asked(input.metadata.as_ref())?;
        }
        check_content(ctx, input)
    }

    fn run(input: CreateTaskInput, ctx: &Ctx, tx: &WriteTx) -> Result<TaskView> {
        check_deadline(ctx, input.deadline)?;
        let task = new_task(ctx, tx, input)?;
        tx.insert_task(&task)?;
        escrow::hold(tx, ctx, &task)?;
        outbox::emit(tx, ctx, EventType::Created, &task, json!({ "createdAt": task.created_at, "budget": task.budget }))?;
        Ok(TaskView::of(task, ctx.user_id()?))
    }
}

fn check_deadline(ctx: &Ctx, deadline: Timestamp) -> Result<()> {
    let days = ctx.config().tasks.max_deadline_days;
    if deadline <= ctx.now {
        return Err(Error::validation("deadline must be in the future"));
    }
    if deadline > ctx.now.plus_ms(i64::from(days) * DAY_MS) {
        return Err(Error::validation(format!("deadline must be at most {days} days ahead")));
    }
    Ok(())
}

fn check_content(ctx: &Ctx, input: &CreateTaskInput) -> Result<()> {
    let mut texts = vec![input.title.as_str(), input.description.as_str(), input.category.as_str()];
    texts.extend(input.location.as_ref().map(Text::as_str));
    texts.extend(input.metadata.iter().flat_map(|metadata| &metadata.0).flat_map(|(name, value)| [name.as_str(), value.as_str()]));
    match ctx.services.risk_gate.check(&texts) {
        Some(category) if ctx.config().risk_gate.enabled => Err(Error::RiskGateBlocked { category: category.to_owned() }),
        _ => Ok(()),
    }
}

fn new_task(ctx: &Ctx, tx: &ReadTx, input: CreateTaskInput) -> Result<Task> {
    let agent = tx.find_user(ctx.user_id()?)?.ok_or(Error::NotFound(Resource::User))?;
    Ok(Task {
        seq: 0,
        id: ctx.new_id()?,
        livemode: ctx.mode.is_live(),
        status: TaskStatus::Open,
        title: input.title.as_str().to_owned(),
        description: input.description.as_str().to_owned(),
        category: input.category.as_str().to_owned(),
        budget: input.budget.money(),
        deadline: input.deadline,
        location: input.location.map(|location| location.as_str().to_owned()),
        remote: input.remote,
        urgency: input.urgency,
        selection: input.selection,
        review_hours: input.review_hours.map_or(ctx.config().tasks.review_hours, |hours| hours.0),
        metadata: input.metadata,
        escrow_id: ctx.new_id()?,
        agent_id: agent.id,
        agent_name: agent.display_name,
        human_id: None,
        applicant_count: 0,
        rejection_reason: None,
        created_at: ctx.now,
        updated_at: ctx.now,
        submitted_at: None,
        completed_at: None,
        dispute_until: None,
    })
}

paged_input! {
    by cursor pub struct ListTasksInput {
        /// Only tasks in this status.
        status as "status": Option<TaskStatus>,
        /// Only tasks of this category.
        category as "category": Option<Slug>,
        /// Only tasks that can, or cannot, be done from anywhere.
        remote as "remote": Option<bool>,
        /// Only tasks this urgent.
        urgency as "urgency": Option<Urgency>,
        /// Only tasks you own, applied for or do.
        mine as "mine": bool = "false",
        /// Only tasks with all these words in title or description; looks at the newest 10 000 matches.
        q as "q": Option<Text<1, 200>>,
    }
}

pub struct ListTasks;

impl Operation for ListTasks {
    const NAME: &'static str = "list_tasks";
    const DOC: &'static str = "List the tasks you may see, newest first. Filters: status, category, remote, urgency.";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    const PAGED: bool = true;
    type Input = ListTasksInput;
    type Output = Vec<TaskView>;
}

impl Read for ListTasks {
    fn run(input: ListTasksInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<TaskView>>> {
        let query = input.query();
        let filter = TaskFilter {
            status: input.status,
            category: input.category.map(|category| category.as_str().to_owned()),
            remote: input.remote,
            urgency: input.urgency,
            mine: input.mine,
            text: input.q.map(|text| text.as_str().to_owned()),
        };
        let viewer = ctx.user_id()?;
        let (tasks, total) = tx.list_tasks(ctx.mode, viewer, &filter, query.page())?;
        let last_seq = tasks.last().map(|task| task.seq);
        query.answer_with_cursor(tasks.into_iter().map(|task| TaskView::of(task, viewer)).collect(), total, last_seq)
    }
}

input! {
    pub struct TaskIdInput {
        /// The task's id.
        task_id as "taskId": TaskId,
    }
}

/// One who takes part in a task.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantView {
    pub user_id: UserId,
    pub role: Role,
    /// Humans stay anonymous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskDetails {
    #[serde(flatten)]
    pub task: TaskView,
    pub participants: Vec<ParticipantView>,
}

impl TaskDetails {
    pub(super) fn of(task: Task, viewer: &UserId) -> Self {
        let agent = ParticipantView { user_id: task.agent_id.clone(), role: Role::Agent, display_name: Some(task.agent_name.clone()) };
        let human = task.human_id.clone().map(|user_id| ParticipantView { user_id, role: Role::Human, display_name: None });
        TaskDetails { task: TaskView::of(task, viewer), participants: std::iter::once(agent).chain(human).collect() }
    }
}

pub struct GetTask;

impl Operation for GetTask {
    const NAME: &'static str = "get_task";
    const DOC: &'static str = "Get a task's details with its status, budget and participants.";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    type Input = TaskIdInput;
    type Output = TaskDetails;
}

impl Read for GetTask {
    fn run(input: TaskIdInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<TaskDetails>> {
        let task = find_visible(tx, ctx, &input.task_id)?;
        Ok(TaskDetails::of(task, ctx.user_id()?).into())
    }
}

pub struct CancelTask;

impl Operation for CancelTask {
    const NAME: &'static str = "cancel_task";
    const DOC: &'static str = "Cancel an open task. The escrow returns to your wallet in full; this cannot be undone.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = TaskIdInput;
    type Output = TaskView;
}

impl Write for CancelTask {
    fn run(input: TaskIdInput, ctx: &Ctx, tx: &WriteTx) -> Result<TaskView> {
        let mut task = find_owned(tx, ctx, &input.task_id)?;
        advance(tx, ctx, &mut task, TaskEvent::Cancel)?;
        let settlement = escrow::refund(tx, ctx, &task)?;
        outbox::emit(tx, ctx, EventType::Cancelled, &task, json!({ "cancelledAt": ctx.now, "refunded": settlement.refund }))?;
        for human in tx.list_applicants(&task.id)? {
            outbox::notify(tx, ctx, &human, EventType::Cancelled, &task, format!("\"{}\" was cancelled by its owner", task.title))?;
        }
        Ok(TaskView::of(task, ctx.user_id()?))
    }
}
