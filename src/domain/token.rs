//! ID tokens: JWTs signed with HS256 (RFC 7515, RFC 7519), with the claims a Firebase client knows (contract §3).

use super::actor::Role;
use super::id::{Id, UserId};
use super::time::{HOUR_MS, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

pub const ID_TOKEN_SECONDS: i64 = HOUR_MS / 1_000;
const AUDIENCE: &str = "humans2ai";

/// Signs and verifies ID tokens with one key.
#[derive(Clone)]
pub struct TokenSigner {
    key: [u8; 32],
    issuer: String,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    user_id: String,
    email: String,
    email_verified: bool,
    auth_time: i64,
    iat: i64,
    exp: i64,
    firebase: Firebase,
    role: Role,
}

#[derive(Serialize, Deserialize)]
struct Firebase {
    sign_in_provider: String,
}

impl TokenSigner {
    pub fn new(key: [u8; 32], public_url: &str) -> Self {
        let issuer = if public_url.is_empty() { AUDIENCE } else { public_url };
        TokenSigner { key, issuer: issuer.to_owned() }
    }

    /// A token of [`ID_TOKEN_SECONDS`] for this account.
    pub fn sign(&self, user: &UserId, email: &str, role: Role, signed_in_at: Timestamp, now: Timestamp) -> String {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.into(),
            sub: user.to_string(),
            user_id: user.to_string(),
            email: email.to_owned(),
            email_verified: false,
            auth_time: signed_in_at.seconds(),
            iat: now.seconds(),
            exp: now.seconds() + ID_TOKEN_SECONDS,
            firebase: Firebase { sign_in_provider: "password".into() },
            role,
        };
        let header = Header { alg: "HS256".into(), typ: "JWT".into() };
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&message).finalize().into_bytes());
        format!("{message}.{signature}")
    }

    /// Whose token it is, if this server signed it with HS256 and it has not ended.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<UserId> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        self.mac(message).verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let header: Header = decode(header)?;
        let claims: Claims = decode(claims)?;
        let valid = header.alg == "HS256" && claims.aud == AUDIENCE && claims.iss == self.issuer && now.seconds() < claims.exp;
        valid.then(|| UserId::parse(&claims.sub)).flatten()
    }

    fn mac(&self, message: &str) -> Hmac<Sha256> {
        // A key of exactly the block's size or less is never refused; 32 bytes are.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(message.as_bytes());
        mac
    }
}

fn encode(part: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).unwrap_or_default())
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_token_is_its_users_for_an_hour() {
        let signer = TokenSigner::new([7; 32], "");
        let user = UserId::new();
        let token = signer.sign(&user, "a@b.cd", Role::Agent, NOW, NOW);
        assert_eq!(signer.verify(&token, NOW), Some(user.clone()));
        assert_eq!(signer.verify(&token, NOW.plus_ms(HOUR_MS - 1)), Some(user));
        assert_eq!(signer.verify(&token, NOW.plus_ms(HOUR_MS)), None);
        assert_eq!(TokenSigner::new([8; 32], "").verify(&token, NOW), None);
        assert_eq!(TokenSigner::new([7; 32], "https://x.y").verify(&token, NOW), None);
    }

    #[test]
    fn no_algorithm_but_ours_is_accepted() {
        let signer = TokenSigner::new([7; 32], "");
        let token = signer.sign(&UserId::new(), "a@b.cd", Role::Agent, NOW, NOW);
        let (_, rest) = token.split_once('.').unwrap();
        let (claims, _) = rest.split_once('.').unwrap();
        for alg in ["none", "HS384", "RS256"] {
            let message = format!("{}.{claims}", encode(&Header { alg: alg.into(), typ: "JWT".into() }));
            let signature = URL_SAFE_NO_PAD.encode(signer.mac(&message).finalize().into_bytes());
            assert_eq!(signer.verify(&format!("{message}.{signature}"), NOW), None, "{alg}");
        }
        assert_eq!(signer.verify(&format!("{token}x"), NOW), None);
    }
}
