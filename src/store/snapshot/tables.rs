//! Every table of the schema, and what a snapshot of test data has to do with it.

/// What becomes of a table when test data is kept, put back or emptied.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// Of both modes, or of the server: it stays.
    Shared,
    /// The rows for which this holds are test data. If they are numbered, another row may have their number by the time
    /// they are put back.
    Rows { condition: &'static str, numbered: Option<Numbered> },
    /// Wallets stay, what they hold is put back.
    Wallets,
    /// Made from the other tables.
    Derived,
}

/// A column with numbers that SQLite gave to the rows of `table`.
#[derive(Debug, Clone, Copy)]
pub struct Numbered {
    pub column: &'static str,
    pub table: &'static str,
}

pub struct Table {
    pub name: &'static str,
    pub part: Part,
}

const BY_MODE: &str = "livemode = 0";
const BY_TASK: &str = "task_id IN (SELECT id FROM task WHERE livemode = 0)";
const BY_WEBHOOK: &str = "webhook_id IN (SELECT id FROM webhook WHERE livemode = 0)";

/// Parents before their children: they are put back in this order, and emptied in the other.
pub const TABLES: [Table; 33] = [
    shared("user"),
    shared("referral"),
    shared("session"),
    shared("api_key"),
    shared("server_key"),
    shared("simulated_human"),
    shared("test_clock"),
    shared("snapshot"),
    shared("snapshot_row"),
    Table { name: "account", part: Part::Wallets },
    rows("account_total", "account IN (SELECT id FROM account WHERE livemode = 0)"),
    rows("referral_bonus", BY_MODE),
    numbered("task", BY_MODE),
    Table { name: "task_list", part: Part::Rows { condition: BY_MODE, numbered: Some(Numbered { column: "task_seq", table: "task" }) } },
    rows("task_list_count", BY_MODE),
    Table { name: "task_text", part: Part::Derived },
    rows("autopilot", BY_TASK),
    rows("escrow", BY_MODE),
    numbered("transfer", BY_MODE),
    numbered("application", BY_MODE),
    numbered("submission", BY_TASK),
    numbered("dispute", BY_MODE),
    numbered("message", BY_TASK),
    numbered("risk_attempt", BY_MODE),
    // Numbers of events are never given again: they are the feed's cursors.
    rows("event", BY_MODE),
    rows("event_sweep", BY_MODE),
    rows("webhook", BY_MODE),
    rows("delivery", BY_WEBHOOK),
    rows("delivery_count", BY_WEBHOOK),
    rows("attempt", "delivery_id IN (SELECT d.id FROM delivery d JOIN webhook w ON w.id = d.webhook_id WHERE w.livemode = 0)"),
    numbered("notification", BY_MODE),
    rows("notification_count", BY_MODE),
    numbered("idempotency_key", BY_MODE),
];

const fn shared(name: &'static str) -> Table {
    Table { name, part: Part::Shared }
}

const fn rows(name: &'static str, condition: &'static str) -> Table {
    Table { name, part: Part::Rows { condition, numbered: None } }
}

const fn numbered(name: &'static str, condition: &'static str) -> Table {
    Table { name, part: Part::Rows { condition, numbered: Some(Numbered { column: "seq", table: name }) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    fn names(conn: &Connection, sql: &str) -> Vec<String> {
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn every_table_of_the_schema_is_here_after_those_it_refers_to() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../../schema.sql")).unwrap();
        let mut declared: Vec<_> = TABLES.iter().map(|table| table.name.to_owned()).collect();
        let place = |name: &str| TABLES.iter().position(|table| table.name == name).unwrap();
        for table in &TABLES {
            let sql = format!("SELECT \"table\" FROM pragma_foreign_key_list('{}')", table.name);
            for parent in names(&conn, &sql) {
                assert!(place(&parent) < place(table.name), "{} refers to {parent}", table.name);
            }
            if let Part::Rows { condition, .. } = table.part {
                conn.prepare(&format!("SELECT 1 FROM {} WHERE {condition}", table.name)).unwrap();
            }
        }
        declared.sort();
        // The full-text index keeps tables of its own.
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'task\\_text\\_%' ESCAPE '\\' ORDER BY name";
        assert_eq!(declared, names(&conn, sql), "a new table needs its part in a snapshot");
    }

    #[test]
    fn whatever_has_a_mode_is_no_shared_table() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../../schema.sql")).unwrap();
        for table in TABLES.iter().filter(|table| matches!(table.part, Part::Shared)) {
            let columns = names(&conn, &format!("SELECT name FROM pragma_table_xinfo('{}')", table.name));
            assert!(!columns.contains(&"livemode".to_owned()) || table.name == "api_key", "{}", table.name);
        }
    }
}
