//! The ledger's invariants, checked over the whole file (contract §6).

use super::tx::ReadTx;
use crate::domain::Result;

/// Each check finds the rows that break one rule: a sentence, and a query that yields a short description per row.
const CHECKS: [(&str, &str); 11] = [
    (
        "the balances of a mode sum to zero",
        "SELECT 'livemode ' || livemode || ' sums to ' || sum(balance) FROM account GROUP BY livemode HAVING sum(balance) <> 0",
    ),
    (
        "an account's balance is what it received less what it gave",
        "WITH moved (account, amount) AS (SELECT credit_account, amount FROM transfer UNION ALL SELECT debit_account, -amount FROM transfer),
              summed (account, amount) AS (SELECT account, sum(amount) FROM moved GROUP BY account)
         SELECT 'account ' || id || ' has ' || balance || ', its transfers make ' || ifnull(amount, 0)
         FROM account LEFT JOIN summed ON account = id WHERE balance <> ifnull(amount, 0)",
    ),
    ("only the world is below zero", "SELECT 'account ' || id || ' has ' || balance FROM account WHERE balance < 0 AND kind <> 'world'"),
    (
        "a wallet's frozen balance is the sum of its open escrows",
        "SELECT a.owner || ' has ' || a.balance || ' frozen, open escrows hold ' || ifnull(sum(e.amount), 0)
         FROM account a LEFT JOIN escrow e ON e.owner = a.owner AND e.livemode = a.livemode AND e.status = 'held'
         WHERE a.kind = 'frozen' GROUP BY a.id HAVING a.balance <> ifnull(sum(e.amount), 0)",
    ),
    (
        "an escrow pays out what it held",
        "SELECT id FROM escrow WHERE status <> 'held' AND payout + fee + refund <> amount",
    ),
    (
        "an escrow is held exactly as long as its task is alive",
        "SELECT t.id || ' is ' || t.status || ', its escrow ' || ifnull(e.status, 'missing')
         FROM task t LEFT JOIN escrow e ON e.id = t.escrow_id AND e.task_id = t.id
         WHERE e.id IS NULL OR e.amount <> t.budget
           OR (e.status = 'held') <> (t.status IN ('open', 'assigned', 'submitted', 'rejected', 'disputed'))",
    ),
    (
        "an escrow's transfers are what its record says",
        "WITH moved AS (SELECT task_id, sum(iif(kind = 'escrow_lock', amount, 0)) AS locked, sum(iif(kind = 'payout', amount, 0)) AS payout,
                sum(iif(kind = 'fee', amount, 0)) AS fee, sum(iif(kind = 'escrow_refund', amount, 0)) AS refund
              FROM transfer WHERE task_id IS NOT NULL GROUP BY task_id)
         SELECT e.id FROM escrow e LEFT JOIN moved m ON m.task_id = e.task_id
         WHERE ifnull(m.locked, 0) <> e.amount OR m.payout <> e.payout OR m.fee <> e.fee OR m.refund <> e.refund",
    ),
    (
        "a statement's balances follow from one another",
        "WITH line AS (
           SELECT debit_account AS account, seq, -amount AS amount, debit_balance_after AS after FROM transfer
           UNION ALL SELECT credit_account, seq, amount, credit_balance_after FROM transfer)
         SELECT 'transfer ' || seq || ' on account ' || account FROM
           (SELECT account, seq, amount, after, lag(after, 1, 0) OVER (PARTITION BY account ORDER BY seq) AS before FROM line)
         WHERE after <> before + amount",
    ),
    (
        "no transfer crosses modes",
        "SELECT t.id FROM transfer t JOIN account a ON a.id IN (t.debit_account, t.credit_account) WHERE a.livemode <> t.livemode",
    ),
    (
        "the lifetime totals are the sums of the transfers",
        "WITH moved (account, kind, amount) AS (SELECT credit_account, kind, amount FROM transfer UNION ALL SELECT debit_account, kind, amount FROM transfer),
              summed AS (SELECT account, kind, sum(amount) AS amount, count(*) AS transfers FROM moved GROUP BY account, kind)
         SELECT 'account ' || account || ' ' || kind FROM summed s LEFT JOIN account_total t USING (account, kind)
         WHERE t.amount IS NOT s.amount OR t.transfers IS NOT s.transfers",
    ),
    (
        "the lists count what they hold",
        "SELECT viewer || ' ' || category || ' ' || facet FROM task_list_count c WHERE tasks <>
           (SELECT count(*) FROM task_list l WHERE l.livemode = c.livemode AND l.viewer = c.viewer AND l.facet = c.facet
             AND (c.category = '' OR l.category = c.category))",
    ),
];

/// How many rows of one broken rule are named.
const NAMED_PER_CHECK: usize = 10;

impl ReadTx<'_> {
    /// Every broken rule with the rows that break it; empty if the ledger is sound.
    pub fn audit_ledger(&self) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        for (rule, sql) in CHECKS {
            let mut statement = self.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0))?.take(NAMED_PER_CHECK);
            for row in rows {
                problems.push(format!("broken: {rule}: {}", row?.unwrap_or_default()));
            }
        }
        let mut statement = self.prepare("PRAGMA foreign_key_check")?;
        let orphans = statement.query_map([], |row| row.get::<_, String>(0))?.take(NAMED_PER_CHECK);
        for table in orphans {
            problems.push(format!("broken: every reference leads somewhere: a row of {}", table?));
        }
        Ok(problems)
    }
}
