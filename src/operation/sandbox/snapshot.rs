//! Snapshots: all test data with its clock, kept to be put back.

use super::reset::replace;
use crate::domain::actor::Access;
use crate::domain::error::Resource;
use crate::domain::field::input;
use crate::domain::id::SnapshotId;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::operation::page::paged_input;
use crate::operation::{Answer, Ctx, Manual, Operation, Read, Write};
use crate::store::{Db, ReadTx, Snapshot, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;

const MAX_SNAPSHOTS: usize = 20;

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotView {
    pub id: SnapshotId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the test clock showed; restoring sets it back to there.
    pub at: Timestamp,
    /// Whether it stood.
    pub frozen: bool,
    /// How many rows of the database it holds.
    pub rows: i64,
}

impl From<Snapshot> for SnapshotView {
    fn from(snapshot: Snapshot) -> Self {
        let Snapshot { id, name, at, frozen, rows, .. } = snapshot;
        SnapshotView { id, name, at, frozen, rows }
    }
}

input! {
    pub struct CreateSnapshotInput {
        /// A name to tell your snapshots apart.
        name as "name": Option<Text<1, 80>>,
    }
}

pub struct CreateSnapshot;

impl Operation for CreateSnapshot {
    const NAME: &'static str = "create_snapshot";
    const DOC: &'static str = "Keep all test data, everyone's, with its clock, to be put back later (max 20).";
    const ACCESS: Access = Access::SandboxControl;
    type Input = CreateSnapshotInput;
    type Output = SnapshotView;
}

impl Manual for CreateSnapshot {
    fn run(input: CreateSnapshotInput, ctx: &Ctx, db: &Db) -> Result<SnapshotView> {
        let _turn = ctx.services.sandbox.take_turn();
        let mut ctx = ctx.clone();
        let snapshot = db.write(move |tx| {
            if tx.list_snapshots()?.len() >= MAX_SNAPSHOTS {
                return Err(Error::LimitExceeded(format!("There are {MAX_SNAPSHOTS} snapshots already; delete one first")));
            }
            ctx.refresh();
            tx.insert_snapshot(Snapshot {
                id: ctx.new_id()?,
                name: input.name.map(|name| name.as_str().to_owned()),
                at: ctx.now,
                frozen: ctx.services.clocks.is_frozen(),
                schema: tx.schema_version()?,
                rows: 0,
            })
        })?;
        Ok(snapshot.into())
    }
}

paged_input! {
    pub struct ListSnapshotsInput {}
}

pub struct ListSnapshots;

impl Operation for ListSnapshots {
    const NAME: &'static str = "list_snapshots";
    const DOC: &'static str = "List the snapshots of test data, newest first.";
    const ACCESS: Access = Access::SandboxControl;
    const PAGED: bool = true;
    type Input = ListSnapshotsInput;
    type Output = Vec<SnapshotView>;
}

impl Read for ListSnapshots {
    fn run(input: ListSnapshotsInput, _: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<SnapshotView>>> {
        let query = input.query();
        let (page, all) = (query.page(), tx.list_snapshots()?);
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        query.answer(all.into_iter().skip(page.offset).take(page.limit).map(SnapshotView::from).collect(), total)
    }
}

input! {
    pub struct SnapshotInput {
        /// The snapshot's id.
        id as "snapshotId": SnapshotId,
    }
}

pub struct RestoreSnapshot;

impl Operation for RestoreSnapshot {
    const NAME: &'static str = "restore_snapshot";
    const DOC: &'static str = "Put a snapshot in the place of all test data, and its clock back; accounts and API keys made since stay, their wallets begin anew.";
    const ACCESS: Access = Access::SandboxControl;
    type Input = SnapshotInput;
    type Output = SnapshotView;
}

impl Manual for RestoreSnapshot {
    fn run(input: SnapshotInput, ctx: &Ctx, db: &Db) -> Result<SnapshotView> {
        let (snapshot, schema) = db.read(|tx| Ok((find(tx, &input.id)?, tx.schema_version()?)))?;
        if snapshot.schema != schema {
            return Err(Error::StateConflict("The snapshot is of another version of humans2ai; delete it and make a new one".into()));
        }
        let Snapshot { at, frozen, .. } = snapshot;
        replace(ctx, db, Some(input.id), move |clock, wall| clock.set(at, frozen, wall))?;
        Ok(snapshot.into())
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DeletedSnapshot {
    pub id: SnapshotId,
    pub deleted: bool,
}

pub struct DeleteSnapshot;

impl Operation for DeleteSnapshot {
    const NAME: &'static str = "delete_snapshot";
    const DOC: &'static str = "Delete a snapshot; test data stays as it is.";
    const ACCESS: Access = Access::SandboxControl;
    type Input = SnapshotInput;
    type Output = DeletedSnapshot;
}

impl Write for DeleteSnapshot {
    fn run(input: SnapshotInput, _: &Ctx, tx: &WriteTx) -> Result<DeletedSnapshot> {
        let snapshot = find(tx, &input.id)?;
        tx.delete_snapshot(&snapshot.id)?;
        Ok(DeletedSnapshot { id: snapshot.id, deleted: true })
    }
}

fn find(tx: &ReadTx, id: &SnapshotId) -> Result<Snapshot> {
    tx.find_snapshot(id)?.ok_or(Error::NotFound(Resource::Snapshot))
}
