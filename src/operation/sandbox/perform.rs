//! Acting as somebody: the operations of everyone, entered with another's account.

use crate::domain::actor::{Actor, Credential};
use crate::domain::error::Resource;
use crate::domain::field::{Arguments, Input};
use crate::domain::id::UserId;
use crate::domain::{Error, Result};
use crate::operation::{Ctx, Write};
use crate::store::WriteTx;
use serde_json::{Map, Value};

/// Runs the operation as a request of `user` with this body would, with the same rules and the same effects. Whose role it
/// is not is never asked to: owners own tasks and simulated humans are humans.
pub fn perform<O: Write>(tx: &WriteTx, ctx: &Ctx, user: &UserId, body: Value) -> Result<O::Output> {
    let role = tx.find_active_role(user)?.ok_or(Error::NotFound(Resource::User))?;
    let actor = Actor { user_id: user.clone(), role, mode: ctx.mode, credential: Credential::IdToken };
    let ctx = Ctx { actor: Some(actor), fault: None, ..ctx.clone() };
    let body = if let Value::Object(body) = body { body } else { Map::new() };
    let input = O::Input::parse(&Arguments { body, ..Arguments::default() })?;
    O::review(&input, &ctx)?;
    O::run(input, &ctx, tx)
}
