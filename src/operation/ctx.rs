//! What an operation knows of its call.

use super::clock::Clocks;
use super::due::Failures;
use super::password::Passwords;
use super::sandbox::Sandbox;
use super::sandbox::fault::Faults;
use super::sandbox::request::RequestLog;
use crate::config::Config;
use crate::domain::actor::{Actor, Credential, Mode};
use crate::domain::entropy::Entropy;
use crate::domain::fault::Fault;
use crate::domain::id::{Id, UserId};
use crate::domain::risk::RiskGate;
use crate::domain::time::Timestamp;
use crate::domain::token::TokenSigner;
use crate::domain::{Error, Result};
use std::sync::Arc;

/// What all calls share for as long as the server runs.
pub struct Services {
    pub config: Config,
    pub clocks: Clocks,
    pub entropy: Arc<Entropy>,
    pub sandbox: Sandbox,
    pub risk_gate: RiskGate,
    pub signer: TokenSigner,
    pub passwords: Passwords,
    pub faults: Faults,
    pub failures: Failures,
    pub requests: RequestLog,
}

/// One call: who, in which mode, when.
#[derive(Clone)]
pub struct Ctx {
    pub actor: Option<Actor>,
    pub mode: Mode,
    pub now: Timestamp,
    /// What the caller of a sandbox asked this call to suffer.
    pub fault: Option<Fault>,
    pub services: Arc<Services>,
}

impl Ctx {
    /// A call by nobody: of time, of the command line, of start-up.
    pub fn system(services: &Arc<Services>, mode: Mode) -> Self {
        Ctx { actor: None, mode, now: services.clocks.now(mode), fault: None, services: Arc::clone(services) }
    }

    /// Looks at the clock again: in the writer's queue the time of the call grows old.
    pub fn refresh(&mut self) {
        self.now = self.services.clocks.now(self.mode);
    }

    /// # Errors
    /// The failure that was asked for.
    pub fn check_fault(&self) -> Result<()> {
        self.fault.and_then(|fault| fault.kind.error()).map_or(Ok(()), Err)
    }

    /// The caller; dispatch has refused a call without one before.
    pub fn actor(&self) -> Result<&Actor> {
        self.actor.as_ref().ok_or(Error::Unauthorized("This needs a Bearer token"))
    }

    pub fn user_id(&self) -> Result<&UserId> {
        self.actor().map(|actor| &actor.user_id)
    }

    /// Whether the caller showed an ID token, not a key.
    pub fn has_id_token(&self) -> Result<bool> {
        Ok(self.actor()?.credential == Credential::IdToken)
    }

    pub fn new_id<T: Id>(&self) -> Result<T> {
        self.services.entropy.id(self.now)
    }

    /// Bytes that nobody can foresee, unless the server has a seed.
    pub fn random<const N: usize>(&self) -> Result<[u8; N]> {
        self.services.entropy.bytes()
    }

    pub fn config(&self) -> &Config {
        &self.services.config
    }
}
