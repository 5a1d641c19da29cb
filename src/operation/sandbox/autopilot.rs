//! Humans who work by themselves: each next step is planned in the transaction that gives occasion to it, as a row with a
//! due time, and taken by the clock through the operations of everyone.

use super::human::insert_human;
use super::perform::perform;
use crate::domain::event::EventType;
use crate::domain::id::UserId;
use crate::domain::persona::{AutopilotStep, Occasion, Persona};
use crate::domain::task::{Task, TaskStatus};
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::operation::Ctx;
use crate::operation::application::ApplyForTask;
use crate::operation::dispute::DisputeTask;
use crate::operation::message::SendMessage;
use crate::operation::submission::SubmitWork;
use crate::store::{DueStep, WriteTx};
use serde_json::json;

/// Plans what the task's human does after this event; `human` is who of them is told of it.
pub fn react(tx: &WriteTx, ctx: &Ctx, event: EventType, task: &Task, human: Option<&UserId>) -> Result<()> {
    if ctx.mode.is_live() {
        return Ok(());
    }
    // What is no persona's word was refused when the task was created.
    let Some(persona) = Persona::asked(task.metadata.as_ref()).ok().flatten() else { return Ok(()) };
    let occasion = match event {
        EventType::Created => Occasion::Published,
        EventType::HumanAccepted => Occasion::Selected,
        EventType::MessageReceived if human.is_some() => Occasion::Asked,
        EventType::Rejected => Occasion::Rejected,
        EventType::Completed | EventType::Refunded | EventType::Expired | EventType::Cancelled | EventType::Disputed => {
            return tx.delete_autopilot_steps(&task.id);
        }
        EventType::MessageReceived | EventType::Submitted | EventType::ApplicationReceived => return Ok(()),
    };
    let known = tx.find_simulated_persona(&task.agent_id, persona)?;
    let human = match (occasion, known) {
        (Occasion::Published, None) => insert_human(tx, ctx, &task.agent_id, Some(persona))?.id,
        (Occasion::Published, Some(known)) => known,
        (_, Some(known)) if task.human_id.as_ref() == Some(&known) => known,
        // Somebody else was selected.
        _ => return Ok(()),
    };
    match persona.react(occasion, ctx.now, end(task)) {
        Some((step, due)) => tx.insert_autopilot_step(&task.id, step, &human, due),
        None => Ok(()),
    }
}

/// Until when the task waits for its human.
fn end(task: &Task) -> Timestamp {
    const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);
    match task.status {
        TaskStatus::Open | TaskStatus::Assigned => task.deadline,
        TaskStatus::Rejected => task.dispute_until.unwrap_or(NEVER),
        _ => NEVER,
    }
}

/// Takes the steps that are due, at most `limit`; how many there were. One that comes to nothing, since the task has gone
/// another way meanwhile, is forgotten.
pub fn run_due(tx: &WriteTx, ctx: &Ctx, limit: usize) -> Result<usize> {
    let due = tx.list_due_autopilot_steps(ctx.now, limit)?;
    for step in &due {
        tx.delete_autopilot_step(&step.task_id, step.step)?;
        match tx.attempt(|tx| take(tx, ctx, step)) {
            Ok(()) => {}
            // The machine's trouble is no step's: all of them are left as they were.
            Err(error @ Error::Unavailable(_)) => return Err(error),
            Err(Error::Internal(internal)) => log::error!("the autopilot could not {} for {}: {internal:?}", step.step, step.task_id),
            Err(error) => log::debug!("the autopilot does not {} for {}: {error}", step.step, step.task_id),
        }
    }
    Ok(due.len())
}

fn take(tx: &WriteTx, ctx: &Ctx, due: &DueStep) -> Result<()> {
    let DueStep { task_id: id, step, human_id: human } = due;
    let Some(task) = tx.find_task(ctx.mode, id)? else { return Ok(()) };
    let Some(persona) = Persona::asked(task.metadata.as_ref())? else { return Ok(()) };
    match step {
        AutopilotStep::Apply => {
            let body = json!({ "taskId": id, "message": "I can do this." });
            perform::<ApplyForTask>(tx, ctx, human, body).map(drop)
        }
        AutopilotStep::Answer => {
            let body = json!({ "taskId": id, "content": persona.answer() });
            perform::<SendMessage>(tx, ctx, human, body).map(drop)
        }
        AutopilotStep::Submit => {
            let again = task.status == TaskStatus::Rejected;
            let body = json!({ "taskId": id, "proof": persona.proof(again), "attachments": persona.attachments(again) });
            perform::<SubmitWork>(tx, ctx, human, body).map(drop)
        }
        AutopilotStep::Dispute => {
            let body = json!({ "taskId": id, "reason": "The work was done as the task describes it, and the proof shows it." });
            perform::<DisputeTask>(tx, ctx, human, body).map(drop)
        }
    }
}
