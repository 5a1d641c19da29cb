//! Emptying test data, and putting a snapshot in its place.

use super::tables::{Numbered, Part, TABLES};
use super::{Column, WriteTx};
use crate::domain::Result;
use crate::domain::id::{Id, SnapshotId, UserId};
use crate::domain::time::Timestamp;
use crate::store::column::Columns;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

/// What keeps the ledger's rows from being edited, and references from dangling.
const GUARDS: [DbConfig; 2] = [DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY];

/// The schema's guards are off for as long as it lives.
struct Unguarded<'c>(&'c Connection);

impl<'c> Unguarded<'c> {
    fn begin(conn: &'c Connection) -> Result<Self> {
        let unguarded = Unguarded(conn);
        for guard in GUARDS {
            conn.set_db_config(guard, false)?;
        }
        Ok(unguarded)
    }
}

impl Drop for Unguarded<'_> {
    fn drop(&mut self) {
        for guard in GUARDS {
            if !self.0.set_db_config(guard, true).is_ok_and(|on| on) {
                log::error!("the ledger's guards could not be switched on again; the server ends rather than write without them");
                std::process::abort();
            }
        }
    }
}

impl WriteTx<'_> {
    /// Puts `snapshot` in the place of all test data, or nothing; the wallets that are empty then for want of their grant.
    ///
    /// Accounts, sessions and API keys stay. `now` is the time of whatever has to be written beside it.
    pub fn replace_test_data(&self, snapshot: Option<&SnapshotId>, now: Timestamp) -> Result<Vec<UserId>> {
        // Whoever's texts are not in the index yet would be passed over later.
        self.index_new_task_texts()?;
        let unguarded = Unguarded::begin(self.conn)?;
        let newest_event = self.find_last_event()?;
        self.empty()?;
        if let Some(id) = snapshot {
            self.put_back(id)?;
        } else {
            self.execute("INSERT INTO event_sweep VALUES (0, ?1)", [newest_event])?;
        }
        self.mark_newest_event(newest_event, now)?;
        drop(unguarded);
        for endpoint in self.list_waiting_endpoints()? {
            self.tell_endpoint(&endpoint.webhook_id);
        }
        self.list_wallets_without_grant(snapshot)
    }

    fn empty(&self) -> Result<()> {
        self.execute("DELETE FROM task_text WHERE rowid IN (SELECT seq FROM task WHERE livemode = 0)", [])?;
        self.execute("UPDATE account SET balance = 0 WHERE livemode = 0", [])?;
        for table in TABLES.iter().rev() {
            if let Part::Rows { condition, .. } = table.part {
                self.execute(&format!("DELETE FROM {} WHERE {condition}", table.name), [])?;
            }
        }
        Ok(())
    }

    fn put_back(&self, id: &SnapshotId) -> Result<()> {
        // What the tasks' own numbers move by, the lists of them move by, too: so it is found before they are there again.
        let mut moves = Vec::new();
        for table in &TABLES {
            if let Part::Rows { numbered: Some(numbered), .. } = table.part
                && numbered.table == table.name
            {
                moves.push((table.name, self.find_move(id, numbered)?));
            }
        }
        for table in &TABLES {
            if let Part::Rows { numbered, .. } = table.part {
                let known = numbered.and_then(|numbered| moves.iter().find(|(name, _)| *name == numbered.table));
                let by = known.map_or(0, |(_, by)| *by);
                self.put_back_rows(id, table.name, numbered.map(|numbered| numbered.column), by)?;
            }
        }
        self.put_back_wallets(id)?;
        self.execute("INSERT INTO task_text (rowid, title, description) SELECT seq, title, description FROM task WHERE livemode = 0", [])?;
        Ok(())
    }

    /// By how much the snapshot's numbers must grow: not at all, unless a live row was given one of them.
    fn find_move(&self, id: &SnapshotId, numbered: Numbered) -> Result<i64> {
        let Numbered { column, table } = numbered;
        let place = place(&self.stored_columns(table)?, column);
        let sql = format!(
            "SELECT iif(EXISTS (SELECT 1 FROM snapshot_row r JOIN {table} t ON t.{column} = r.row ->> {place} WHERE r.snapshot_id = ?1 AND r.part = ?2),
               (SELECT max({column}) FROM {table}), 0)"
        );
        Ok(self.prepare(&sql)?.query_row([id.as_str(), table], |row| row.get(0))?)
    }

    fn put_back_rows(&self, id: &SnapshotId, table: &str, numbered: Option<&str>, by: i64) -> Result<()> {
        let columns = self.stored_columns(table)?;
        let value = |(place, column): (usize, &Column)| match column {
            Column { is_blob: true, .. } => format!("unhex(row ->> {place})"),
            Column { name, .. } if numbered == Some(name) => format!("(row ->> {place}) + ?3"),
            Column { .. } => format!("row ->> {place}"),
        };
        let values: Vec<_> = columns.iter().enumerate().map(value).collect();
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        let sql = format!(
            "INSERT INTO {table} ({}) SELECT {} FROM snapshot_row WHERE snapshot_id = ?1 AND part = ?2 AND ?3 >= 0 ORDER BY number",
            names.join(", "),
            values.join(", ")
        );
        self.execute(&sql, params![id.as_str(), table, by])?;
        Ok(())
    }

    fn put_back_wallets(&self, id: &SnapshotId) -> Result<()> {
        let columns = self.stored_columns("account")?;
        let sql = format!(
            "UPDATE account SET balance = r.row ->> {} FROM snapshot_row r
             WHERE r.snapshot_id = ?1 AND r.part = 'account' AND account.id = r.row ->> {}",
            place(&columns, "balance"),
            place(&columns, "id")
        );
        self.execute(&sql, [id.as_str()])?;
        Ok(())
    }

    fn list_wallets_without_grant(&self, snapshot: Option<&SnapshotId>) -> Result<Vec<UserId>> {
        let id = place(&self.stored_columns("account")?, "id");
        let sql = format!(
            "SELECT owner FROM account WHERE livemode = 0 AND kind = 'available' AND id NOT IN
               (SELECT row ->> {id} FROM snapshot_row WHERE snapshot_id = ?1 AND part = 'account') ORDER BY id"
        );
        let mut statement = self.prepare(&sql)?;
        let owners = statement.query_map([snapshot.map(Id::as_str)], |row| Columns::new(row).id())?;
        Ok(owners.collect::<Result<_, _>>()?)
    }
}

/// A column's place in the rows of a snapshot.
fn place(columns: &[Column], name: &str) -> usize {
    columns.iter().position(|column| column.name == name).unwrap_or_default()
}
