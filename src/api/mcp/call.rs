//! A tool's call before it is run: who calls, whether they may, and with which key. The same in every dialect.

use super::Mcp;
use super::catalog::IDEMPOTENCY_KEY;
use super::talk::Talk;
use super::tool::Tool;
use crate::domain::actor::{Access, Credential};
use crate::domain::field::Arguments;
use crate::domain::{Error, Result};
use crate::http::executor::{Call, Caller};
use crate::http::idempotency::IdempotencyKey;
use crate::http::rate_limit::{Class, Subject};
use crate::http::request::header;
use crate::operation::Effect;
use serde_json::{Map, Value};

/// Whether a call that moves money must name a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRule {
    Required,
    Optional,
}

impl Mcp {
    /// Counts a message against its address: each one, whoever sends it, and what cannot be read as well.
    pub(super) fn count(&self, talk: &mut Talk) -> Result<()> {
        self.executor.count_address(talk.address, Class::McpAddress, &mut talk.exchange.standing)
    }

    /// Counts the caller of what needs no credential, if they show one; a bad one is refused at once, not first where it
    /// is needed.
    pub(super) fn identify(&self, talk: &mut Talk) -> Result<()> {
        if talk.request.header("Authorization").is_some() {
            self.authenticate(talk)?;
        }
        Ok(())
    }

    /// The caller, counted.
    fn authenticate(&self, talk: &mut Talk) -> Result<Caller> {
        let standing = &mut talk.exchange.standing;
        let caller = self.executor.authenticate(&talk.request, talk.address, standing)?;
        let actor = &caller.actor;
        let subject = match &actor.credential {
            Credential::ApiKey { id, .. } => Subject::ApiKey(id.clone()),
            Credential::IdToken => Subject::Account(actor.user_id.clone(), actor.mode),
        };
        self.executor.count(subject, Class::Mcp, self.executor.services.clocks.now(actor.mode), standing)?;
        Ok(caller)
    }

    /// The call, admitted: it may be run.
    pub(super) fn prepare(&self, talk: &mut Talk, tool: &'static Tool, mut arguments: Map<String, Value>, rule: KeyRule) -> Result<Call> {
        let (actor, view) = self.admit(talk, tool)?.map(|caller| caller.for_operation(&tool.spec)).unzip();
        let key = match (&actor, tool.spec.effect) {
            (Some(_), Effect::Write) => idempotency_key(talk, tool, &mut arguments)?,
            _ => None,
        };
        if key.is_none() && tool.moves_money && rule == KeyRule::Required {
            return Err(Error::validation(format!(
                "{} moves money and needs a key for retries: send the header Idempotency-Key, or {IDEMPOTENCY_KEY} in input",
                tool.spec.name
            )));
        }
        let arguments = Arguments { texts: Vec::new(), body: arguments };
        Ok(Call { spec: &tool.spec, route: None, status: tool.status, arguments, key, ctx: self.executor.ctx(actor), view: view.flatten() })
    }

    /// The caller, if the tool needs one. The call counts in the tool's own class, too; where the caller stands there is
    /// told only to one who is over it.
    fn admit(&self, talk: &mut Talk, tool: &Tool) -> Result<Option<Caller>> {
        let mut of_tool = talk.exchange.standing;
        let (caller, counted) = if tool.spec.access == Access::Public {
            (None, self.executor.count_address(talk.address, tool.class, &mut of_tool))
        } else {
            let caller = self.authenticate(talk)?;
            let counted = self.executor.admit(&caller.actor, &tool.spec, tool.class, &mut of_tool);
            (Some(caller), counted)
        };
        if let Err(Error::RateLimited { .. }) = counted {
            talk.exchange.standing = of_tool;
        }
        counted.map(|()| caller)
    }
}

/// The key in the header or among the arguments, from which it is taken away.
fn idempotency_key(talk: &Talk, tool: &Tool, arguments: &mut Map<String, Value>) -> Result<Option<IdempotencyKey>> {
    let argument = match arguments.remove(IDEMPOTENCY_KEY) {
        None | Some(Value::Null) => None,
        Some(Value::String(key)) => Some(key),
        Some(_) => return Err(Error::validation(format!("{IDEMPOTENCY_KEY} must be a string"))),
    };
    let header = header(&talk.request, "Idempotency-Key")?;
    let key = match (header, argument.as_deref()) {
        (Some(header), Some(argument)) if header != argument => {
            return Err(Error::validation(format!("Idempotency-Key and {IDEMPOTENCY_KEY} must be the same, or only one of them sent")));
        }
        (header, argument) => header.or(argument),
    };
    key.map(|key| IdempotencyKey::new(key, &format!("tool {}", tool.spec.name), arguments)).transpose()
}
