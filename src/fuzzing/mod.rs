//! What is fuzzed: everything that reads what a stranger wrote. Each target takes bytes and panics where a promise breaks.
//!
//! `fuzz/` runs them under libFuzzer; the tests below run them on a stable toolchain, on the seeds and what is near them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a broken promise is reported by a panic

mod mcp;
mod request;
mod server;
#[cfg(test)]
mod tests;

pub use mcp::mcp;
pub use request::request;

use crate::api::rest::ROUTES;
use crate::config::{Config, Layers};
use crate::domain::actor::{Mode, Role};
use crate::domain::address::is_public;
use crate::domain::field::{Arguments, FieldType, Raw};
use crate::domain::id::{Id, UserId};
use crate::domain::money::Money;
use crate::domain::text::HttpUrl;
use crate::domain::time::Timestamp;
use crate::domain::token::TokenSigner;
use crate::http::request::parse_object;
use crate::http::response::status;
use crate::operation::webhook::check_url;
use std::net::IpAddr;
use std::sync::OnceLock;

/// A body: either refused with a reason, or an object that means the same when it is written again; and every operation
/// takes it or says why not.
pub fn json(bytes: &[u8]) {
    let body = match parse_object(bytes) {
        Ok(body) => body,
        Err(refusal) => return assert_eq!(status(&refusal), 400, "{refusal}"),
    };
    let written = serde_json::to_vec(&body).unwrap();
    assert_eq!(parse_object(&written).unwrap(), body);
    for route in &ROUTES {
        let arguments = Arguments { texts: Vec::new(), body: body.clone() };
        if let Err(refusal) = (route.spec.prepare)(&arguments) {
            assert!(matches!(status(&refusal), 400 | 404) && !refusal.to_string().is_empty(), "{}: {refusal:?}", route.spec.name);
        }
    }
}

/// An amount: refused, or exactly the number that the text says.
pub fn money(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(money) = Money::parse(text, 6) else { return };
    assert_eq!(Money::parse(&money.to_string(), 6), Some(money), "{text}");
    let number: f64 = text.parse().expect("a number to Rust, too");
    let ours: f64 = money.to_string().parse().unwrap();
    assert!((number - ours).abs() <= number.abs() * 1e-15, "{text} became {ours}");
    if let Some(rougher) = Money::parse(text, 2) {
        assert!(rougher == money && money.micros() % 10_000 == 0, "{text}");
    }
}

/// A time: refused, or the same moment when it is written again.
pub fn time(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(time) = Timestamp::parse(text) else { return };
    let written = time.to_rfc3339_millis();
    assert_eq!(Timestamp::parse(&written), Some(time), "{text} became {written}");
    assert_eq!(Timestamp::parse(&time.to_string()).map(Timestamp::seconds), Some(time.seconds()), "{text} became {time}");
}

/// A cursor: up to 18 digits and nothing else.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let route = ROUTES.iter().find(|route| route.spec.name == "list_tasks").unwrap();
    let arguments = Arguments { texts: vec![("cursor".to_owned(), text.to_owned())], ..Arguments::default() };
    let digits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    assert_eq!((route.spec.prepare)(&arguments).is_ok(), digits, "{text:?}");
}

/// An ID token: no other text than the one that was signed proves anyone.
pub fn token(bytes: &[u8]) {
    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    let signer = TokenSigner::new([7; 32], "");
    let genuine = signer.sign(&UserId::nil(), "a@b.cd", Role::Agent, NOW, NOW);
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(text == genuine || signer.verify(text, NOW).is_none(), "{text}");
    }
    // The bytes as changes to a true one: a place, and what is written there.
    let mut forged = genuine.clone().into_bytes();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % forged.len();
        forged[at] = change[2];
    }
    if let Ok(text) = std::str::from_utf8(&forged) {
        assert!(text == genuine || signer.verify(text, NOW).is_none(), "{text}");
    }
}

/// A webhook's address on a live server: https to what may be a public host, which every parser on the way reads alike.
pub fn webhook_url(bytes: &[u8]) {
    static LIVE: OnceLock<Config> = OnceLock::new();
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(url) = HttpUrl::parse(Raw::Text(text)) else { return };
    let live = || Config::load(&Layers::default().sets(&[("server.mode".to_owned(), "live".to_owned())])).unwrap();
    if check_url(&url, LIVE.get_or_init(live), Mode::Live).is_err() {
        return;
    }
    let judged = url::Url::parse(url.as_str()).unwrap();
    assert!(judged.scheme() == "https" && judged.username().is_empty() && judged.password().is_none(), "{text}");
    let Ok(sent) = hyper::Uri::try_from(judged.as_str()) else { return };
    assert_eq!((sent.scheme_str(), sent.host()), (Some("https"), judged.host_str()), "{text}");
    let host = sent.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    assert!(host.parse::<IpAddr>().map_or(true, is_public), "{text}");
}
