//! Lists of tasks at a cost that does not grow with their number.
//!
//! `task_list` holds, per viewer and facet (a small number made of status, remote and urgency), the seqs of the tasks in
//! order; `task_list_count` their numbers. A filter selects facets; the page is the merge of their ranges, and the total
//! the sum of their counts.

use super::merge::merge_newest;
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Mode;
use crate::domain::id::{Id, UserId};
use crate::domain::named::Named;
use crate::domain::task::{Task, TaskStatus, Urgency};
use rusqlite::params;

/// A full-text search looks at this many of the newest matches, so that a common word costs no more than a rare one.
const TEXT_CANDIDATES: i64 = 10_000;
/// The viewer that stands for everyone.
const EVERYONE: &str = "";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    pub status: Option<TaskStatus>,
    pub category: Option<String>,
    pub remote: Option<bool>,
    pub urgency: Option<Urgency>,
    /// Only the tasks one takes part in.
    pub mine: bool,
    /// Words that the title or description must have, all of them.
    pub text: Option<String>,
}

impl TaskFilter {
    /// The inverse of the generated column `task.facet`.
    fn admits(&self, facet: i64) -> bool {
        let status = usize::try_from(facet / 8).ok().and_then(|index| TaskStatus::ALL.get(index));
        let urgency = usize::try_from(facet % 4).ok().and_then(|index| Urgency::ALL.get(index));
        let remote = facet / 4 % 2 == 1;
        self.status.is_none_or(|wanted| status == Some(&wanted))
            && self.urgency.is_none_or(|wanted| urgency == Some(&wanted))
            && self.remote.is_none_or(|wanted| wanted == remote)
    }
}

/// A range of `task_list`: one viewer's tasks of one facet.
struct Range<'v> {
    viewer: &'v str,
    facet: i64,
    tasks: i64,
}

impl ReadTx<'_> {
    /// What `viewer` may see, newest first, and how many there are.
    pub fn list_tasks(&self, mode: Mode, viewer: &UserId, filter: &TaskFilter, page: Page) -> Result<(Vec<Task>, i64)> {
        if let Some(text) = &filter.text {
            return self.search_tasks(mode, viewer, filter, text, page);
        }
        let mut ranges = self.ranges(mode, viewer.as_str(), filter)?;
        if !filter.mine {
            // Everyone's range has the open tasks already, the viewer's own among them.
            ranges.retain(|range| range.facet >= 8);
            ranges.extend(self.ranges(mode, EVERYONE, filter)?);
        }
        let total = ranges.iter().map(|range| range.tasks).sum();
        let seqs = self.merged(mode, filter.category.as_deref(), &ranges, page)?;
        Ok((self.load_tasks(&seqs)?, total))
    }

    fn ranges<'v>(&self, mode: Mode, viewer: &'v str, filter: &TaskFilter) -> Result<Vec<Range<'v>>> {
        let mut statement =
            self.prepare("SELECT facet, tasks FROM task_list_count WHERE livemode = ?1 AND viewer = ?2 AND category = ?3 AND tasks > 0")?;
        let category = filter.category.as_deref().unwrap_or_default();
        let ranges = statement
            .query_map(params![mode.is_live(), viewer, category], |row| Ok(Range { viewer, facet: row.get(0)?, tasks: row.get(1)? }))?;
        Ok(ranges.filter(|range| range.as_ref().map_or(true, |range| filter.admits(range.facet))).collect::<Result<_, _>>()?)
    }

    fn merged(&self, mode: Mode, category: Option<&str>, ranges: &[Range], page: Page) -> Result<Vec<i64>> {
        let sql = match category {
            Some(_) => {
                "SELECT task_seq FROM task_list INDEXED BY task_list_category
                 WHERE livemode = ?1 AND viewer = ?2 AND facet = ?3 AND task_seq < ?4 AND category = ?5 ORDER BY task_seq DESC"
            }
            None => {
                "SELECT task_seq FROM task_list
                 WHERE livemode = ?1 AND viewer = ?2 AND facet = ?3 AND task_seq < ?4 AND ?5 IS NULL ORDER BY task_seq DESC"
            }
        };
        let range = |(number, range): (usize, &Range)| {
            let params = (mode.is_live(), range.viewer.to_owned(), range.facet, page.below(), category.map(str::to_owned));
            // All are read at once, and the cache has one statement for one text: a number gives each its own.
            Ok((self.prepare(&format!("{sql} -- {number}"))?, params))
        };
        let ranges = ranges.iter().enumerate().map(range).collect::<Result<Vec<_>>>()?;
        Ok(merge_newest(ranges, page)?)
    }

    fn search_tasks(&self, mode: Mode, viewer: &UserId, filter: &TaskFilter, text: &str, page: Page) -> Result<(Vec<Task>, i64)> {
        let mut statement = self.prepare(
            "SELECT t.seq, t.facet FROM (SELECT rowid FROM task_text WHERE task_text MATCH ?1 AND rowid < ?6
               ORDER BY rowid DESC LIMIT ?5) hit
             JOIN task t ON t.seq = hit.rowid
             WHERE t.livemode = ?2 AND (?4 IS NULL OR t.category = ?4)
               AND (t.agent_id = ?3 OR (?7 = 0 AND t.status = 'open')
                 OR EXISTS (SELECT 1 FROM application a WHERE a.task_id = t.id AND a.human_id = ?3))
             ORDER BY t.seq DESC",
        )?;
        let found = statement.query_map(
            params![words(text), mode.is_live(), viewer.as_str(), filter.category, TEXT_CANDIDATES, page.below(), filter.mine],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )?;
        let seqs = found
            .filter(|hit| hit.as_ref().map_or(true, |(_, facet)| filter.admits(*facet)))
            .map(|hit| hit.map(|(seq, _)| seq))
            .collect::<Result<Vec<i64>, _>>()?;
        let shown: Vec<i64> = seqs.iter().copied().skip(page.offset).take(page.limit).collect();
        Ok((self.load_tasks(&shown)?, i64::try_from(seqs.len()).unwrap_or(i64::MAX)))
    }
}

