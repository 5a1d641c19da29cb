//! The file's version: made from `schema.sql`, brought up step by step, refused when newer than this binary.

use rusqlite::{Connection, TransactionBehavior};

/// The version that `schema.sql` makes.
const VERSION: usize = 3;

/// `STEPS[n]` brings a file from version n + 1 to n + 2. A step is never edited once released.
const STEPS: [&str; VERSION - 1] = [include_str!("upgrades/2.sql"), include_str!("upgrades/3.sql")];

/// Makes or upgrades the schema in one transaction: a kill in between leaves the old version.
pub fn migrate(conn: &mut Connection) -> Result<(), Box<dyn std::error::Error>> {
    bring_up(conn)?;
    forget_statistics(conn)?;
    Ok(())
}

/// Drops what an earlier version or somebody's ANALYZE noted about the tables: of a small file it says that a scan is as good
/// as an index, and the planner believes it when the file has grown.
fn forget_statistics(conn: &Connection) -> rusqlite::Result<()> {
    let mut statement = conn.prepare("SELECT name FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'sqlite_stat4')")?;
    let tables = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    if tables.is_empty() {
        return Ok(());
    }
    for table in tables {
        conn.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    // This connection has read them with the schema, and reads it anew.
    conn.execute_batch("PRAGMA writable_schema = RESET")
}

fn bring_up(conn: &mut Connection) -> Result<(), Box<dyn std::error::Error>> {
    let current = version(conn)?;
    if current == VERSION {
        return Ok(());
    }
    if current > VERSION {
        return Err(format!("it has version {current} and this binary knows {VERSION}; run the newer humans2ai that made it").into());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match version(&tx)? {
        0 => {
            let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if tables > 0 {
                return Err("it belongs to another program; choose another file with --data".into());
            }
            tx.execute_batch(include_str!("../../schema.sql"))?;
        }
        from => {
            for step in STEPS.iter().skip(from - 1) {
                tx.execute_batch(step)?;
            }
        }
    }
    tx.pragma_update(None, "user_version", i64::try_from(VERSION)?)?;
    tx.commit()?;
    Ok(())
}

fn version(conn: &Connection) -> rusqlite::Result<usize> {
    conn.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0)).map(|version| version as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Columns of every table, its indexes with theirs, and the triggers: what a schema is, whatever its text.
    fn shape(conn: &Connection) -> BTreeMap<String, Vec<String>> {
        let describe = "SELECT s.type || ' ' || s.name, x.name || ' ' || x.type || ' ' || x.\"notnull\" || ' ' || x.pk
             FROM sqlite_schema s JOIN pragma_table_xinfo(s.name) x WHERE s.type = 'table'
           UNION ALL SELECT s.type || ' ' || s.name || ' on ' || s.tbl_name, x.seqno || ' ' || ifnull(x.name, '')
             FROM sqlite_schema s JOIN pragma_index_info(s.name) x WHERE s.type = 'index'
           UNION ALL SELECT type || ' ' || name, sql FROM sqlite_schema WHERE type = 'trigger'";
        let mut statement = conn.prepare(describe).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let mut shape: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in rows {
            let (object, part) = row.unwrap();
            shape.entry(object).or_default().push(part);
        }
        shape
    }

    #[test]
    fn statistics_of_a_small_file_do_not_outlive_its_opening() {
        let plan = |conn: &Connection| -> Vec<String> {
            let explained = "EXPLAIN QUERY PLAN SELECT * FROM application WHERE human_id = ?1 AND livemode = ?2 AND seq > ?3";
            let mut statement = conn.prepare(explained).unwrap();
            let steps = statement.query_map(["a", "0", "1"], |row| row.get("detail")).unwrap();
            steps.collect::<Result<_, _>>().unwrap()
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("market.db");
        let open = || super::super::db::connect(&path, rusqlite::OpenFlags::default()).unwrap();
        let mut conn = open();
        migrate(&mut conn).unwrap();
        let planned = plan(&conn);
        conn.execute_batch(
            "INSERT INTO user VALUES ('user_a', 'a@example.com', '', 'agent', 'A', '[]', NULL, 'A', NULL, 0);
             INSERT INTO api_key VALUES ('key_a', 'user_a', 0, 'a', 'sk', x'00', '[]', 0, NULL);
             PRAGMA foreign_keys = OFF;
             INSERT INTO application VALUES (1, 'app_a', 'task_a', 'user_a', 0, 'pending', NULL, 0);
             ANALYZE;",
        )
        .unwrap();
        drop(conn);
        let mut conn = open();
        let misled = plan(&conn);
        migrate(&mut conn).unwrap();
        let left: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'", [], |row| row.get(0)).unwrap();
        assert_eq!((left, plan(&conn)), (0, planned));
        assert_ne!(misled, plan(&conn), "the statistics misled nobody");
    }

    #[test]
    fn an_upgraded_file_has_the_shape_of_a_new_one_and_keeps_its_rows() {
        let mut upgraded = Connection::open_in_memory().unwrap();
        upgraded.pragma_update(None, "foreign_keys", true).unwrap();
        upgraded.execute_batch(include_str!("upgrades/1.sql")).unwrap();
        upgraded
            .execute_batch(
                "INSERT INTO user VALUES ('user_a', 'a@example.com', '', 'agent', 'A', '[]', NULL, 'A', NULL, 0);
                 INSERT INTO task (id, livemode, status, title, description, category, budget, deadline, remote, urgency, selection,
                   review_hours, escrow_id, agent_id, created_at, updated_at)
                   VALUES ('task_a', 0, 'open', 't', 'd', 'c', 1, 1, 0, 'low', 'manual', 72, 'esc_a', 'user_a', 0, 0);
                 INSERT INTO event VALUES (7, 'evt_a', 0, 'task.created', 'task_a', 'user_a', NULL, '{}', 5);
                 INSERT INTO webhook VALUES ('wh_a', 'user_a', 0, 'http://a', '[]', NULL, 'whsec_a', 1, 4);
                 INSERT INTO delivery VALUES (1, 'dlv_a', 7, 'wh_a', 'pending', 0, 5);",
            )
            .unwrap();
        upgraded.pragma_update(None, "user_version", 1).unwrap();
        migrate(&mut upgraded).unwrap();
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh).unwrap();
        assert_eq!(shape(&upgraded), shape(&fresh));
        let kept = "SELECT d.id || e.id || w.secret || c.deliveries FROM delivery d JOIN event e ON e.seq = d.event_seq
            JOIN webhook w ON w.id = d.webhook_id JOIN delivery_count c ON c.webhook_id = w.id AND c.state = 'pending'";
        assert_eq!(upgraded.query_row(kept, [], |row| row.get::<_, String>(0)).unwrap(), "dlv_aevt_awhsec_a1");
        let broken: i64 = upgraded.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
        assert_eq!(broken, 0);
    }
}
