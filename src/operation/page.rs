//! Pages of lists.

use crate::domain::field::{FieldError, FieldType, Raw, Whole};
use crate::domain::{Error, Result};
use crate::store::Page;
use schemars::JsonSchema;
use serde::Serialize;

/// Page numbers pass over so many entries, each of which costs the walk to it; a cursor is as quick anywhere.
const MAX_SKIPPED: u64 = 100_000;

/// An operation's answer; a list's has its pagination.
pub struct Answer<T> {
    pub data: T,
    pub pagination: Option<Pagination>,
}

impl<T> From<T> for Answer<T> {
    fn from(data: T) -> Self {
        Answer { data, pagination: None }
    }
}

/// Which page it is and how many there are.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    pub page: u32,
    pub limit: u32,
    pub total: i64,
    pub total_pages: i64,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A page's number, from 1.
pub type PageNumber = Whole<1, { u32::MAX }>;
pub type PageLimit = Whole<1, 100>;

/// The last seq of the page before.
#[derive(Debug, Clone, Copy)]
pub struct Cursor(pub i64);

impl FieldType for Cursor {
    const KIND: &'static str = "a string";
    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "pattern": "^[0-9]{1,18}$" })
    }
    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        let text = raw.text()?;
        let digits = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let seq = text.parse().ok().filter(|_| digits);
        seq.map(Cursor).ok_or_else(|| FieldError::Rule("must be a nextCursor of an earlier page".into()))
    }
}

/// A request for one page.
#[derive(Debug, Clone, Copy)]
pub struct PageQuery {
    pub page: PageNumber,
    pub limit: PageLimit,
    pub cursor: Option<Cursor>,
}

impl PageQuery {
    /// What to read: beyond the reach of page numbers nothing but the total.
    pub fn page(&self) -> Page {
        let skipped = self.skipped();
        Page {
            after: self.cursor.map(|cursor| cursor.0),
            offset: usize::try_from(skipped).unwrap_or(usize::MAX),
            limit: if skipped > MAX_SKIPPED { 0 } else { usize::try_from(self.limit.0).unwrap_or(usize::MAX) },
        }
    }

    fn skipped(&self) -> u64 {
        if self.cursor.is_some() { 0 } else { u64::from(self.page.0 - 1) * u64::from(self.limit.0) }
    }

    /// The answer of a list that pages by number.
    ///
    /// # Errors
    /// The page has entries, but page numbers do not reach them.
    pub fn answer<T>(&self, data: T, total: i64) -> Result<Answer<T>> {
        if self.skipped() > MAX_SKIPPED && u64::try_from(total).is_ok_and(|total| self.skipped() < total) {
            let rule = format!(
                "page must not pass over more than {MAX_SKIPPED} entries; narrow the list, or use cursor where a page has a nextCursor"
            );
            return Err(Error::validation(rule));
        }
        let limit = i64::from(self.limit.0);
        let total_pages = total / limit + i64::from(total % limit > 0);
        let pagination = Pagination { page: self.page.0, limit: self.limit.0, total, total_pages, next_cursor: None };
        Ok(Answer { data, pagination: Some(pagination) })
    }

    /// The answer of a list that also pages by cursor: `last_seq` is that of the page's last entry.
    pub fn answer_with_cursor<T>(&self, data: Vec<T>, total: i64, last_seq: Option<i64>) -> Result<Answer<Vec<T>>> {
        let full = u32::try_from(data.len()).is_ok_and(|length| length == self.limit.0);
        let ends = self.cursor.is_none() && i64::from(self.page.0) * i64::from(self.limit.0) >= total;
        let mut answer = self.answer(data, total)?;
        if let Some(pagination) = answer.pagination.as_mut().filter(|_| full && !ends) {
            pagination.next_cursor = last_seq.map(|seq| seq.to_string());
        }
        Ok(answer)
    }
}

/// Declares the fields of every list and makes a [`PageQuery`] of them; `by cursor` for those whose answers have a
/// nextCursor.
macro_rules! paged_input {
    (by cursor $(#[$meta:meta])* pub struct $Name:ident { $($fields:tt)* }) => {
        $crate::operation::page::paged_input!(@declare $(#[$meta])* $Name { $($fields)* } [
            /// A page's nextCursor: continues after it, whatever came since; replaces page.
            cursor as "cursor": Option<$crate::operation::page::Cursor>,
        ] |input| input.cursor);
    };
    ($(#[$meta:meta])* pub struct $Name:ident { $($fields:tt)* }) => {
        $crate::operation::page::paged_input!(@declare $(#[$meta])* $Name { $($fields)* } [] |_| None);
    };
    (@declare $(#[$meta:meta])* $Name:ident { $($fields:tt)* } [$($cursor:tt)*] $find_cursor:expr) => {
        $crate::domain::field::input! {
            $(#[$meta])*
            pub struct $Name {
                $($fields)*
                /// The page's number, from 1; one past the last is empty. Numbers reach the first 100 000 entries.
                page as "page": $crate::operation::page::PageNumber = "1",
                /// How many entries a page has.
                limit as "limit": $crate::operation::page::PageLimit = "20",
                $($cursor)*
            }
        }
        impl $Name {
            pub fn query(&self) -> $crate::operation::page::PageQuery {
                let find_cursor: fn(&Self) -> Option<$crate::operation::page::Cursor> = $find_cursor;
                $crate::operation::page::PageQuery { page: self.page, limit: self.limit, cursor: find_cursor(self) }
            }
        }
    };
}
pub(crate) use paged_input;

#[cfg(test)]
mod tests {
    use super::*;

    fn query(page: u32, limit: u32) -> PageQuery {
        PageQuery { page: Whole(page), limit: Whole(limit), cursor: None }
    }

    #[test]
    fn a_page_past_the_end_is_empty_however_far_and_costs_no_walk() {
        for (page, limit) in [(2, 20), (10_002, 100), (u32::MAX, 1), (u32::MAX, 100)] {
            let answer = query(page, limit).answer((), 20).unwrap();
            assert_eq!(answer.pagination.map(|pagination| (pagination.page, pagination.total_pages > 0)), Some((page, true)));
        }
        assert_eq!(query(u32::MAX, 100).page().limit, 0);
    }

    #[test]
    fn numbers_reach_so_far_and_the_refusal_names_the_cursor() {
        let (last, next) = (query(5_001, 20), query(5_002, 20));
        assert_eq!((last.page().offset, last.page().limit, next.page().limit), (100_000, 20, 0));
        assert!(last.answer((), 2_000_000).is_ok() && next.answer((), 100_020).is_ok());
        let refusal = next.answer((), 100_021).err().map(|error| error.to_string()).unwrap();
        assert!(refusal.starts_with("page ") && refusal.contains("nextCursor"), "{refusal}");
        let by_cursor = PageQuery { cursor: Some(Cursor(7)), ..next };
        assert!(by_cursor.answer((), 2_000_000).is_ok() && by_cursor.page().limit == 20);
    }
}
