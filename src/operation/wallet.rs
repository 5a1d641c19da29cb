//! Wallets, and the operator's deposits and withdrawals (contract §6, §8).

use super::page::paged_input;
use super::{Answer, Ctx, Operation, Read, Write};
use crate::domain::actor::{Access, Scope};
use crate::domain::error::Resource;
use crate::domain::field::input;
use crate::domain::id::{TaskId, TransferId, UserId};
use crate::domain::ledger::TransferKind;
use crate::domain::money::{Amount, Money};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{Account, ReadTx, StatementLine, Transfer, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WalletView {
    /// What can be spent.
    pub balance: Money,
    /// What open escrows hold.
    pub frozen_balance: Money,
    /// Always A9.
    pub currency: &'static str,
    /// Deposits and grants received.
    pub total_deposited: Money,
    /// Budgets paid out of escrow.
    pub total_spent: Money,
    /// Payouts and referral bonuses received.
    pub total_earned: Money,
    /// Fees withheld from payouts received.
    pub total_fees: Money,
    pub livemode: bool,
}

input! {
    pub struct NoInput {}
}

pub struct GetWallet;

impl Operation for GetWallet {
    const NAME: &'static str = "get_wallet";
    const DOC: &'static str = "Get the wallet's balance, frozen balance and lifetime totals.";
    const ACCESS: Access = Access::Scope(Scope::WalletRead);
    type Input = NoInput;
    type Output = WalletView;
}

impl Read for GetWallet {
    fn run(_: NoInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<WalletView>> {
        let wallet = tx.find_wallet(ctx.mode, ctx.user_id()?)?;
        let view = WalletView {
            balance: wallet.balance,
            frozen_balance: wallet.frozen,
            currency: "A9",
            total_deposited: wallet.deposited,
            total_spent: wallet.spent,
            total_earned: wallet.earned,
            total_fees: wallet.fees,
            livemode: ctx.mode.is_live(),
        };
        Ok(view.into())
    }
}

/// A change of a wallet's available balance.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionView {
    pub id: TransferId,
    #[serde(rename = "type")]
    pub kind: TransferKind,
    /// Negative where money left.
    pub amount: Money,
    pub balance_after: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The operator's reference of a deposit or withdrawal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    pub created_at: Timestamp,
    pub description: String,
}

impl From<StatementLine> for TransactionView {
    fn from(line: StatementLine) -> Self {
        let StatementLine { id, kind, amount, balance_after, task_id, reference, created_at, description, .. } = line;
        TransactionView { id, kind, amount, balance_after, task_id, reference, created_at, description }
    }
}

paged_input! {
    by cursor pub struct ListTransactionsInput {
        /// Only transactions of this type.
        kind as "type": Option<TransferKind>,
    }
}

pub struct ListTransactions;

impl Operation for ListTransactions {
    const NAME: &'static str = "list_transactions";
    const DOC: &'static str = "List the changes of the wallet's available balance, newest first.";
    const ACCESS: Access = Access::Scope(Scope::WalletRead);
    const PAGED: bool = true;
    type Input = ListTransactionsInput;
    type Output = Vec<TransactionView>;
}

impl Read for ListTransactions {
    fn run(input: ListTransactionsInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<TransactionView>>> {
        let query = input.query();
        let (lines, total) = tx.list_statement(ctx.mode, ctx.user_id()?, input.kind, query.page())?;
        let last_seq = lines.last().map(|line| line.seq);
        query.answer_with_cursor(lines.into_iter().map(TransactionView::from).collect(), total, last_seq)
    }
}

input! {
    pub struct MoveMoneyInput {
        /// Whose wallet.
        user_id as "userId": UserId,
        /// How much, in A9.
        amount as "amount": Amount<6>,
        /// Your own reference of the payment: the same one again does nothing more.
        reference as "reference": Text<1, 200>,
    }
}

/// Moves money between the world and a wallet; the same reference again answers with what it did the first time.
fn move_money(input: &MoveMoneyInput, ctx: &Ctx, tx: &WriteTx, kind: TransferKind) -> Result<TransactionView> {
    let reference = input.reference.as_str();
    let user = tx.find_user(&input.user_id)?.ok_or(Error::NotFound(Resource::User))?;
    let amount = input.amount.money();
    let wallet = Account::Available(&user.id);
    let (debit, credit, signed) = match kind {
        TransferKind::Withdrawal => (wallet, Account::World, amount.negated()),
        _ => (Account::World, wallet, amount),
    };
    if let Some((owner, line)) = tx.find_transfer_by_reference(ctx.mode, kind, reference)? {
        if owner == user.id && line.amount == signed {
            return Ok(line.into());
        }
        return Err(Error::StateConflict(format!("The reference {reference} was used for another {kind}; each needs its own")));
    }
    let (description, task_id) = (if credit.is_world() { "Withdrawal" } else { "Deposit" }, None);
    tx.post(&Transfer {
        mode: ctx.mode,
        kind,
        debit,
        credit,
        amount,
        task_id,
        reference: Some(reference),
        description,
        created_at: ctx.now,
    })?;
    let posted = tx.find_transfer_by_reference(ctx.mode, kind, reference)?;
    posted.map(|(_, line)| line.into()).ok_or_else(|| Error::internal("a transfer just posted is gone"))
}

pub struct Deposit;

impl Operation for Deposit {
    const NAME: &'static str = "deposit";
    const DOC: &'static str = "Add money to a wallet, once per reference (operator only).";
    const ACCESS: Access = Access::Operator;
    type Input = MoveMoneyInput;
    type Output = TransactionView;
}

impl Write for Deposit {
    fn run(input: MoveMoneyInput, ctx: &Ctx, tx: &WriteTx) -> Result<TransactionView> {
        move_money(&input, ctx, tx, TransferKind::Deposit)
    }
}

pub struct Withdraw;

impl Operation for Withdraw {
    const NAME: &'static str = "withdraw";
    const DOC: &'static str = "Take money out of a wallet, once per reference (operator only).";
    const ACCESS: Access = Access::Operator;
    type Input = MoveMoneyInput;
    type Output = TransactionView;
}

impl Write for Withdraw {
    fn run(input: MoveMoneyInput, ctx: &Ctx, tx: &WriteTx) -> Result<TransactionView> {
        move_money(&input, ctx, tx, TransferKind::Withdrawal)
    }
}
