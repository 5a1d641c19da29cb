//! Amounts of `$A9token`: exact, integer micro-units, never a float (contract §1).

use super::field::{FieldError, FieldType, Raw};
use serde::{Serialize, Serializer};
use std::fmt;

const DECIMALS: usize = 6;
const MICROS_PER_UNIT: i64 = 1_000_000;
const BASIS_POINTS: i128 = 10_000;

/// An amount in micro-units (1 A9 = 1 000 000). Negative only as the sign of a statement's line or the world's balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    pub const ZERO: Money = Money(0);

    pub const fn from_micros(micros: i64) -> Self {
        Money(micros)
    }

    /// Whole A9, as the configuration states them.
    pub fn from_units(units: u32) -> Self {
        Money(i64::from(units) * MICROS_PER_UNIT)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).map(Money)
    }

    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).map(Money)
    }

    #[must_use]
    pub fn negated(self) -> Money {
        Money(self.0.saturating_neg())
    }

    /// `bps` ten-thousandths of this amount, rounded down to the micro-unit.
    #[must_use]
    pub fn basis_points(self, bps: u32) -> Money {
        Money(scaled(self.0, i128::from(bps), BASIS_POINTS))
    }

    /// `percent` hundredths of this amount, rounded down to the micro-unit.
    #[must_use]
    pub fn percent(self, percent: u8) -> Money {
        Money(scaled(self.0, i128::from(percent), 100))
    }

    /// Reads a JSON number's own text, exponent included, without ever rounding: `None` if it is not a decimal number
    /// or has more than `decimals` significant places, or does not fit.
    pub fn parse(literal: &str, decimals: usize) -> Option<Money> {
        let (negative, rest) = literal.strip_prefix('-').map_or((false, literal), |rest| (true, rest));
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_end_matches('0');
        let trailing_zeros = i64::try_from(digits.len() - significant.len()).ok()?;
        if significant.trim_start_matches('0').is_empty() {
            return Some(Money::ZERO);
        }
        let power = i64::from(exponent) - i64::try_from(fraction.len()).ok()? + trailing_zeros;
        if power < -i64::try_from(decimals.min(DECIMALS)).ok()? {
            return None;
        }
        let shift = u32::try_from(power + i64::try_from(DECIMALS).ok()?).ok()?;
        let micros = significant.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(shift)?)?;
        Some(Money(if negative { -micros } else { micros }))
    }
}

fn scaled(micros: i64, numerator: i128, denominator: i128) -> i64 {
    // A share of an i64 fits an i64 whenever numerator <= denominator, which both callers' types or limits assure.
    i64::try_from(i128::from(micros) * numerator / denominator).unwrap_or(i64::MAX)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.unsigned_abs();
        let unit = MICROS_PER_UNIT.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:06}", micros % unit);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction}", micros / unit)
    }
}

/// A plain JSON number with exactly the amount's own digits.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_string().parse::<serde_json::Number>().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl schemars::JsonSchema for Money {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "description": "an amount in A9, at most 6 decimals" })
    }
}

/// An amount a client may ask for: more than 0, at most 1 000 000 A9, at most `DECIMALS` decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount<const PLACES: usize>(Money);

/// What a task pays: at most 2 decimals (contract §1).
pub type Budget = Amount<2>;

impl<const PLACES: usize> Amount<PLACES> {
    const MAX_UNITS: u32 = 1_000_000;

    pub fn money(self) -> Money {
        self.0
    }
}

impl<const PLACES: usize> FieldType for Amount<PLACES> {
    const KIND: &'static str = "a number";

    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "number", "exclusiveMinimum": 0, "maximum": Self::MAX_UNITS,
            "multipleOf": format!("1e-{PLACES}").parse::<serde_json::Number>().ok(),
            "description": format!("an amount in A9, at most {PLACES} decimals") })
    }

    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        let money = Money::parse(&raw.number()?, PLACES);
        money.filter(|money| *money > Money::ZERO && *money <= Money::from_units(Self::MAX_UNITS)).map(Amount).ok_or_else(|| {
            FieldError::Rule(format!("must be greater than 0, at most {} and have at most {PLACES} decimals", Self::MAX_UNITS))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_exact_or_refused() {
        let cases = [
            ("150", Some(150_000_000)),
            ("149.985", Some(149_985_000)),
            ("1.5e2", Some(150_000_000)),
            ("1500e-1", Some(150_000_000)),
            ("0.10", Some(100_000)),
            ("100000000000000000000e-18", Some(100_000_000)),
            ("-0.000001", Some(-1)),
            ("0e999999999", Some(0)),
            ("0.0000001", None),
            ("1e400", None),
            ("1e-400", None),
            ("150.0000000000000000001", None),
            ("9223372036855", None),
            ("1e99999999999", None),
            ("NaN", None),
            (".5", None),
            ("", None),
        ];
        for (literal, micros) in cases {
            assert_eq!(Money::parse(literal, DECIMALS).map(Money::micros), micros, "{literal}");
        }
        assert_eq!(Money::parse("0.001", 2), None);
    }

    #[test]
    fn an_amount_reads_back_as_it_is_written() {
        for micros in [0, 1, -1, 149_985_000, 15_000, 1_000_000, i64::MAX / 2, 123_456_789] {
            let money = Money::from_micros(micros);
            assert_eq!(Money::parse(&money.to_string(), DECIMALS), Some(money));
        }
        assert_eq!(serde_json::to_string(&Money::from_micros(149_985_000)).unwrap(), "149.985");
        assert_eq!(serde_json::to_string(&Money::from_micros(150_000_000)).unwrap(), "150");
    }

    #[test]
    fn shares_round_down() {
        assert_eq!(Money::from_units(150).basis_points(1), Money::from_micros(15_000));
        assert_eq!(Money::from_micros(99).percent(50), Money::from_micros(49));
        assert_eq!(Money::from_micros(i64::MAX).basis_points(10_000), Money::from_micros(i64::MAX));
    }
}
