//! The clock of test data, as it survives a restart.

use super::column::Columns;
use super::tx::{ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::clock::KeptClock;
use crate::domain::time::Timestamp;
use rusqlite::params;

impl ReadTx<'_> {
    pub fn find_test_clock(&self) -> Result<KeptClock> {
        let mut statement = self.prepare("SELECT lead_ms, frozen_at, shown FROM test_clock")?;
        Ok(statement.query_row([], |row| {
            let mut columns = Columns::new(row);
            Ok(KeptClock { lead_ms: columns.value()?, frozen_at: columns.optional_time()?, shown: columns.time()? })
        })?)
    }
}

impl WriteTx<'_> {
    pub fn update_test_clock(&self, clock: KeptClock) -> Result<()> {
        self.execute(
            "UPDATE test_clock SET lead_ms = ?1, frozen_at = ?2, shown = ?3",
            params![clock.lead_ms, clock.frozen_at.map(Timestamp::millis), clock.shown.millis()],
        )?;
        Ok(())
    }
}
