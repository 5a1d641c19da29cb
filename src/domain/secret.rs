//! Secrets: redacted wherever they could be printed, stored only as digests.

use super::field::{FieldError, FieldType, Raw};
use sha2::{Digest, Sha256};
use std::fmt;

/// Text that must never reach a log: its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(inline, description = "A secret: keep it to yourself")]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256: what the database keeps of a secret with at least 128 random bits.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret as a client sends it, 1–4096 characters, whatever they are.
impl FieldType for Secret {
    const KIND: &'static str = "a string";

    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "minLength": 1, "maxLength": 4096 })
    }

    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        let text = raw.text()?;
        if text.is_empty() || text.len() > 4096 {
            return Err(FieldError::Rule("must have 1 to 4096 characters".into()));
        }
        Ok(Secret(text.to_owned()))
    }
}

/// A new password: 8–128 characters, taken as they are (no trimming).
#[derive(Debug, Clone)]
pub struct Password(pub Secret);

impl FieldType for Password {
    const KIND: &'static str = "a string";

    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "minLength": 8, "maxLength": 128 })
    }

    fn parse(raw: Raw<'_>) -> Result<Self, FieldError> {
        let text = raw.text()?;
        match text.chars().count() {
            8..=128 => Ok(Password(Secret(text.to_owned()))),
            _ => Err(FieldError::Rule("must have 8 to 128 characters".into())),
        }
    }
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `bytes` as one big number in base 62, most significant digit first, without loss: 32 bytes give 43 digits.
pub fn base62(bytes: &[u8]) -> String {
    let mut number = bytes.to_vec();
    let mut digits = Vec::with_capacity(bytes.len() * 11 / 8 + 1);
    while number.iter().any(|byte| *byte != 0) || digits.len() < bytes.len() * 8 * 100 / 595 + 1 {
        let mut remainder = 0_usize;
        for byte in &mut number {
            let value = remainder * 256 + usize::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        digits.push(BASE62[remainder]);
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_is_wide_enough_and_keeps_every_bit() {
        assert_eq!(base62(&[0xff; 32]).len(), base62(&[0; 32]).len());
        assert_eq!(base62(&[61]).trim_start_matches('0'), "z");
        assert_eq!(base62(&[1, 0]).trim_start_matches('0'), "48");
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert!(!format!("{:?}", Secret::new("sk_live_abc".into())).contains("abc"));
    }
}
