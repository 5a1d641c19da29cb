//! Accounts, transfers and escrows. Balances move only through the schema's trigger on `transfer`.

use super::column::Columns;
use super::merge::merge_newest;
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::actor::Mode;
use crate::domain::id::{EscrowId, Id, TaskId, TransferId, UserId};
use crate::domain::ledger::{AccountKind, Settlement, TransferKind};
use crate::domain::money::Money;
use crate::domain::named::Named;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use rusqlite::{OptionalExtension, Row, params};

/// One side of a transfer.
#[derive(Debug, Clone, Copy)]
pub enum Account<'a> {
    Available(&'a UserId),
    Frozen(&'a UserId),
    Platform,
    World,
}

/// One amount from one account to another.
#[derive(Debug)]
pub struct Transfer<'a> {
    pub mode: Mode,
    pub kind: TransferKind,
    pub debit: Account<'a>,
    pub credit: Account<'a>,
    pub amount: Money,
    pub task_id: Option<&'a TaskId>,
    pub reference: Option<&'a str>,
    pub description: &'a str,
    pub created_at: Timestamp,
}

/// What a wallet holds, and its lifetime totals.
#[derive(Debug, Clone, Copy)]
pub struct Wallet {
    pub balance: Money,
    pub frozen: Money,
    /// Deposits and grants.
    pub deposited: Money,
    /// What this wallet's escrows paid out: payouts and their fees.
    pub spent: Money,
    /// Payouts and referral bonuses received.
    pub earned: Money,
    /// Fees taken from the payouts to this wallet.
    pub fees: Money,
}

/// A transfer as one wallet's available balance saw it.
#[derive(Debug, Clone)]
pub struct StatementLine {
    pub seq: i64,
    pub id: TransferId,
    pub kind: TransferKind,
    /// Negative where money left.
    pub amount: Money,
    pub balance_after: Money,
    pub task_id: Option<TaskId>,
    pub reference: Option<String>,
    pub created_at: Timestamp,
    pub description: String,
}

impl Account<'_> {
    pub fn is_world(&self) -> bool {
        matches!(self, Account::World)
    }

    fn kind_and_owner(&self) -> (AccountKind, Option<&str>) {
        match self {
            Account::Available(user) => (AccountKind::Available, Some(user.as_str())),
            Account::Frozen(user) => (AccountKind::Frozen, Some(user.as_str())),
            Account::Platform => (AccountKind::Platform, None),
            Account::World => (AccountKind::World, None),
        }
    }
}

/// Whether this kind takes money from an available balance; the others bring some.
fn takes(kind: TransferKind) -> bool {
    matches!(kind, TransferKind::EscrowLock | TransferKind::Withdrawal)
}

fn read_line(row: &Row, kind: TransferKind) -> rusqlite::Result<StatementLine> {
    let mut columns = Columns::new(row);
    let seq = columns.value()?;
    let id = columns.id()?;
    let amount = columns.money()?;
    let (debit_after, credit_after) = (columns.money()?, columns.money()?);
    let taken = takes(kind);
    Ok(StatementLine {
        seq,
        id,
        kind,
        amount: if taken { amount.negated() } else { amount },
        balance_after: if taken { debit_after } else { credit_after },
        task_id: columns.optional_id()?,
        reference: columns.value()?,
        created_at: columns.time()?,
        description: columns.value()?,
    })
}

