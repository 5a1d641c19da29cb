//! Waiting for a task to move, for agents that can only call.

use super::task::{TaskDetails, find_visible};
use super::{Answer, Ctx, Operation, Watch};
use crate::domain::Result;
use crate::domain::actor::{Access, Scope};
use crate::domain::field::{Whole, input};
use crate::domain::id::TaskId;
use crate::domain::task::TaskStatus;
use crate::store::ReadTx;
use std::time::Duration;

input! {
    pub struct WaitForTaskInput {
        /// The task's id.
        task_id as "taskId": TaskId,
        /// The status you know of; absent means the one at the moment of the call.
        status as "status": Option<TaskStatus>,
        /// The number of applicants you know of; absent means the one at the moment of the call.
        applicants as "applicantCount": Option<Whole<0, { u32::MAX }>>,
        /// Seconds to wait at most.
        wait as "wait": Whole<0, 25> = "25",
    }
}

pub struct WaitForTask;

impl Operation for WaitForTask {
    const NAME: &'static str = "wait_for_task";
    const DOC: &'static str = "Wait until a task's status or number of applicants is another than the one you know of.";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    type Input = WaitForTaskInput;
    type Output = TaskDetails;
}

impl Watch for WaitForTask {
    fn patience(input: &WaitForTaskInput) -> Duration {
        Duration::from_secs(input.wait.0.into())
    }

    fn look(input: &mut WaitForTaskInput, ctx: &Ctx, tx: &ReadTx, last: bool) -> Result<Option<Answer<TaskDetails>>> {
        let task = find_visible(tx, ctx, &input.task_id)?;
        let applicants = Whole(u32::try_from(task.applicant_count).unwrap_or(u32::MAX));
        let news = *input.status.get_or_insert(task.status) != task.status || *input.applicants.get_or_insert(applicants) != applicants;
        if news || last { Ok(Some(TaskDetails::of(task, ctx.user_id()?).into())) } else { Ok(None) }
    }
}
