//! Arming faults, and what is armed.

use super::fault::ArmedFault;
use crate::domain::Result;
use crate::domain::actor::Access;
use crate::domain::fault::FaultKind;
use crate::domain::field::{Whole, input};
use crate::domain::text::Text;
use crate::operation::wallet::NoInput;
use crate::operation::{Answer, Ctx, Operation, Read, Write};
use crate::store::{ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;

input! {
    pub struct ArmFaultInput {
        /// The requests that fail: a method and a path of this API, such as POST /tasks.
        route as "route": Text<1, 200>,
        /// How they fail.
        fault as "fault": FaultKind,
        /// How many of them.
        times as "times": Whole<1, 1000> = "1",
        /// How late a slow answer is, in milliseconds.
        delay_ms as "delayMs": Whole<0, 30_000> = "2000",
    }
}

pub struct ArmFault;

impl Operation for ArmFault {
    const NAME: &'static str = "arm_fault";
    const DOC: &'static str = "Make your own next requests of a route fail in the way you choose (sandbox).";
    const ACCESS: Access = Access::Sandbox;
    type Input = ArmFaultInput;
    type Output = ArmedFault;
}

impl Write for ArmFault {
    fn run(input: ArmFaultInput, ctx: &Ctx, _: &WriteTx) -> Result<ArmedFault> {
        let faults = &ctx.services.faults;
        let armed = ArmedFault {
            route: faults.route(input.route.as_str())?.to_owned(),
            fault: input.fault,
            times: input.times.0,
            remaining: input.times.0,
            delay_ms: input.delay_ms.0,
        };
        faults.arm(ctx.user_id()?, armed.clone())?;
        Ok(armed)
    }
}

pub struct ListFaults;

impl Operation for ListFaults {
    const NAME: &'static str = "list_faults";
    const DOC: &'static str = "List the faults you have armed, first come first (sandbox).";
    const ACCESS: Access = Access::Sandbox;
    type Input = NoInput;
    type Output = Vec<ArmedFault>;
}

impl Read for ListFaults {
    fn run(_: NoInput, ctx: &Ctx, _: &ReadTx) -> Result<Answer<Vec<ArmedFault>>> {
        Ok(ctx.services.faults.list(ctx.user_id()?).into())
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Disarmed {
    /// How many faults were taken back.
    pub disarmed: usize,
}

pub struct DisarmFaults;

impl Operation for DisarmFaults {
    const NAME: &'static str = "disarm_faults";
    const DOC: &'static str = "Take back every fault you have armed (sandbox).";
    const ACCESS: Access = Access::Sandbox;
    type Input = NoInput;
    type Output = Disarmed;
}

impl Write for DisarmFaults {
    fn run(_: NoInput, ctx: &Ctx, _: &WriteTx) -> Result<Disarmed> {
        Ok(Disarmed { disarmed: ctx.services.faults.disarm(ctx.user_id()?) })
    }
}
