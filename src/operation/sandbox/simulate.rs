//! Scripts: a task's life played step by step, each step a transaction with everything that a request causes.

use super::advance::{self, AdvanceClockInput, Seconds};
use super::human::{check_room, insert_human};
use super::step::{Made, Side, Step};
use super::travel::travel;
use crate::domain::actor::{Access, Mode};
use crate::domain::error::Resource;
use crate::domain::field::{List, input};
use crate::domain::id::{TaskId, UserId};
use crate::domain::task::{Task, TaskStatus};
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::operation::task::find_owned;
use crate::operation::{Ctx, Manual, Operation};
use crate::store::{Db, ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

input! {
    pub struct SimulateInput {
        /// The task's id; it must be yours.
        task_id as "taskId": TaskId,
        /// The steps, in their order.
        script as "script": List<Step, 50, 1>,
        /// Seconds that the test clock moves on between two steps.
        delay_seconds as "delaySeconds": Option<Seconds>,
        /// The simulated human who plays; by default the one who applied or does the task, or a new one where apply is a step.
        human as "humanId": Option<UserId>,
    }
}

/// Why a step was refused.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refused {
    pub code: &'static str,
    pub message: String,
}

/// What happened at a step.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlayedStep {
    pub step: Step,
    pub actor: Side,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The task's, after the step.
    pub status: TaskStatus,
    pub at: Timestamp,
    /// What it made, such as applicationId.
    pub ids: BTreeMap<&'static str, String>,
    /// Why there was nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<&'static str>,
    /// Why it was refused; the script ends there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Refused>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Simulated {
    pub task_id: TaskId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_id: Option<UserId>,
    /// The task's, at the end.
    pub status: TaskStatus,
    /// Whether every step was played.
    pub finished: bool,
    pub steps: Vec<PlayedStep>,
}

pub struct SimulateTask;

impl Operation for SimulateTask {
    const NAME: &'static str = "simulate_task";
    const DOC: &'static str = "Play steps of your task's life with a simulated human, by the operations of everyone; it ends at the first refusal and says why (sandbox).";
    const ACCESS: Access = Access::Sandbox;
    type Input = SimulateInput;
    type Output = Simulated;
}

impl Manual for SimulateTask {
    fn run(input: SimulateInput, ctx: &Ctx, db: &Db) -> Result<Simulated> {
        let (script, task_id) = (input.script.0.clone(), input.task_id.clone());
        let delay = input.delay_seconds;
        if delay.is_some() {
            check_may_travel(ctx)?;
        }
        let cast = ctx.clone();
        let human = db.write(move |tx| cast_human(tx, &cast, &input))?;
        let mut steps: Vec<PlayedStep> = Vec::new();
        for step in &script {
            if delay.is_some() && !steps.is_empty() {
                let target = advance::target(&AdvanceClockInput { seconds: delay, to: None }, ctx.services.clocks.now(Mode::Test))?;
                travel(&ctx.services, db, Some(target))?;
            }
            steps.push(play(ctx, db, &task_id, *step, human.as_ref())?);
            if steps.last().is_some_and(|played| played.error.is_some()) {
                break;
            }
        }
        let task = db.read(|tx| find_owned(tx, ctx, &task_id))?;
        let finished = steps.len() == script.len() && steps.iter().all(|played| played.error.is_none());
        Ok(Simulated { task_id, human_id: human, status: task.status, finished, steps })
    }
}

/// The clock is everyone's: on a live server only the operator moves it.
fn check_may_travel(ctx: &Ctx) -> Result<()> {
    if ctx.config().server.mode.is_live() && !ctx.actor()?.is_operator() {
        return Err(Error::Forbidden("On a live server only the operator moves the test clock; leave delaySeconds out".into()));
    }
    Ok(())
}

/// Who plays the human's part. Nobody's account is played but the caller's own simulated humans'.
fn cast_human(tx: &WriteTx, ctx: &Ctx, input: &SimulateInput) -> Result<Option<UserId>> {
    let task = find_owned(tx, ctx, &input.task_id)?;
    let owner = &task.agent_id;
    let own = |human: &UserId| tx.is_simulated_for(human, owner);
    match (&input.human, &task.human_id) {
        (Some(named), _) if own(named)? => Ok(Some(named.clone())),
        (Some(_), _) => Err(Error::NotFound(Resource::User)),
        (None, Some(assignee)) => Ok(if own(assignee)? { Some(assignee.clone()) } else { None }),
        (None, None) if input.script.0.contains(&Step::Apply) => {
            check_room(tx, owner, 1)?;
            Ok(Some(insert_human(tx, ctx, owner, None)?.id))
        }
        (None, None) => tx.find_simulated_applicant(&task.id, owner),
    }
}

fn play(ctx: &Ctx, db: &Db, task_id: &TaskId, step: Step, human: Option<&UserId>) -> Result<PlayedStep> {
    let mut ctx = ctx.clone();
    let find = |tx: &ReadTx, ctx: &Ctx| find_owned(tx, ctx, task_id);
    let before = db.read(|tx| find(tx, &ctx))?;
    let skipped = step.skipped(&before);
    let side = step.side(before.status);
    let result: Result<Made> = if skipped.is_some() {
        Ok(None)
    } else {
        let (mut ctx, id, human) = (ctx.clone(), task_id.clone(), human.cloned());
        db.write(move |tx| {
            ctx.refresh();
            let task: Task = find_owned(tx, &ctx, &id)?;
            step.play(tx, &ctx, &task, human.as_ref())
        })
    };
    ctx.refresh();
    let after = db.read(|tx| find(tx, &ctx))?;
    let (made, error) = match result {
        Ok(made) => (made, None),
        Err(Error::Internal(internal)) => return Err(Error::Internal(internal)),
        Err(error) => (None, Some(Refused { code: error.code(), message: error.to_string() })),
    };
    Ok(PlayedStep {
        step,
        actor: side,
        user_id: if side == Side::Owner { Some(after.agent_id) } else { human.cloned() },
        status: after.status,
        at: ctx.now,
        ids: made.into_iter().collect(),
        skipped,
        error,
    })
}
