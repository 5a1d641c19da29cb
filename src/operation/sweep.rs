//! What is forgotten in time: answers kept for replay, sessions, old events with their deliveries, deleted
//! endpoints, rotated secrets.

use super::Ctx;
use crate::domain::Result;
use crate::domain::time::DAY_MS;
use crate::store::WriteTx;

/// Forgets what is old in the caller's mode, at most `limit` rows of each kind; whether there may be more.
pub fn run(tx: &WriteTx, ctx: &Ctx, limit: usize) -> Result<bool> {
    let oldest_event = ctx.now.plus_ms(-DAY_MS * i64::from(ctx.config().webhooks.keep_days));
    let more = [
        tx.sweep_saved_answers(ctx.mode, ctx.now, limit)?,
        tx.sweep_sessions(ctx.services.clocks.tokens(), limit)?,
        tx.sweep_events(ctx.mode, oldest_event, limit)?,
        tx.sweep_deleted_webhooks(limit)?,
        tx.sweep_previous_secrets(ctx.mode, ctx.now, limit)?,
    ];
    Ok(more.contains(&true))
}
