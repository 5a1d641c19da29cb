//! The raw writer: what one thread with rusqlite makes of the same file, without HTTP, types or rules.
//!
//! It runs the statements of a task's creation, savepoints and idempotency row included, in batches of as many as there
//! are clients, one commit each. It is a process of its own, as the server is, so that both meet the same disk.

use rusqlite::{Connection, params};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The command that makes this binary the raw writer.
pub const COMMAND: &str = "--raw-writer";

/// Tasks per second in batches of `batch`.
pub fn measure(disk: &crate::disk::Disk, path: &Path, batch: usize, duration: Duration) -> f64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(COMMAND).arg(path).arg(batch.to_string()).arg(duration.as_millis().to_string());
    let output = disk.slow(&mut command).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// In that process: prints the rate.
pub fn main(arguments: &[String]) {
    let [path, batch, millis] = arguments else { panic!("PATH BATCH MILLIS") };
    let (batch, duration) = (batch.parse().unwrap(), Duration::from_millis(millis.parse().unwrap()));
    let writer = Writer::open(path);
    let (mut tasks, begun) = (0, Instant::now());
    while begun.elapsed() < duration {
        writer.commit(tasks, batch);
        tasks += batch;
    }
    println!("{}", tasks as f64 / begun.elapsed().as_secs_f64());
}

struct Writer {
    conn: Connection,
    user: String,
    webhook: String,
}

impl Writer {
    fn open(path: &str) -> Self {
        let conn = Connection::open(path).unwrap();
        // The server's own settings (`store::db`).
        conn.set_prepared_statement_cache_capacity(256);
        conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
        conn.execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA foreign_keys = on; PRAGMA cache_size = -16000;
             PRAGMA temp_store = memory; PRAGMA wal_autocheckpoint = 4000",
        )
        .unwrap();
        let id = |table: &str| conn.query_row(&format!("SELECT id FROM {table}"), [], |row| row.get(0)).unwrap();
        let (user, webhook) = (id("user"), id("webhook"));
        Writer { conn, user, webhook }
    }

    fn commit(&self, first: usize, batch: usize) {
        self.run("BEGIN IMMEDIATE", []);
        for number in first..first + batch {
            self.create(number);
        }
        self.run(
            "INSERT INTO task_text (rowid, title, description) SELECT seq, title, description FROM task
             WHERE seq > (SELECT ifnull(max(id), 0) FROM task_text_docsize)",
            [],
        );
        self.run("COMMIT", []);
    }

    fn create(&self, number: usize) {
        let (task, escrow) = (format!("task_{number:032x}"), format!("esc_{number:032x}"));
        let (user, now) = (&self.user, 1_800_000_000_000_i64);
        self.run("SAVEPOINT job", []);
        self.look(
            "SELECT fingerprint, status, body FROM idempotency_key WHERE user_id = ?1 AND livemode = 0 AND key = ?2 AND created_at > 0",
            params![user, number.to_string()],
        );
        self.run("SAVEPOINT attempt", []);
        self.look("SELECT * FROM user WHERE id = ?1", [user]);
        self.run(
            "INSERT INTO task (id, livemode, status, title, description, category, budget, deadline, location, remote, urgency,
               selection, review_hours, escrow_id, agent_id, created_at, updated_at)
             VALUES (?1, 0, 'open', 'Photograph 3 coffee shops in SOMA',
               'Take exterior and interior photos of 3 coffee shops in SOMA district.', 'photography', 10000, ?2,
               'San Francisco, CA', 0, 'medium', 'manual', 72, ?3, ?4, ?5, ?5)",
            params![task, now + 86_400_000, escrow, user, now],
        );
        let available = self.account("available");
        let frozen = self.account("frozen");
        self.run(
            "INSERT INTO transfer (id, livemode, kind, debit_account, credit_account, amount, debit_balance_after,
               credit_balance_after, task_id, description, created_at)
             VALUES (?1, 0, 'escrow_lock', ?2, ?3, 10000, ?4, ?5, ?6, 'Budget locked in escrow', ?7)",
            params![format!("txn_{number:032x}"), available.0, frozen.0, available.1 - 10_000, frozen.1 + 10_000, task, now],
        );
        self.run(
            "INSERT INTO escrow (id, task_id, livemode, owner, amount, created_at) VALUES (?1, ?2, 0, ?3, 10000, ?4)",
            params![escrow, task, user, now],
        );
        self.run(
            "INSERT INTO event (id, livemode, type, task_id, owner_id, human_id, data, created_at)
             VALUES (?1, 0, 'task.created', ?2, ?3, NULL, ?4, ?5)",
            params![
                format!("evt_{number:032x}"),
                task,
                user,
                r#"{"taskTitle":"Photograph 3 coffee shops in SOMA","budget":0.01,"createdAt":"2027-01-15T08:00:00Z"}"#,
                now
            ],
        );
        let event = self.conn.last_insert_rowid();
        self.look("SELECT * FROM webhook WHERE user_id = ?1 AND livemode = 0 AND deleted_at IS NULL ORDER BY id", [user]);
        self.run(
            "INSERT INTO delivery (webhook_id, event_seq, id, state, retry_at, misdelivery) VALUES (?1, ?2, ?3, 'pending', NULL, NULL)",
            params![self.webhook, event, format!("dlv_{number:032x}")],
        );
        self.run("RELEASE attempt", []);
        self.run(
            "INSERT OR REPLACE INTO idempotency_key (user_id, livemode, key, fingerprint, status, body, created_at) VALUES (?1, 0, ?2, ?3, 201, ?4, ?5)",
            params![user, number.to_string(), [7_u8; 32], [b'x'; 700], now],
        );
        self.run("RELEASE job", []);
    }

    fn run(&self, sql: &str, params: impl rusqlite::Params) {
        self.conn.prepare_cached(sql).unwrap().execute(params).unwrap();
    }

    fn look(&self, sql: &str, params: impl rusqlite::Params) {
        let mut statement = self.conn.prepare_cached(sql).unwrap();
        let mut rows = statement.query(params).unwrap();
        while rows.next().unwrap().is_some() {}
    }

    fn account(&self, kind: &str) -> (i64, i64) {
        let sql = "SELECT id, balance FROM account WHERE owner = ?1 AND livemode = 0 AND kind = ?2";
        self.conn.prepare_cached(sql).unwrap().query_row([&self.user, kind], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }
}
