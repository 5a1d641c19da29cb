//! Snapshots of test data: kept in the file, put back without touching a live row.
//!
//! A row is kept as a JSON array of its columns, whatever its table ([`tables`]). Putting back is no business of the
//! ledger's: its guards are off meanwhile, and what was sound when it was kept is sound again.

mod restore;
mod tables;

use super::column::Columns;
use super::tx::{ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::id::{Id, SnapshotId};
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use tables::{Part, TABLES, Table};

/// What is known of a snapshot.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub id: SnapshotId,
    pub name: Option<String>,
    /// What the test clock showed.
    pub at: Timestamp,
    pub frozen: bool,
    /// The version of the schema that its rows have.
    pub schema: i64,
    pub rows: i64,
}

const SELECT: &str = "SELECT id, name, at, frozen, schema, rows FROM snapshot";

fn read(row: &Row) -> rusqlite::Result<Snapshot> {
    let mut columns = Columns::new(row);
    Ok(Snapshot {
        id: columns.id()?,
        name: columns.value()?,
        at: columns.time()?,
        frozen: columns.value()?,
        schema: columns.value()?,
        rows: columns.value()?,
    })
}

/// A column that is stored; one that is generated is not.
struct Column {
    name: String,
    is_blob: bool,
}

impl ReadTx<'_> {
    /// All of them, newest first (there are at most a few).
    pub fn list_snapshots(&self) -> Result<Vec<Snapshot>> {
        let mut statement = self.prepare(&format!("{SELECT} ORDER BY seq DESC"))?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn find_snapshot(&self, id: &SnapshotId) -> Result<Option<Snapshot>> {
        Ok(self.prepare(&format!("{SELECT} WHERE id = ?1"))?.query_row([id.as_str()], read).optional()?)
    }

    /// The version of this file's schema.
    pub fn schema_version(&self) -> Result<i64> {
        Ok(self.prepare("PRAGMA user_version")?.query_row([], |row| row.get(0))?)
    }

    fn stored_columns(&self, table: &str) -> Result<Vec<Column>> {
        let mut statement = self.prepare("SELECT name, type = 'BLOB' FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid")?;
        let columns = statement.query_map([table], |row| Ok(Column { name: row.get(0)?, is_blob: row.get(1)? }))?;
        Ok(columns.collect::<Result<_, _>>()?)
    }
}

impl WriteTx<'_> {
    /// Keeps all test data as it is now; `rows` of it is made here.
    pub fn insert_snapshot(&self, mut snapshot: Snapshot) -> Result<Snapshot> {
        self.execute(
            "INSERT INTO snapshot (id, name, at, frozen, schema, rows) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
            params![snapshot.id.as_str(), snapshot.name, snapshot.at.millis(), snapshot.frozen, snapshot.schema],
        )?;
        let mut rows = 0;
        for table in &TABLES {
            rows += self.keep(&snapshot.id, table)?;
        }
        snapshot.rows = i64::try_from(rows).unwrap_or(i64::MAX);
        self.execute("UPDATE snapshot SET rows = ?2 WHERE id = ?1", params![snapshot.id.as_str(), snapshot.rows])?;
        Ok(snapshot)
    }

    fn keep(&self, id: &SnapshotId, table: &Table) -> Result<usize> {
        let condition = match table.part {
            Part::Rows { condition, .. } => condition,
            Part::Wallets => "livemode = 0",
            Part::Shared | Part::Derived => return Ok(0),
        };
        // JSON has no bytes.
        let value =
            |Column { name, is_blob }: &Column| if *is_blob { format!("iif({name} IS NULL, NULL, hex({name}))") } else { name.clone() };
        let values: Vec<_> = self.stored_columns(table.name)?.iter().map(value).collect();
        let sql = format!(
            "INSERT INTO snapshot_row SELECT ?1, '{name}', row_number() OVER (), json_array({values}) FROM {name} WHERE {condition}",
            name = table.name,
            values = values.join(", ")
        );
        Ok(self.execute(&sql, [id.as_str()])?)
    }

    pub fn delete_snapshot(&self, id: &SnapshotId) -> Result<()> {
        self.execute("DELETE FROM snapshot_row WHERE snapshot_id = ?1", [id.as_str()])?;
        self.execute("DELETE FROM snapshot WHERE id = ?1", [id.as_str()])?;
        Ok(())
    }
}
