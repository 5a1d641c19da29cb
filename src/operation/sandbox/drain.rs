//! Waiting until all is quiet.

use super::advance::TravelView;
use super::travel::travel;
use crate::domain::Result;
use crate::domain::actor::Access;
use crate::operation::wallet::NoInput;
use crate::operation::{Ctx, Manual, Operation};
use crate::store::Db;

pub struct Drain;

impl Operation for Drain {
    const NAME: &'static str = "drain";
    const DOC: &'static str = "Wait until no work of test data and no delivery is due; the clock is not moved.";
    const ACCESS: Access = Access::SandboxControl;
    type Input = NoInput;
    type Output = TravelView;
}

impl Manual for Drain {
    fn run(_: NoInput, ctx: &Ctx, db: &Db) -> Result<TravelView> {
        TravelView::of(travel(&ctx.services, db, None)?, ctx, db)
    }
}
