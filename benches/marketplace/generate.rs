//! A database of any size, as years of business would leave it.

use crate::disk::Disk;
use crate::server::Server;
use rusqlite::Connection;
use std::path::Path;

/// Tasks per transaction.
const STEP: u64 = 50_000;

/// Makes the file with `tasks` tasks of 1 000 agents, a tenth of them open; the key of an agent who owns one in a hundred.
pub fn database(disk: &Disk, path: &Path, tasks: u64) -> String {
    let server = Server::start(disk, path, &[]);
    let key = server.account("bench@example.com").key().to_owned();
    drop(server);
    let conn = Connection::open(path).unwrap();
    conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA foreign_keys = OFF").unwrap();
    conn.execute_batch(
        "INSERT INTO user (id, email, password_hash, role, display_name, skills, referral_code, created_at)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         SELECT 'user_' || printf('%032x', i), i || '@example.org', '', 'agent', 'agent-' || i, '[]', 'bench-' || i, 0 FROM n",
    )
    .unwrap();
    for from in (1..=tasks).step_by(usize::try_from(STEP).unwrap()) {
        let to = (from + STEP - 1).min(tasks);
        insert(&conn, from, to);
        if tasks > STEP {
            println!("  generated {to} of {tasks} tasks");
        }
    }
    conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    key
}

fn insert(conn: &Connection, from: u64, to: u64) {
    let sql = format!(
        "BEGIN;
         INSERT INTO task (id, livemode, status, title, description, category, budget, deadline, remote, urgency, selection, review_hours,
           escrow_id, agent_id, created_at, updated_at)
         WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})
         SELECT 'task_' || printf('%032x', i), 0,
           CASE WHEN i % 10 = 0 THEN 'open' WHEN i % 10 < 8 THEN 'completed' WHEN i % 10 = 8 THEN 'cancelled' ELSE 'expired' END,
           'Task number ' || i, 'Word' || (i % 5000) || ' ' || hex(zeroblob(200)), 'c' || (i % 20), 1000000, 4000000000000, i % 3 = 0,
           CASE i % 4 WHEN 0 THEN 'low' WHEN 1 THEN 'medium' WHEN 2 THEN 'high' ELSE 'urgent' END, 'manual', 72,
           'esc_' || printf('%032x', i),
           CASE WHEN i % 100 = 0 THEN (SELECT id FROM user WHERE email = 'bench@example.com') ELSE 'user_' || printf('%032x', 1 + i % 1000) END,
           0, 0 FROM n;
         INSERT INTO task_text (rowid, title, description) SELECT seq, title, description FROM task WHERE seq BETWEEN {from} AND {to};
         COMMIT"
    );
    conn.execute_batch(&sql).unwrap();
}
