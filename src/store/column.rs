//! Reads a row from left to right into domain values, in the order of its SELECT list.

use crate::domain::actor::Mode;
use crate::domain::id::Id;
use crate::domain::money::Money;
use crate::domain::named::Named;
use crate::domain::time::Timestamp;
use rusqlite::types::{FromSql, Type};
use rusqlite::{Error, Result, Row};

pub struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub fn new(row: &'r Row<'r>) -> Self {
        Columns { row, next: 0 }
    }

    pub fn value<T: FromSql>(&mut self) -> Result<T> {
        let value = self.row.get(self.next);
        self.next += 1;
        value
    }

    fn parsed<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
        let column = self.next;
        self.next += 1;
        let text = self.row.get_ref(column)?.as_str()?;
        parse(text).ok_or_else(|| Error::FromSqlConversionFailure(column, Type::Text, format!("not a valid value: {text}").into()))
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        let null = self.row.get_ref(self.next)? == rusqlite::types::ValueRef::Null;
        if null {
            self.next += 1;
            return Ok(None);
        }
        read(self).map(Some)
    }

    pub fn named<T: Named>(&mut self) -> Result<T> {
        self.parsed(T::parse)
    }

    pub fn optional_named<T: Named>(&mut self) -> Result<Option<T>> {
        self.optional(Self::named)
    }

    pub fn id<T: Id>(&mut self) -> Result<T> {
        self.parsed(T::parse)
    }

    pub fn optional_id<T: Id>(&mut self) -> Result<Option<T>> {
        self.optional(Self::id)
    }

    /// A `livemode` column.
    pub fn mode(&mut self) -> Result<Mode> {
        self.value().map(|livemode: bool| if livemode { Mode::Live } else { Mode::Test })
    }

    pub fn time(&mut self) -> Result<Timestamp> {
        self.value().map(Timestamp::from_millis)
    }

    pub fn optional_time(&mut self) -> Result<Option<Timestamp>> {
        self.optional(Self::time)
    }

    pub fn money(&mut self) -> Result<Money> {
        self.value().map(Money::from_micros)
    }

    /// A column that holds JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        self.parsed(|text| serde_json::from_str(text).ok())
    }

    pub fn optional_json<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>> {
        self.optional(Self::json)
    }
}

/// JSON for a column; values made of strings always have one.
pub fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
