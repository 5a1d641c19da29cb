//! Merges several ranges of an index, each newest first, into one list, reading no more rows than are asked for.

use super::tx::Page;
use rusqlite::{CachedStatement, Params, Rows};

/// The page of `seq`s from ranges whose statements each yield a `seq` in descending order.
pub fn merge_newest<P: Params>(ranges: Vec<(CachedStatement<'_>, P)>, page: Page) -> rusqlite::Result<Vec<i64>> {
    let (mut statements, params): (Vec<_>, Vec<_>) = ranges.into_iter().unzip();
    let mut heads = Vec::with_capacity(statements.len());
    for (statement, params) in statements.iter_mut().zip(params) {
        let mut rows = statement.query(params)?;
        if let Some(seq) = next(&mut rows)? {
            heads.push((seq, rows));
        }
    }
    let mut seqs = Vec::with_capacity(page.limit);
    let mut skip = page.offset;
    while seqs.len() < page.limit {
        let Some(newest) = (0..heads.len()).max_by_key(|i| heads[*i].0) else { break };
        let (seq, rows) = &mut heads[newest];
        if skip > 0 {
            skip -= 1;
        } else {
            seqs.push(*seq);
        }
        match next(rows)? {
            Some(next) => *seq = next,
            None => drop(heads.swap_remove(newest)),
        }
    }
    Ok(seqs)
}

fn next(rows: &mut Rows<'_>) -> rusqlite::Result<Option<i64>> {
    rows.next()?.map(|row| row.get(0)).transpose()
}
