//! Exactly once: the answer to a request with an `Idempotency-Key` is saved in the transaction of its effect (contract §5).

use super::request::header;
use super::response::{REPLAYED, Wire};
use crate::domain::{Error, Result};
use crate::operation::{Ctx, ManualWork, Rendered};
use crate::store::{Db, ReadTx, SavedAnswer, WriteTx};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// A client's key, and what it was sent for.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    key: String,
    fingerprint: [u8; 32],
}

impl IdempotencyKey {
    /// The request's key, if it is of a method that has one; the fingerprint is of method, path and canonical body.
    pub fn of(request: &rouille::Request, path: &str, body: &Map<String, Value>) -> Result<Option<Self>> {
        if !matches!(request.method(), "POST" | "PATCH") {
            return Ok(None);
        }
        let Some(key) = header(request, "Idempotency-Key")? else { return Ok(None) };
        Self::new(key, &format!("{} {}", request.method(), path.trim_end_matches('/')), body).map(Some)
    }

    /// `key` for a call of `target` with these arguments.
    pub fn new(key: &str, target: &str, arguments: &Map<String, Value>) -> Result<Self> {
        if !(1..=255).contains(&key.len()) || !key.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(Error::validation("Idempotency-Key must have 1 to 255 printable ASCII characters"));
        }
        let canonical = serde_json::to_vec(&Canonical::Object(arguments)).map_err(Error::internal)?;
        let fingerprint = Sha256::new().chain_update(target).chain_update("\n").chain_update(canonical).finalize().into();
        Ok(IdempotencyKey { key: key.to_owned(), fingerprint })
    }

    /// The saved answer, to be sent again.
    ///
    /// # Errors
    /// [`Error::IdempotencyKeyReused`] if it was another request's.
    pub fn replay(&self, ctx: &Ctx, tx: &ReadTx) -> Result<Option<Wire>> {
        let Some(saved) = tx.find_saved_answer(ctx.user_id()?, ctx.mode, &self.key, ctx.now)? else { return Ok(None) };
        if saved.fingerprint != self.fingerprint {
            return Err(Error::IdempotencyKeyReused);
        }
        let headers = vec![(REPLAYED, "true".to_owned())];
        Ok(Some(Wire { status: saved.status, body: saved.body, headers }))
    }

    fn save(&self, ctx: &Ctx, tx: &WriteTx, wire: &Wire) -> Result<()> {
        let answer = SavedAnswer { fingerprint: self.fingerprint, status: wire.status, body: wire.body.clone() };
        tx.insert_saved_answer(ctx.user_id()?, ctx.mode, &self.key, &answer, ctx.now)
    }
}

/// One form for one meaning: a map is sorted by key already, and a number is written as its digits and their power.
enum Canonical<'v> {
    Object(&'v Map<String, Value>),
    Value(&'v Value),
}

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Canonical::Object(object) => serializer.collect_map(object.iter().map(|(name, value)| (name, Canonical::Value(value)))),
            Canonical::Value(Value::Object(object)) => Canonical::Object(object).serialize(serializer),
            Canonical::Value(Value::Array(items)) => serializer.collect_seq(items.iter().map(Canonical::Value)),
            Canonical::Value(Value::Number(number)) => serializer.collect_str(&format_args!("number {}", decimal(&number.to_string()))),
            Canonical::Value(other) => other.serialize(serializer),
        }
    }
}

/// `1.250`, `1.25` and `125e-2` are one number.
fn decimal(literal: &str) -> String {
    let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let Ok(exponent) = exponent.parse::<i64>() else { return literal.to_owned() };
    let dropped = i64::try_from(digits.len() - significant.len()).unwrap_or_default();
    let places = i64::try_from(fraction.len()).unwrap_or_default();
    let sign = if significant.starts_with('-') { "-" } else { "" };
    match significant.trim_start_matches(['-', '0']) {
        "" => "0".to_owned(),
        significant => format!("{sign}{significant}e{}", exponent.saturating_add(dropped - places)),
    }
}

/// Runs `work` in this transaction, or replays what it answered the first time.
///
/// A refusal that the operation decided undoes its writes, but its answer is saved and the Risk Gate's is logged.
pub fn execute(
    tx: &WriteTx,
    ctx: &Ctx,
    key: Option<&IdempotencyKey>,
    success_status: u16,
    work: impl FnOnce(&Ctx, &WriteTx) -> Result<Rendered>,
) -> Result<Wire> {
    if let Some(replayed) = key.map(|key| key.replay(ctx, tx)).transpose()?.flatten() {
        return Ok(replayed);
    }
    let result = tx.attempt(|tx| work(ctx, tx));
    if let Err(Error::RiskGateBlocked { category }) = &result {
        tx.insert_risk_attempt(ctx.mode, ctx.user_id()?, category, ctx.now)?;
    }
    let (wire, kept) = match result {
        Ok(rendered) => (Wire::success(success_status, &rendered), Wire::redacted(success_status, &rendered)),
        Err(error) if error.is_decision() => (Wire::error(&error), Wire::error(&error)),
        Err(error) => return Err(error),
    };
    if let Some(key) = key {
        key.save(ctx, tx, &kept)?;
    }
    Ok(wire)
}

/// Runs `work` with transactions of its own, or replays what it answered the first time.
///
/// Its answer is saved after its effect: a crash in between leaves the one without the other.
pub fn execute_manual(db: &Db, mut ctx: Ctx, key: Option<IdempotencyKey>, success_status: u16, work: ManualWork) -> Result<Wire> {
    let Some(key) = key else { return work(&ctx, db).map(|rendered| Wire::success(success_status, &rendered)) };
    ctx.refresh();
    if let Some(replayed) = db.read(|tx| key.replay(&ctx, tx))? {
        return Ok(replayed);
    }
    let (wire, kept) = match work(&ctx, db) {
        Ok(rendered) => (Wire::success(success_status, &rendered), Wire::redacted(success_status, &rendered)),
        Err(error) if error.is_decision() => (Wire::error(&error), Wire::error(&error)),
        Err(error) => return Err(error),
    };
    db.write(move |tx| {
        ctx.refresh();
        key.save(&ctx, tx, &kept)
    })?;
    Ok(wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_meaning_has_one_form() {
        let form = |body: &str| serde_json::to_string(&Canonical::Object(&serde_json::from_str(body).unwrap())).unwrap();
        let body = r#"{"b":[1.50,{"d":null,"c":true}],"a":"x"}"#;
        assert_eq!(form(body), r#"{"a":"x","b":["number 15e-1",{"c":true,"d":null}]}"#);
        assert_ne!(form(r#"{"a":1}"#), form(r#"{"a":"1"}"#));
    }

    #[test]
    fn one_number_has_one_form() {
        for literal in ["1.25", "1.250", "125e-2", "0.125E1", "1.25e+0"] {
            assert_eq!(decimal(literal), "125e-2", "{literal}");
        }
        assert_eq!((decimal("-0.0"), decimal("100"), decimal("-1")), ("0".into(), "1e2".into(), "-1e0".into()));
        assert_ne!(decimal("1e99999999999999999999"), decimal("1e9999999999999999999"));
    }
}
