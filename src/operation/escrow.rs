//! The money of a task: held when it is created, and ended exactly once.

use super::Ctx;
use crate::domain::actor::Mode;
use crate::domain::id::UserId;
use crate::domain::ledger::{Settlement, TransferKind};
use crate::domain::money::Money;
use crate::domain::task::Task;
use crate::domain::{Error, Result};
use crate::store::{Account, Transfer, WriteTx};

/// Locks the task's budget: wallet to escrow.
pub fn hold(tx: &WriteTx, ctx: &Ctx, task: &Task) -> Result<()> {
    let accounts = (Account::Available(&task.agent_id), Account::Frozen(&task.agent_id));
    post(tx, ctx, task, TransferKind::EscrowLock, accounts, task.budget, "Budget locked in escrow")?;
    tx.insert_escrow(&task.escrow_id, &task.id, ctx.mode, &task.agent_id, task.budget, ctx.now)
}

/// Returns the whole budget to the owner.
pub fn refund(tx: &WriteTx, ctx: &Ctx, task: &Task) -> Result<Settlement> {
    settle(tx, ctx, task, Settlement::refund(task.budget))
}

/// Pays the human the whole budget, less the fee.
pub fn release(tx: &WriteTx, ctx: &Ctx, task: &Task) -> Result<Settlement> {
    settle(tx, ctx, task, Settlement::release(task.budget, ctx.config().platform.fee_bps))
}

/// Pays the human a share, less the fee on it, and returns the rest.
pub fn split(tx: &WriteTx, ctx: &Ctx, task: &Task, human_percent: u8) -> Result<Settlement> {
    settle(tx, ctx, task, Settlement::split(task.budget, human_percent, ctx.config().platform.fee_bps))
}

fn settle(tx: &WriteTx, ctx: &Ctx, task: &Task, settlement: Settlement) -> Result<Settlement> {
    let escrow = Account::Frozen(&task.agent_id);
    if settlement.payout > Money::ZERO || settlement.fee > Money::ZERO {
        let human = task.human_id.as_ref().ok_or_else(|| Error::internal("a payout without an assignee"))?;
        post(tx, ctx, task, TransferKind::Payout, (escrow, Account::Available(human)), settlement.payout, "Payout for a completed task")?;
        post(tx, ctx, task, TransferKind::Fee, (escrow, Account::Platform), settlement.fee, "Platform fee")?;
        if settlement.fee > Money::ZERO {
            tx.add_withheld_fee(ctx.mode, human, settlement.fee)?;
        }
    }
    let home = (escrow, Account::Available(&task.agent_id));
    post(tx, ctx, task, TransferKind::EscrowRefund, home, settlement.refund, "Budget returned from escrow")?;
    tx.update_escrow_ended(&task.escrow_id, &settlement, ctx.now)?;
    Ok(settlement)
}

fn post(
    tx: &WriteTx,
    ctx: &Ctx,
    task: &Task,
    kind: TransferKind,
    (debit, credit): (Account, Account),
    amount: Money,
    description: &str,
) -> Result<()> {
    let task_id = Some(&task.id);
    tx.post(&Transfer { mode: ctx.mode, kind, debit, credit, amount, task_id, reference: None, description, created_at: ctx.now })
}

/// The two wallets of a new account; in test mode each starts with the configured grant.
pub fn open_wallets(tx: &WriteTx, ctx: &Ctx, user: &UserId) -> Result<()> {
    for mode in [Mode::Test, Mode::Live] {
        tx.insert_wallet(mode, user)?;
    }
    grant(tx, ctx, user)
}

/// What every test wallet starts with.
pub fn grant(tx: &WriteTx, ctx: &Ctx, user: &UserId) -> Result<()> {
    tx.post(&Transfer {
        mode: Mode::Test,
        kind: TransferKind::Grant,
        debit: Account::World,
        credit: Account::Available(user),
        amount: Money::from_units(ctx.config().wallet.test_grant),
        task_id: None,
        reference: None,
        description: "Test mode grant",
        created_at: ctx.now,
    })
}

/// Pays whoever referred the owner or the assignee of their first completed task.
pub fn pay_referrals(tx: &WriteTx, ctx: &Ctx, task: &Task) -> Result<()> {
    let referral = &ctx.config().referral;
    let units = if ctx.mode.is_live() { referral.bonus_live } else { referral.bonus_test };
    for user in std::iter::once(&task.agent_id).chain(&task.human_id) {
        let found = tx.find_referral_of(user, ctx.mode)?;
        let Some(found) = found.filter(|referral| referral.completed_at.is_none()) else { continue };
        let amount = Money::from_units(units);
        tx.insert_referral_bonus(&found.id, ctx.mode, amount, ctx.now)?;
        tx.post(&Transfer {
            mode: ctx.mode,
            kind: TransferKind::ReferralBonus,
            debit: Account::World,
            credit: Account::Available(&found.referrer_id),
            amount,
            task_id: Some(&task.id),
            reference: None,
            description: "Referral bonus",
            created_at: ctx.now,
        })?;
    }
    Ok(())
}
