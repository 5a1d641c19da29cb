//! Pages of lists.

use crate::domain::field::{FieldError, FieldType, Raw, Whole};
use crate::store::Page;
use schemars::JsonSchema;
use serde::Serialize;

/// Page numbers reach so far; a cursor reaches everything.
const MAX_PAGE: u32 = 1_000;

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
#[derive(Debug, Clone, Copy)]
pub struct PageNumber(u32);

impl FieldType for PageNumber {
    const KIND: &'static str = Whole::<1, MAX_PAGE>::KIND;
    fn schema() -> serde_json::Value {
        Whole::<1, MAX_PAGE>::schema()
    }
    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        Whole::<1, MAX_PAGE>::parse(raw).map(|number| PageNumber(number.0)).map_err(|error| match error {
            FieldError::Rule(rule) => FieldError::Rule(format!("{rule}; past that use cursor with the nextCursor of a page")),
            error => error,
        })
    }
}

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
    pub fn page(&self) -> Page {
        let skipped = (self.page.0 - 1) * self.limit.0;
        Page {
            after: self.cursor.map(|cursor| cursor.0),
            offset: if self.cursor.is_some() { 0 } else { usize::try_from(skipped).unwrap_or(usize::MAX) },
            limit: usize::try_from(self.limit.0).unwrap_or(usize::MAX),
        }
    }

    /// The answer of a list that pages by number.
    pub fn answer<T>(&self, data: T, total: i64) -> Answer<T> {
        let limit = i64::from(self.limit.0);
        let total_pages = total / limit + i64::from(total % limit > 0);
        let pagination = Pagination { page: self.page.0, limit: self.limit.0, total, total_pages, next_cursor: None };
        Answer { data, pagination: Some(pagination) }
    }

    /// The answer of a list that also pages by cursor: `last_seq` is that of the page's last entry.
    pub fn answer_with_cursor<T>(&self, data: Vec<T>, total: i64, last_seq: Option<i64>) -> Answer<Vec<T>> {
        let full = u32::try_from(data.len()).is_ok_and(|length| length == self.limit.0);
        let ends = self.cursor.is_none() && i64::from(self.page.0) * i64::from(self.limit.0) >= total;
        let mut answer = self.answer(data, total);
        if let Some(pagination) = answer.pagination.as_mut().filter(|_| full && !ends) {
            pagination.next_cursor = last_seq.map(|seq| seq.to_string());
        }
        answer
    }
}

/// Declares the three fields of every list and makes a [`PageQuery`] of them.
macro_rules! paged_input {
    ($(#[$meta:meta])* pub struct $Name:ident { $($fields:tt)* }) => {
        $crate::domain::field::input! {
            $(#[$meta])*
            pub struct $Name {
                $($fields)*
                /// The page's number, from 1.
                page as "page": $crate::operation::page::PageNumber = "1",
                /// How many entries a page has.
                limit as "limit": $crate::operation::page::PageLimit = "20",
                /// A page's nextCursor: continues after it, whatever came since; replaces page.
                cursor as "cursor": Option<$crate::operation::page::Cursor>,
            }
        }
        impl $Name {
            pub fn query(&self) -> $crate::operation::page::PageQuery {
                $crate::operation::page::PageQuery { page: self.page, limit: self.limit, cursor: self.cursor }
            }
        }
    };
}
pub(crate) use paged_input;
