//! Test money for whoever asks.

use crate::domain::actor::{Access, Role};
use crate::domain::error::Resource;
use crate::domain::field::input;
use crate::domain::id::UserId;
use crate::domain::ledger::TransferKind;
use crate::domain::money::Amount;
use crate::domain::{Error, Result};
use crate::operation::wallet::TransactionView;
use crate::operation::{Ctx, Operation, Write};
use crate::store::{Account, Page, Transfer, WriteTx};

input! {
    pub struct FundWalletInput {
        /// How much, in A9.
        amount as "amount": Amount<6>,
        /// Whose wallet; your own by default.
        user_id as "userId": Option<UserId>,
    }
}

pub struct FundWallet;

impl Operation for FundWallet {
    const NAME: &'static str = "fund_test_wallet";
    const DOC: &'static str = "Add test money to your own wallet or, on a sandbox, anyone's.";
    const ACCESS: Access = Access::Sandbox;
    type Input = FundWalletInput;
    type Output = TransactionView;
}

impl Write for FundWallet {
    fn run(input: FundWalletInput, ctx: &Ctx, tx: &WriteTx) -> Result<TransactionView> {
        let user = owner(&input, ctx, tx)?;
        tx.post(&Transfer {
            mode: ctx.mode,
            kind: TransferKind::Deposit,
            debit: Account::World,
            credit: Account::Available(&user),
            amount: input.amount.money(),
            task_id: None,
            reference: None,
            description: "Test money",
            created_at: ctx.now,
        })?;
        let newest = Page { after: None, offset: 0, limit: 1 };
        let (lines, _) = tx.list_statement(ctx.mode, &user, Some(TransferKind::Deposit), newest)?;
        lines.into_iter().next().map(TransactionView::from).ok_or_else(|| Error::internal("a transfer just posted is gone"))
    }
}

/// Whose wallet it is; another's on a live server is the operator's business.
fn owner(input: &FundWalletInput, ctx: &Ctx, tx: &WriteTx) -> Result<UserId> {
    let actor = ctx.actor()?;
    let Some(user) = input.user_id.as_ref().filter(|user| !actor.is(user)) else { return Ok(actor.user_id.clone()) };
    let is_operator = actor.role == Role::Admin && ctx.has_id_token()?;
    if ctx.config().server.mode.is_live() && !is_operator {
        return Err(Error::Forbidden("On a live server only an operator's ID token funds another's test wallet; leave userId out".into()));
    }
    tx.find_user(user)?.map(|user| user.id).ok_or(Error::NotFound(Resource::User))
}
