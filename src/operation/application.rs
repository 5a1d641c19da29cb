//! Applying for tasks, and choosing who does them (contract §6).

use super::page::paged_input;
use super::task::{TaskView, advance, find_owned};
use super::{Answer, Ctx, Operation, Read, Write, outbox};
use crate::domain::actor::{Access, Role, Scope};
use crate::domain::error::Resource;
use crate::domain::event::EventType;
use crate::domain::field::input;
use crate::domain::id::{ApplicationId, TaskId, UserId};
use crate::domain::money::Money;
use crate::domain::task::{Application, ApplicationStatus, Selection, Task, TaskEvent, TaskStatus};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationView {
    pub id: ApplicationId,
    pub task_id: TaskId,
    pub human_id: UserId,
    pub status: ApplicationStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub created_at: Timestamp,
}

impl From<Application> for ApplicationView {
    fn from(application: Application) -> Self {
        let Application { id, task_id, human_id, status, message, created_at } = application;
        ApplicationView { id, task_id, human_id, status, message, created_at }
    }
}

input! {
    pub struct ApplyInput {
        /// The task's id.
        task_id as "taskId": TaskId,
        /// Why you are the one for it.
        message as "message": Option<Text<1, 2000>>,
    }
}

pub struct ApplyForTask;

impl Operation for ApplyForTask {
    const NAME: &'static str = "apply_for_task";
    const DOC: &'static str = "Apply for an open task as a human executor, once.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    const ROLE: Option<Role> = Some(Role::Human);
    type Input = ApplyInput;
    type Output = ApplicationView;
}

impl Write for ApplyForTask {
    fn run(input: ApplyInput, ctx: &Ctx, tx: &WriteTx) -> Result<ApplicationView> {
        // Until someone else was faster the task was everyone's to see, so who comes too late is told so.
        let mut task = tx.find_task(ctx.mode, &input.task_id)?.ok_or(Error::NotFound(Resource::Task))?;
        task.status.apply(TaskEvent::Apply)?;
        task.check_deadline(TaskEvent::Apply, ctx.now)?;
        let human = ctx.user_id()?;
        if tx.find_application_of(&task.id, human)?.is_some() {
            return Err(Error::StateConflict("You have applied for this task already; applying is possible once".into()));
        }
        let mut application = Application {
            id: ctx.new_id()?,
            task_id: task.id.clone(),
            human_id: human.clone(),
            status: ApplicationStatus::Pending,
            message: input.message.map(|message| message.as_str().to_owned()),
            created_at: ctx.now,
        };
        tx.insert_application(&application, ctx.mode)?;
        let data = json!({ "applicationId": application.id, "applicantId": human, "appliedAt": ctx.now });
        outbox::emit(tx, ctx, EventType::ApplicationReceived, &task, data)?;
        let body = format!("A human applied for \"{}\"", task.title);
        outbox::notify(tx, ctx, &task.agent_id, EventType::ApplicationReceived, &task, body)?;
        if task.selection == Selection::First {
            assign(tx, ctx, &mut task, &application)?;
            application.status = ApplicationStatus::Selected;
        }
        Ok(application.into())
    }
}

/// Makes the applicant the task's assignee; the others are told that they are not.
fn assign(tx: &WriteTx, ctx: &Ctx, task: &mut Task, application: &Application) -> Result<()> {
    task.human_id = Some(application.human_id.clone());
    advance(tx, ctx, task, TaskEvent::Select)?;
    tx.update_selected_application(&task.id, &application.id)?;
    let data = json!({ "applicationId": application.id, "acceptedAt": ctx.now });
    outbox::emit(tx, ctx, EventType::HumanAccepted, task, data)?;
    let body = format!("You were selected for \"{}\"; submit your proof before {}", task.title, task.deadline);
    outbox::notify(tx, ctx, &application.human_id, EventType::HumanAccepted, task, body)?;
    for human in tx.list_not_selected(&task.id)? {
        outbox::notify(tx, ctx, &human, EventType::HumanAccepted, task, format!("Another applicant was selected for \"{}\"", task.title))?;
    }
    Ok(())
}

