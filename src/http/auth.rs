//! Who is calling, and whether they may (contract §3, §4).

use super::request::header;
use crate::domain::actor::{Access, Actor, Credential, Mode, Role, Scopes};
use crate::domain::error::Resource;
use crate::domain::id::UserId;
use crate::domain::named::Named;
use crate::domain::secret::Secret;
use crate::domain::{Error, Result};
use crate::operation::{Services, Spec};
use crate::store::ReadTx;

const MISSING: Error = Error::Unauthorized("Missing Bearer token: send Authorization: Bearer <API key or ID token>");
pub const INVALID: Error = Error::Unauthorized("Invalid Bearer token: the API key or ID token is unknown, revoked or expired");

/// What the `Authorization` header shows, before anyone is looked up.
pub enum Proof {
    /// The digest of an API key.
    Key([u8; 32]),
    /// A valid ID token's account, and the mode that its request chose.
    IdToken(UserId, Mode),
}

impl Proof {
    pub fn of(request: &rouille::Request, services: &Services) -> Result<Self> {
        let value = header(request, "Authorization")?.ok_or(MISSING)?;
        let (scheme, token) = value.split_once(' ').ok_or(MISSING)?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(MISSING);
        }
        let token = Secret::new(token.trim().to_owned());
        if token.expose().starts_with("sk_") {
            return Ok(Proof::Key(token.digest()));
        }
        let user_id = services.signer.verify(token.expose(), services.clocks.tokens()).ok_or(INVALID)?;
        Ok(Proof::IdToken(user_id, chosen_mode(request, services.config.server.mode)?))
    }

    /// Whose it is.
    pub fn find_actor(self, tx: &ReadTx, services: &Services) -> Result<Actor> {
        match self {
            Proof::Key(digest) => {
                let actor = tx.find_actor_by_key(&digest)?.ok_or(INVALID)?;
                if actor.mode.is_live() && !services.config.server.mode.is_live() {
                    return Err(Error::Unauthorized("This server is a sandbox and takes sk_test_ keys only"));
                }
                Ok(actor)
            }
            Proof::IdToken(user_id, mode) => {
                let role = tx.find_active_role(&user_id)?.ok_or(INVALID)?;
                Ok(Actor { user_id, role, mode, credential: Credential::IdToken })
            }
        }
    }
}

/// The server's mode, or what the header switches to on a live server.
fn chosen_mode(request: &rouille::Request, server: Mode) -> Result<Mode> {
    let Some(word) = header(request, "X-Humans2AI-Mode")? else { return Ok(server) };
    match Mode::parse(word) {
        Some(Mode::Live) if !server.is_live() => Err(Error::validation("X-Humans2AI-Mode must be test: this server is a sandbox")),
        Some(mode) => Ok(mode),
        None => Err(Error::validation(format!("X-Humans2AI-Mode must be {}", Mode::choices()))),
    }
}

/// Refuses a caller without the scope or role that the operation needs, on a server in mode `server`.
pub fn authorize(actor: &Actor, spec: &Spec, server: Mode) -> Result<()> {
    match spec.access {
        Access::Public => {}
        Access::Sandbox | Access::SandboxControl if actor.mode.is_live() => return Err(Error::NotFound(Resource::Path)),
        Access::SandboxControl if server.is_live() && !actor.is_operator() => {
            return Err(Error::Forbidden("On a live server this needs an operator's ID token: it concerns everyone's test data".into()));
        }
        Access::Scope(scope) if actor.scopes().contains(scope) => {}
        Access::Scope(scope) => return Err(Error::Forbidden(format!("This needs the scope {scope}, which your API key does not have"))),
        Access::AllScopes | Access::Sandbox | Access::SandboxControl if actor.scopes() == Scopes::ALL => {}
        Access::AllScopes | Access::Sandbox | Access::SandboxControl => {
            return Err(Error::Forbidden("This needs an ID token, or an API key with all five scopes".into()));
        }
        Access::Operator if actor.is_operator() => {}
        Access::Operator => return Err(Error::Forbidden("This needs an operator's ID token".into())),
    }
    match spec.role {
        Some(role) if role != actor.role => Err(Error::Forbidden(format!("This is for {role} accounts; yours is {}", article(actor.role)))),
        _ => Ok(()),
    }
}

fn article(role: Role) -> String {
    let article = if role == Role::Human { "a" } else { "an" };
    format!("{article} {role} account")
}
