//! Passwords: argon2id, never on the writer's thread, at most as many at once as there are cores.

use crate::domain::secret::Secret;
use crate::domain::{Error, Result};
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::OnceLock;

/// What a guess costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    pub const OWASP: Cost = Cost { memory_kib: 19 * 1024, passes: 2 };
    /// The least that argon2 knows: where nobody's password is a secret, in a fixture.
    pub const LEAST: Cost = Cost { memory_kib: Params::MIN_M_COST, passes: Params::MIN_T_COST };
}

const LANES: u32 = 1;

/// Hashes and verifies passwords.
pub struct Passwords {
    cost: Cost,
    permits: (Sender<()>, Receiver<()>),
    /// What an unknown email's password is verified against, so that it takes as long as a known one's; made when it is
    /// first needed.
    decoy: OnceLock<String>,
}

impl Passwords {
    /// At most `at_once` hashes run at the same time; the others wait.
    pub fn new(cost: Cost, at_once: usize) -> Self {
        let permits = bounded(at_once.max(1));
        for _ in 0..at_once.max(1) {
            // The channel has room for exactly these.
            let _ = permits.0.send(());
        }
        Passwords { cost, permits, decoy: OnceLock::new() }
    }

    /// The PHC string of a new password.
    pub fn hash(&self, password: &Secret) -> Result<String> {
        let _permit = self.permit()?;
        Ok(self.argon2()?.hash_password(password.expose().as_bytes()).map_err(failed)?.to_string())
    }

    /// Whether the password is the one hashed; with no hash it takes as long and is false.
    pub fn verify(&self, password: &Secret, hash: Option<&str>) -> Result<bool> {
        let decoy = if let Some(decoy) = self.decoy.get() {
            decoy
        } else {
            let made = self.hash(&Secret::new("no account has this".into()))?;
            self.decoy.get_or_init(|| made)
        };
        let _permit = self.permit()?;
        let parsed = PasswordHash::new(hash.unwrap_or(decoy)).map_err(failed)?;
        Ok(self.argon2()?.verify_password(password.expose().as_bytes(), &parsed).is_ok() && hash.is_some())
    }

    fn argon2(&self) -> Result<Argon2<'static>> {
        let params = Params::new(self.cost.memory_kib, self.cost.passes, LANES, None).map_err(failed)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }

    /// A hash that is no password's: it is made up, so nobody knows what would lead to it, and refusing takes as long.
    pub fn unusable(&self, salt: [u8; 16], hash: [u8; 32]) -> String {
        let Cost { memory_kib, passes } = self.cost;
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={LANES}${salt}${hash}")
    }

    fn permit(&self) -> Result<Permit<'_>> {
        self.permits.1.recv().map_err(Error::internal)?;
        Ok(Permit(&self.permits.0))
    }
}

#[track_caller]
fn failed(error: impl std::fmt::Display) -> Error {
    Error::internal(error.to_string())
}

struct Permit<'p>(&'p Sender<()>);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_hash_is_verified_like_any_other_and_never_right() {
        let passwords = Passwords::new(Cost::LEAST, 1);
        let hash = passwords.unusable([1; 16], [2; 32]);
        for guess in ["", "password", hash.as_str()] {
            assert!(!passwords.verify(&Secret::new(guess.into()), Some(&hash)).unwrap());
        }
    }
}