paged_input! {
    pub struct ListApplicationsInput {
        /// The task's id.
        task_id as "taskId": TaskId,
    }
}

pub struct ListApplications;

impl Operation for ListApplications {
    const NAME: &'static str = "list_applications";
    const DOC: &'static str = "List the applications for a task (task owner only), oldest first.";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    const PAGED: bool = true;
    type Input = ListApplicationsInput;
    type Output = Vec<ApplicationView>;
}

impl Read for ListApplications {
    fn run(input: ListApplicationsInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<ApplicationView>>> {
        let task = find_owned(tx, ctx, &input.task_id)?;
        let query = input.query();
        let applications = tx.list_applications(&task.id, query.page())?;
        query.answer(applications.into_iter().map(ApplicationView::from).collect(), task.applicant_count)
    }
}

input! {
    pub struct SelectInput {
        /// The task's id.
        task_id as "taskId": TaskId,
        /// The application to select; or name its humanId.
        application as "applicationId": Option<ApplicationId>,
        /// The applicant to select; or name the applicationId.
        human as "humanId": Option<UserId>,
    }
}

pub struct SelectApplicant;

impl Operation for SelectApplicant {
    const NAME: &'static str = "select_applicant";
    const DOC: &'static str = "Select an applicant: the task becomes assigned and the others are not selected.";
    const ACCESS: Access = Access::Scope(Scope::TasksWrite);
    type Input = SelectInput;
    type Output = TaskView;
}

impl Write for SelectApplicant {
    fn run(input: SelectInput, ctx: &Ctx, tx: &WriteTx) -> Result<TaskView> {
        let mut task = find_owned(tx, ctx, &input.task_id)?;
        let found = match (&input.application, &input.human) {
            (Some(id), None) => tx.find_application(&task.id, id)?,
            (None, Some(human)) => tx.find_application_of(&task.id, human)?,
            _ => return Err(Error::validation("applicationId or humanId is required, and only one of them")),
        };
        task.status.apply(TaskEvent::Select)?;
        task.check_deadline(TaskEvent::Select, ctx.now)?;
        let application = found.ok_or(Error::NotFound(Resource::Application))?;
        assign(tx, ctx, &mut task, &application)?;
        Ok(TaskView::of(task, ctx.user_id()?))
    }
}

/// The task an application is for, in short.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskContext {
    pub id: TaskId,
    pub title: String,
    pub category: String,
    pub status: TaskStatus,
    pub budget: Money,
    pub deadline: Timestamp,
    pub agent_id: UserId,
    pub agent_name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct MyApplicationView {
    #[serde(flatten)]
    pub application: ApplicationView,
    pub task: TaskContext,
}

paged_input! {
    pub struct ListMyApplicationsInput {}
}

pub struct ListMyApplications;

impl Operation for ListMyApplications {
    const NAME: &'static str = "list_my_applications";
    const DOC: &'static str = "List your own task applications with their tasks, newest first.";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    const PAGED: bool = true;
    type Input = ListMyApplicationsInput;
    type Output = Vec<MyApplicationView>;
}

impl Read for ListMyApplications {
    fn run(input: ListMyApplicationsInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<MyApplicationView>>> {
        let query = input.query();
        let (applications, total) = tx.list_applications_of(ctx.user_id()?, ctx.mode, query.page())?;
        let with_task = |application: Application| {
            let task = tx.find_task(ctx.mode, &application.task_id)?.ok_or(Error::NotFound(Resource::Task))?;
            Ok(MyApplicationView { application: application.into(), task: context(task) })
        };
        query.answer(applications.into_iter().map(with_task).collect::<Result<_>>()?, total)
    }
}

fn context(task: Task) -> TaskContext {
    let Task { id, title, category, status, budget, deadline, agent_id, agent_name, .. } = task;
    TaskContext { id, title, category, status, budget, deadline, agent_id, agent_name }
}