impl ReadTx<'_> {
    /// The account's row and balance.
    fn find_account(&self, mode: Mode, account: Account) -> Result<(i64, Money)> {
        let (kind, owner) = account.kind_and_owner();
        let sql = match owner {
            Some(_) => "SELECT id, balance FROM account WHERE owner = ?3 AND livemode = ?1 AND kind = ?2",
            None => "SELECT id, balance FROM account WHERE owner IS ?3 AND livemode = ?1 AND kind = ?2 AND owner IS NULL",
        };
        let found = self.prepare(sql)?.query_row(params![mode.is_live(), kind.as_str(), owner], |row| {
            let mut columns = Columns::new(row);
            Ok((columns.value()?, columns.money()?))
        });
        Ok(found?)
    }

    fn account_totals(&self, account: i64) -> Result<Vec<(TransferKind, i64, Money)>> {
        let mut statement = self.prepare("SELECT kind, transfers, amount FROM account_total WHERE account = ?1")?;
        let rows = statement.query_map([account], |row| {
            let mut columns = Columns::new(row);
            Ok((columns.named()?, columns.value()?, columns.money()?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn find_wallet(&self, mode: Mode, user: &UserId) -> Result<Wallet> {
        let (available, balance) = self.find_account(mode, Account::Available(user))?;
        let (frozen_account, frozen) = self.find_account(mode, Account::Frozen(user))?;
        let (available, frozen_totals) = (self.account_totals(available)?, self.account_totals(frozen_account)?);
        let sum = |totals: &[(TransferKind, i64, Money)], kinds: &[TransferKind]| {
            Money::from_micros(totals.iter().filter(|(kind, ..)| kinds.contains(kind)).map(|(.., amount)| amount.micros()).sum())
        };
        Ok(Wallet {
            balance,
            frozen,
            deposited: sum(&available, &[TransferKind::Deposit, TransferKind::Grant]),
            spent: sum(&frozen_totals, &[TransferKind::Payout, TransferKind::Fee]),
            earned: sum(&available, &[TransferKind::Payout, TransferKind::ReferralBonus]),
            fees: sum(&available, &[TransferKind::Fee]),
        })
    }

    /// The lines of a wallet's available balance, newest first, and how many there are.
    pub fn list_statement(&self, mode: Mode, user: &UserId, kind: Option<TransferKind>, page: Page) -> Result<(Vec<StatementLine>, i64)> {
        let (account, _) = self.find_account(mode, Account::Available(user))?;
        let mut totals = self.account_totals(account)?;
        // A human's fees are withheld before the payout: a total, but no line of this balance.
        totals.retain(|(found, transfers, _)| kind.is_none_or(|kind| kind == *found) && *transfers > 0);
        let ranges = totals.iter().map(|(kind, ..)| {
            let side = if takes(*kind) { "debit_account" } else { "credit_account" };
            let sql = format!("SELECT seq FROM transfer WHERE {side} = ?1 AND kind = ?2 AND seq < ?3 ORDER BY seq DESC");
            Ok((self.prepare(&sql)?, (account, kind.as_str(), page.below())))
        });
        let seqs = merge_newest(ranges.collect::<Result<Vec<_>>>()?, page)?;
        let lines = seqs.iter().map(|seq| self.load_line(*seq)).collect::<Result<_>>()?;
        Ok((lines, totals.iter().map(|(_, transfers, _)| transfers).sum()))
    }

    fn load_line(&self, seq: i64) -> Result<StatementLine> {
        let mut statement = self.prepare(
            "SELECT seq, id, amount, debit_balance_after, credit_balance_after, task_id, reference, created_at, description, kind
             FROM transfer WHERE seq = ?1",
        )?;
        Ok(statement.query_row([seq], |row| {
            let word: String = row.get(9)?;
            let kind = TransferKind::parse(&word).ok_or(rusqlite::Error::InvalidParameterName(word))?;
            read_line(row, kind)
        })?)
    }

    /// The operator's transfer of this kind and reference, with the wallet it was for.
    pub fn find_transfer_by_reference(&self, mode: Mode, kind: TransferKind, reference: &str) -> Result<Option<(UserId, StatementLine)>> {
        let mut statement = self.prepare(
            "SELECT t.seq, a.owner FROM transfer t
             JOIN account a ON a.id IN (t.debit_account, t.credit_account) AND a.owner IS NOT NULL
             WHERE t.livemode = ?1 AND t.kind = ?2 AND t.reference = ?3",
        )?;
        let found = statement.query_row(params![mode.is_live(), kind.as_str(), reference], |row| {
            let mut columns = Columns::new(row);
            Ok((columns.value::<i64>()?, columns.id()?))
        });
        found.optional()?.map(|(seq, owner)| Ok((owner, self.load_line(seq)?))).transpose()
    }
}

impl WriteTx<'_> {
    /// The two accounts of a new wallet.
    pub fn insert_wallet(&self, mode: Mode, user: &UserId) -> Result<()> {
        self.execute(
            "INSERT INTO account (livemode, owner, kind) VALUES (?1, ?2, 'available'), (?1, ?2, 'frozen')",
            params![mode.is_live(), user.as_str()],
        )?;
        Ok(())
    }

    /// Posts the transfer; an amount of nothing posts none.
    ///
    /// # Errors
    /// [`Error::InsufficientBalance`] if the debit account would fall below zero.
    pub fn post(&self, transfer: &Transfer) -> Result<()> {
        if transfer.amount == Money::ZERO {
            return Ok(());
        }
        let (debit, debit_balance) = self.find_account(transfer.mode, transfer.debit)?;
        let (credit, credit_balance) = self.find_account(transfer.mode, transfer.credit)?;
        let overdrawn = debit_balance < transfer.amount && !transfer.debit.is_world();
        if overdrawn {
            return Err(Error::InsufficientBalance { needed: transfer.amount, available: debit_balance });
        }
        let overflow = || Error::LimitExceeded("The account's balance would exceed what the ledger can hold".into());
        let debit_after = debit_balance.checked_sub(transfer.amount).ok_or_else(overflow)?;
        let credit_after = credit_balance.checked_add(transfer.amount).ok_or_else(overflow)?;
        self.execute(
            "INSERT INTO transfer (id, livemode, kind, debit_account, credit_account, amount, debit_balance_after,
               credit_balance_after, task_id, reference, description, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                self.new_id::<TransferId>(transfer.created_at)?.as_str(),
                transfer.mode.is_live(),
                transfer.kind.as_str(),
                debit,
                credit,
                transfer.amount.micros(),
                debit_after.micros(),
                credit_after.micros(),
                transfer.task_id.map(Id::as_str),
                transfer.reference,
                transfer.description,
                transfer.created_at.millis()
            ],
        )?;
        Ok(())
    }

    pub fn insert_escrow(&self, id: &EscrowId, task: &TaskId, mode: Mode, owner: &UserId, amount: Money, now: Timestamp) -> Result<()> {
        self.execute(
            "INSERT INTO escrow (id, task_id, livemode, owner, amount, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![id.as_str(), task.as_str(), mode.is_live(), owner.as_str(), amount.micros(), now.millis()],
        )?;
        Ok(())
    }

    /// Ends the escrow; the schema refuses to end one twice or to pay out other than it held.
    pub fn update_escrow_ended(&self, id: &EscrowId, settlement: &Settlement, now: Timestamp) -> Result<()> {
        self.execute(
            "UPDATE escrow SET status = ?2, payout = ?3, fee = ?4, refund = ?5, ended_at = ?6 WHERE id = ?1",
            params![
                id.as_str(),
                settlement.status.as_str(),
                settlement.payout.micros(),
                settlement.fee.micros(),
                settlement.refund.micros(),
                now.millis()
            ],
        )?;
        Ok(())
    }

    /// Adds to the fees withheld from payouts to this wallet.
    pub fn add_withheld_fee(&self, mode: Mode, user: &UserId, fee: Money) -> Result<()> {
        let (account, _) = self.find_account(mode, Account::Available(user))?;
        self.execute(
            "INSERT INTO account_total VALUES (?1, 'fee', 0, ?2) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
            params![account, fee.micros()],
        )?;
        Ok(())
    }
}