impl WriteTx<'_> {
    /// Adds the tasks inserted since the last call to the full-text index. Once per commit: FTS5 writes a segment at every
    /// savepoint, which would cost more than the task itself.
    pub(super) fn index_new_task_texts(&self) -> rusqlite::Result<()> {
        self.execute(
            "INSERT INTO task_text (rowid, title, description) SELECT seq, title, description FROM task
             WHERE seq > (SELECT ifnull(max(id), 0) FROM task_text_docsize)",
            [],
        )?;
        Ok(())
    }
}

/// The query's words, quoted, so that none of it is read as FTS5 syntax; all must occur.
fn words(text: &str) -> String {
    let quoted: Vec<_> = text.split_whitespace().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facet_is_what_the_schema_makes_of_status_remote_and_urgency() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../schema.sql")).unwrap();
        conn.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        for (seq, (status, (remote, urgency))) in TaskStatus::ALL
            .iter()
            .flat_map(|s| [false, true].map(|r| (s, r)))
            .flat_map(|(s, r)| Urgency::ALL.iter().map(move |u| (s, (r, u))))
            .enumerate()
        {
            conn.execute(
                "INSERT INTO task (id, livemode, status, title, description, category, budget, deadline, remote, urgency, selection,
                 review_hours, escrow_id, agent_id, created_at, updated_at)
                 VALUES (?1, 0, ?2, '', '', 'c', 1, 0, ?3, ?4, 'manual', 0, 'e', 'a', 0, 0)",
                params![seq.to_string(), status.as_str(), remote, urgency.as_str()],
            )
            .unwrap();
            let facet = conn.query_row("SELECT facet FROM task WHERE id = ?1", [seq.to_string()], |row| row.get(0)).unwrap();
            let filter = TaskFilter { status: Some(*status), remote: Some(remote), urgency: Some(*urgency), ..TaskFilter::default() };
            assert!(filter.admits(facet), "{status} {remote} {urgency}: {facet}");
            assert_eq!((0..72).filter(|facet| filter.admits(*facet)).count(), 1);
        }
    }
}
