//! What one's referral code brought (contract §6).

use super::page::paged_input;
use super::{Answer, Ctx, Operation, Read};
use crate::domain::actor::{Access, Scope};
use crate::domain::error::Resource;
use crate::domain::id::{ReferralId, UserId};
use crate::domain::money::Money;
use crate::domain::named::named;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{ReadTx, Referral};
use schemars::JsonSchema;
use serde::Serialize;

named! {
    pub enum ReferralStatus { Pending = "pending", Completed = "completed" }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReferralView {
    pub id: ReferralId,
    pub referred_id: UserId,
    pub status: ReferralStatus,
    pub bonus: Money,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

impl From<Referral> for ReferralView {
    fn from(referral: Referral) -> Self {
        let Referral { id, referred_id, created_at, completed_at, bonus, .. } = referral;
        let status = if completed_at.is_some() { ReferralStatus::Completed } else { ReferralStatus::Pending };
        ReferralView { id, referred_id, status, bonus, created_at, completed_at }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ReferralStats {
    /// Accounts that registered with the code.
    pub total: i64,
    /// Those of them that completed a task.
    pub completed: i64,
    pub earned: Money,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReferralsView {
    pub referral_code: String,
    pub stats: ReferralStats,
    pub referrals: Vec<ReferralView>,
}

paged_input! {
    pub struct ListReferralsInput {}
}

pub struct ListReferrals;

impl Operation for ListReferrals {
    const NAME: &'static str = "list_my_referrals";
    const DOC: &'static str = "List your referrals and what they earned.";
    const ACCESS: Access = Access::Scope(Scope::TasksRead);
    const PAGED: bool = true;
    type Input = ListReferralsInput;
    type Output = ReferralsView;
}

impl Read for ListReferrals {
    fn run(input: ListReferralsInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<ReferralsView>> {
        let query = input.query();
        let user = tx.find_user(ctx.user_id()?)?.ok_or(Error::NotFound(Resource::User))?;
        let (total, completed, earned) = tx.find_referral_stats(&user.id, ctx.mode)?;
        let referrals = tx.list_referrals(&user.id, ctx.mode, query.page())?.into_iter().map(ReferralView::from).collect();
        let stats = ReferralStats { total, completed, earned };
        query.answer(ReferralsView { referral_code: user.referral_code, stats, referrals }, total)
    }
}
