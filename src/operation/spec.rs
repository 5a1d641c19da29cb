//! Operations with their types erased, for tables of routes and tools.

use super::{Answer, Ctx, Manual, Operation, Pagination, Read, Watch, Write};
use crate::domain::actor::{Access, Role};
use crate::domain::fault::FaultKind;
use crate::domain::field::{Arguments, Field, Input};
use crate::domain::{Error, Result};
use crate::store::{Db, ReadTx, WriteTx};
use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use std::time::Duration;

/// What most answers fit in.
const ANSWER_BYTES: usize = 1_024;

/// An operation's answer as JSON.
pub struct Rendered {
    pub data: Vec<u8>,
    /// `data` without the secrets shown once, where it has any.
    pub redacted: Option<Vec<u8>>,
    pub pagination: Option<Pagination>,
}

pub type ReadWork = Box<dyn FnOnce(&Ctx, &ReadTx) -> Result<Rendered> + Send>;
/// Reviews the input, and leaves what the writer is to run.
pub type WriteWork = Box<dyn FnOnce(&Ctx) -> ReviewedWork + Send>;
pub type ReviewedWork = Box<dyn FnOnce(&Ctx, &WriteTx) -> Result<Rendered> + Send>;
pub type ManualWork = Box<dyn FnOnce(&Ctx, &Db) -> Result<Rendered> + Send>;

/// One look; with whether it is the last.
pub type Look = Box<dyn FnMut(&Ctx, &ReadTx, bool) -> Result<Option<Rendered>> + Send>;

/// A read that may be looked at again and again.
pub struct WatchWork {
    pub patience: Duration,
    pub look: Look,
}

/// Validated and ready to run.
pub enum Work {
    Read(ReadWork),
    Watch(WatchWork),
    Write(WriteWork),
    Manual(ManualWork),
}

/// What an operation does to the data, known before it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it reads, now or once there is something new.
    Read,
    /// One transaction, which an idempotency key makes exactly once.
    Write,
    /// Transactions of its own, around slow work.
    Manual,
}

/// What an [`Operation`] declares, and how to run it.
pub struct Spec {
    pub name: &'static str,
    pub doc: &'static str,
    pub access: Access,
    pub role: Option<Role>,
    pub effect: Effect,
    pub paged: bool,
    pub expires: bool,
    pub fields: fn() -> Vec<Field>,
    pub output: fn(&mut SchemaGenerator) -> Schema,
    /// Parses the arguments.
    pub prepare: fn(&Arguments) -> Result<Work>,
    /// The fault that a sandbox's caller asks for in them.
    pub magic: fn(&Arguments) -> Result<Option<FaultKind>>,
}

impl Spec {
    pub const fn read<O: Read>() -> Self {
        Self::of::<O>(Effect::Read, |arguments| {
            let input = O::Input::parse(arguments)?;
            Ok(Work::Read(Box::new(move |ctx, tx| {
                ctx.check_fault()?;
                O::run(input, ctx, tx).and_then(render::<O>)
            })))
        })
    }

    pub const fn watch<O: Watch>() -> Self {
        Self::of::<O>(Effect::Read, |arguments| {
            let mut input = O::Input::parse(arguments)?;
            let patience = O::patience(&input);
            let look = move |ctx: &Ctx, tx: &ReadTx, last| {
                ctx.check_fault()?;
                O::look(&mut input, ctx, tx, last)?.map(render::<O>).transpose()
            };
            Ok(Work::Watch(WatchWork { patience, look: Box::new(look) }))
        })
    }

    pub const fn write<O: Write>() -> Self {
        Self::of::<O>(Effect::Write, |arguments| {
            let input = O::Input::parse(arguments)?;
            Ok(Work::Write(Box::new(|ctx| {
                let reviewed = ctx.check_fault().and_then(|()| O::review(&input, ctx));
                Box::new(move |ctx, tx| {
                    reviewed?;
                    O::run(input, ctx, tx).map(Answer::from).and_then(render::<O>)
                })
            })))
        })
    }

    pub const fn manual<O: Manual>() -> Self {
        Self::of::<O>(Effect::Manual, |arguments| {
            let input = O::Input::parse(arguments)?;
            Ok(Work::Manual(Box::new(move |ctx, db| {
                ctx.check_fault()?;
                O::run(input, ctx, db).map(Answer::from).and_then(render::<O>)
            })))
        })
    }

    const fn of<O: Operation>(effect: Effect, prepare: fn(&Arguments) -> Result<Work>) -> Self {
        Spec {
            name: O::NAME,
            doc: O::DOC,
            access: O::ACCESS,
            role: O::ROLE,
            effect,
            paged: O::PAGED,
            expires: O::EXPIRES,
            fields: O::Input::fields,
            output: SchemaGenerator::subschema_for::<O::Output>,
            prepare,
            magic: O::magic,
        }
    }
}

fn render<O: Operation>(answer: Answer<O::Output>) -> Result<Rendered> {
    let redacted = O::redact(&answer.data).map(|data| to_json(&data)).transpose()?;
    Ok(Rendered { data: to_json(&answer.data)?, redacted, pagination: answer.pagination })
}

fn to_json(data: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(ANSWER_BYTES);
    serde_json::to_writer(&mut json, data).map_err(Error::internal)?;
    Ok(json)
}
