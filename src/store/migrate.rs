//! The file's version: made from `schema.sql`, brought up step by step, refused when newer than this binary.

use rusqlite::{Connection, TransactionBehavior};

/// The version that `schema.sql` makes.
const VERSION: usize = 1;

/// `STEPS[n]` brings a file from version n + 1 to n + 2. A step is never edited once released.
const STEPS: [&str; VERSION - 1] = [];

/// Makes or upgrades the schema in one transaction: a kill in between leaves the old version.
pub fn migrate(conn: &mut Connection) -> Result<(), Box<dyn std::error::Error>> {
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
