//! The ledger's invariants, stated here once more and apart from the server's own check.

use rusqlite::Connection;

const CHECKS: [(&str, &str); 6] = [
    ("balances sum to zero in each mode", "SELECT livemode FROM account GROUP BY livemode HAVING sum(balance) <> 0"),
    ("only the world owes", "SELECT id FROM account WHERE balance < 0 AND kind <> 'world'"),
    (
        "a balance is the sum of its transfers",
        "SELECT id FROM account a WHERE balance <>
           (SELECT ifnull(sum(amount), 0) FROM transfer WHERE credit_account = a.id)
           - (SELECT ifnull(sum(amount), 0) FROM transfer WHERE debit_account = a.id)",
    ),
    (
        "frozen is the sum of open escrows",
        "SELECT id FROM account a WHERE kind = 'frozen' AND balance <>
           (SELECT ifnull(sum(amount), 0) FROM escrow WHERE owner = a.owner AND livemode = a.livemode AND status = 'held')",
    ),
    ("an escrow that ended paid out what it held", "SELECT id FROM escrow WHERE status <> 'held' AND payout + fee + refund <> amount"),
    (
        "an escrow is held while its task is alive, and ended once",
        "SELECT t.id FROM task t JOIN escrow e ON e.task_id = t.id
         WHERE (e.status = 'held') <> (t.status IN ('open', 'assigned', 'submitted', 'rejected', 'disputed'))",
    ),
];

pub fn check(database: &Connection) {
    for (rule, sql) in CHECKS {
        let broken = database.prepare(sql).unwrap().query_map([], |_| Ok(())).unwrap().count();
        assert_eq!(broken, 0, "broken: {rule}");
    }
}
