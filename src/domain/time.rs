//! Points in time, in milliseconds since the Unix epoch.

use super::field::{FieldError, FieldType, Raw};
use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Serialize, Serializer};
use std::fmt;

pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// 0000-01-01T00:00:00Z: RFC 3339 cannot write what comes before.
const YEAR_0_MS: i64 = -62_167_219_200 * SECOND_MS;

const TO_THE_SECOND: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
const TO_THE_MILLISECOND: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Milliseconds since the Unix epoch. In bodies RFC 3339 UTC to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND_MS)
    }

    #[must_use]
    pub const fn plus_ms(self, millis: i64) -> Self {
        Timestamp(self.0.saturating_add(millis))
    }

    /// An RFC 3339 time with any offset; a leap second or a date that is none is refused.
    pub fn parse(text: &str) -> Option<Self> {
        // jiff also reads shorter ISO 8601 forms, which RFC 3339 does not know.
        let separator = text.as_bytes().get(10).is_some_and(u8::is_ascii_alphabetic);
        let whole = text.as_bytes().get(16) == Some(&b':') && text.is_ascii() && !text.contains(['[', ',']);
        let offset = matches!(text.as_bytes(), [.., b'Z' | b'z'] | [.., b'+' | b'-', _, _, b':', _, _]);
        (separator && whole && offset).then_some(())?;
        let time = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
        (time >= YEAR_0_MS).then_some(Timestamp(time))
    }

    /// RFC 3339 with milliseconds, as `X-RateLimit-Reset` has it.
    pub fn to_rfc3339_millis(self) -> String {
        TO_THE_MILLISECOND.timestamp_to_string(&self.calendar())
    }

    /// As jiff has it, which knows the years to 9999.
    fn calendar(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TO_THE_SECOND.print_timestamp(&self.calendar(), StdFmtWrite(f)).map_err(|_| fmt::Error)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

impl FieldType for Timestamp {
    const KIND: &'static str = "an RFC 3339 time";

    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "format": "date-time" })
    }

    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        Timestamp::parse(raw.text()?.trim())
            .ok_or_else(|| FieldError::Rule("must be an RFC 3339 time, such as 2026-03-15T18:00:00Z".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_converted_and_lesser_forms_refused() {
        let noon = Timestamp::parse("2026-03-15T18:00:00Z").unwrap();
        assert_eq!(Timestamp::parse("2026-03-15T20:00:00+02:00"), Some(noon));
        assert_eq!(Timestamp::parse("2026-03-15t18:00:00.000z"), Some(noon));
        assert_eq!(noon.to_string(), "2026-03-15T18:00:00Z");
        assert_eq!(noon.plus_ms(7).to_rfc3339_millis(), "2026-03-15T18:00:00.007Z");
        assert_eq!(noon.plus_ms(999).to_string(), "2026-03-15T18:00:00Z", "cut off, not rounded");
        for text in ["2026-03-15", "2026-03-15T18:00:00", "2026-02-30T18:00:00Z", "20260315T180000Z", "2026-03-15T18Z", "tomorrow", ""] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        for offset in ["", "+0200", "+02", "+02:00:00", ",5Z", "[UTC]", "UTC"] {
            assert_eq!(Timestamp::parse(&format!("2026-03-15T18:00:00{offset}")), None, "{offset}");
        }
    }

    #[test]
    fn there_is_no_time_before_the_year_0() {
        assert_eq!(Timestamp::parse("0000-01-01T00:00:00Z").map(|time| time.to_string()).as_deref(), Some("0000-01-01T00:00:00Z"));
        assert_eq!(Timestamp::parse("0000-01-01T00:00:05+10:00"), None);
        assert_eq!(Timestamp::parse("-000001-12-31T23:59:59Z"), None);
    }
}
