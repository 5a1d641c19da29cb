//! Whether the server can serve: for proxies and supervisors.

use super::wallet::NoInput;
use super::{Answer, Ctx, Operation, Read};
use crate::domain::Result;
use crate::domain::actor::{Access, Mode};
use crate::store::ReadTx;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Serialize, JsonSchema)]
pub struct HealthView {
    /// Always ok: what cannot serve answers with an error instead.
    pub status: &'static str,
    pub mode: Mode,
    pub version: &'static str,
}

pub struct GetHealth;

impl Operation for GetHealth {
    const NAME: &'static str = "get_health";
    const DOC: &'static str = "Check that the server and its database answer.";
    const ACCESS: Access = Access::Public;
    type Input = NoInput;
    type Output = HealthView;
}

impl Read for GetHealth {
    fn run(_: NoInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<HealthView>> {
        tx.find_user_by_referral_code("")?;
        Ok(HealthView { status: "ok", mode: ctx.mode, version: env!("CARGO_PKG_VERSION") }.into())
    }
}
