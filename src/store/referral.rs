//! Who brought whom, and what it earned.

use super::column::Columns;
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::id::{Id, ReferralId, UserId};
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension, params};

#[derive(Debug, Clone)]
pub struct Referral {
    pub id: ReferralId,
    pub referrer_id: UserId,
    pub referred_id: UserId,
    pub created_at: Timestamp,
    /// Set once the referred account completed its first task in the mode asked for.
    pub completed_at: Option<Timestamp>,
    pub bonus: Money,
}

const SELECT: &str = "SELECT r.id, r.referrer_id, r.referred_id, r.created_at, b.completed_at, ifnull(b.amount, 0)
  FROM referral r LEFT JOIN referral_bonus b ON b.referral_id = r.id AND b.livemode = ?2";

fn read(row: &rusqlite::Row) -> rusqlite::Result<Referral> {
    let mut columns = Columns::new(row);
    Ok(Referral {
        id: columns.id()?,
        referrer_id: columns.id()?,
        referred_id: columns.id()?,
        created_at: columns.time()?,
        completed_at: columns.optional_time()?,
        bonus: columns.money()?,
    })
}

impl ReadTx<'_> {
    /// The referral that brought this account.
    pub fn find_referral_of(&self, referred: &UserId, mode: Mode) -> Result<Option<Referral>> {
        let mut statement = self.prepare(&format!("{SELECT} WHERE r.referred_id = ?1"))?;
        Ok(statement.query_row(params![referred.as_str(), mode.is_live()], read).optional()?)
    }

    /// Newest first.
    pub fn list_referrals(&self, referrer: &UserId, mode: Mode, page: Page) -> Result<Vec<Referral>> {
        let mut statement = self.prepare(&format!("{SELECT} WHERE r.referrer_id = ?1 ORDER BY r.id DESC LIMIT ?3 OFFSET ?4"))?;
        let rows = statement.query_map(params![referrer.as_str(), mode.is_live(), page.sql_limit(), page.sql_offset()], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many were referred, how many of them completed a task, and what that earned.
    pub fn find_referral_stats(&self, referrer: &UserId, mode: Mode) -> Result<(i64, i64, Money)> {
        let mut statement = self.prepare(
            "SELECT count(*), count(b.referral_id), ifnull(sum(b.amount), 0)
             FROM referral r LEFT JOIN referral_bonus b ON b.referral_id = r.id AND b.livemode = ?2 WHERE r.referrer_id = ?1",
        )?;
        Ok(statement.query_row(params![referrer.as_str(), mode.is_live()], |row| {
            let mut columns = Columns::new(row);
            Ok((columns.value()?, columns.value()?, columns.money()?))
        })?)
    }
}

impl WriteTx<'_> {
    pub fn insert_referral(&self, referrer: &UserId, newcomer: &UserId, now: Timestamp) -> Result<()> {
        self.execute(
            "INSERT INTO referral (id, referrer_id, referred_id, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![self.new_id::<ReferralId>(now)?.as_str(), referrer.as_str(), newcomer.as_str(), now.millis()],
        )?;
        Ok(())
    }

    pub fn insert_referral_bonus(&self, referral: &ReferralId, mode: Mode, amount: Money, now: Timestamp) -> Result<()> {
        self.execute(
            "INSERT INTO referral_bonus VALUES (?1, ?2, ?3, ?4)",
            params![referral.as_str(), mode.is_live(), amount.micros(), now.millis()],
        )?;
        Ok(())
    }
}
