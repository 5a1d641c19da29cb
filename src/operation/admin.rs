//! What only the operator does (contract §8). Deposits stand with wallets, decisions with disputes.

use super::wallet::NoInput;
use super::{Answer, Ctx, Operation, Read, Write};
use crate::domain::actor::Access;
use crate::domain::error::Resource;
use crate::domain::field::input;
use crate::domain::id::UserId;
use crate::domain::{Error, Result};
use crate::store::{ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;

input! {
    pub struct SuspendUserInput {
        /// The account.
        user_id as "userId": UserId,
        /// false lifts the suspension.
        suspended as "suspended": bool = "true",
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuspensionView {
    pub user_id: UserId,
    pub suspended: bool,
}

pub struct SuspendUser;

impl Operation for SuspendUser {
    const NAME: &'static str = "suspend_user";
    const DOC: &'static str = "Suspend an account: its keys and tokens are refused from the next request on (operator only).";
    const ACCESS: Access = Access::Operator;
    type Input = SuspendUserInput;
    type Output = SuspensionView;
}

impl Write for SuspendUser {
    fn run(input: SuspendUserInput, ctx: &Ctx, tx: &WriteTx) -> Result<SuspensionView> {
        let user = tx.find_user(&input.user_id)?.ok_or(Error::NotFound(Resource::User))?;
        if ctx.actor.as_ref().is_some_and(|actor| actor.is(&user.id)) {
            return Err(Error::validation("userId must not be your own: you would lock yourself out"));
        }
        tx.update_suspension(&user.id, input.suspended.then(|| user.suspended_at.unwrap_or(ctx.now)))?;
        if input.suspended {
            tx.delete_sessions_of(&user.id)?;
        }
        Ok(SuspensionView { user_id: user.id, suspended: input.suspended })
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Verification {
    pub ok: bool,
    /// Each broken rule with the row that breaks it.
    pub problems: Vec<String>,
}

pub struct VerifyLedger;

impl Operation for VerifyLedger {
    const NAME: &'static str = "verify_ledger";
    const DOC: &'static str = "Check every invariant of the ledger over the whole file (operator only).";
    const ACCESS: Access = Access::Operator;
    type Input = NoInput;
    type Output = Verification;
}

impl Read for VerifyLedger {
    fn run(_: NoInput, _: &Ctx, tx: &ReadTx) -> Result<Answer<Verification>> {
        let problems = tx.audit_ledger()?;
        Ok(Verification { ok: problems.is_empty(), problems }.into())
    }
}
