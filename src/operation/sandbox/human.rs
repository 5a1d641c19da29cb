//! Making humans: accounts like any other, with wallets and a key to act as them, but without a password.

use crate::domain::actor::{Access, Role, Scopes};
use crate::domain::field::{Whole, input};
use crate::domain::id::UserId;
use crate::domain::persona::Persona;
use crate::domain::secret::{Secret, base62};
use crate::domain::{Error, Result};
use crate::operation::account::{insert_account, new_user};
use crate::operation::api_key::insert_key;
use crate::operation::{Ctx, Operation, Write};
use crate::store::{User, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;

/// More than any test needs, fewer than would fill a disk.
const MAX_PER_ACCOUNT: u32 = 10_000;

input! {
    pub struct CreateHumansInput {
        /// How many.
        count as "count": Whole<1, 50> = "1",
    }
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HumanView {
    pub user_id: UserId,
    pub display_name: String,
    /// A key with every scope, shown only now: with it you act as this human.
    pub api_key: Secret,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CreatedHumans {
    pub humans: Vec<HumanView>,
}

pub struct CreateHumans;

impl Operation for CreateHumans {
    const NAME: &'static str = "create_humans";
    const DOC: &'static str =
        "Make simulated humans: real accounts with wallets, to be played by simulate or by you with their keys (sandbox).";
    const ACCESS: Access = Access::Sandbox;
    type Input = CreateHumansInput;
    type Output = CreatedHumans;

    fn redact(created: &CreatedHumans) -> Option<CreatedHumans> {
        let redacted = |human: &HumanView| HumanView { api_key: Secret::new("sk_test_…".into()), ..human.clone() };
        Some(CreatedHumans { humans: created.humans.iter().map(redacted).collect() })
    }
}

impl Write for CreateHumans {
    fn run(input: CreateHumansInput, ctx: &Ctx, tx: &WriteTx) -> Result<CreatedHumans> {
        check_room(tx, ctx.user_id()?, input.count.0)?;
        let human = |_| {
            let user = insert_human(tx, ctx, ctx.user_id()?, None)?;
            let (_, api_key) = insert_key(tx, ctx, &user.id, ctx.mode, "simulated human", Scopes::ALL)?;
            Ok(HumanView { user_id: user.id, display_name: user.display_name, api_key })
        };
        Ok(CreatedHumans { humans: (0..input.count.0).map(human).collect::<Result<_>>()? })
    }
}

/// Refuses more humans than one account may have.
pub(super) fn check_room(tx: &WriteTx, owner: &UserId, more: u32) -> Result<()> {
    if tx.count_simulated_humans(owner)?.saturating_add(more) > MAX_PER_ACCOUNT {
        return Err(Error::LimitExceeded(format!(
            "An account has at most {MAX_PER_ACCOUNT} simulated humans; let those you have play, naming them by humanId"
        )));
    }
    Ok(())
}

/// Makes a human that is played for `owner`.
pub(super) fn insert_human(tx: &WriteTx, ctx: &Ctx, owner: &UserId, persona: Option<Persona>) -> Result<User> {
    let email = format!("human-{}@sandbox.invalid", base62(&ctx.random::<12>()?).to_lowercase());
    let password_hash = ctx.services.passwords.unusable(ctx.random()?, ctx.random()?);
    let user = new_user(ctx, &email, Role::Human, password_hash)?;
    insert_account(tx, ctx, &user, None)?;
    tx.insert_simulated_human(&user.id, owner, persona)?;
    Ok(user)
}
