//! A request's parts, read and judged before any operation sees them.

use crate::config::TrustedProxy;
use crate::domain::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fmt;
use std::io::Read;
use std::net::IpAddr;

/// How deep a body's arrays and objects may nest (contract §1).
const MAX_DEPTH: usize = 32;

/// The header's only value.
///
/// # Errors
/// A validation error if it is there more than once.
pub fn header<'r>(request: &'r rouille::Request, name: &str) -> Result<Option<&'r str>> {
    let mut values = request.headers().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Error::validation(format!("The header {name} must be sent only once"))),
        (value, None) => Ok(value),
    }
}

/// The client's address: the peer's, unless it is a trusted proxy; then the right-most address of `X-Forwarded-For` that
/// is none.
pub fn client_address(request: &rouille::Request, trusted: &[TrustedProxy]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|proxy| proxy.contains(*address));
    let peer = request.remote_addr().ip().to_canonical();
    if !is_trusted(&peer) {
        return peer;
    }
    let lines = request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("X-Forwarded-For"));
    let hops: Vec<&str> = lines.flat_map(|(_, line)| line.split(',')).collect();
    let mut addresses = hops.iter().rev().map_while(|hop| hop.trim().parse::<IpAddr>().ok()).map(|hop| hop.to_canonical());
    addresses.find(|address| !is_trusted(address)).unwrap_or(peer)
}

/// The query's pairs, decoded.
pub fn query(request: &rouille::Request) -> Vec<(String, String)> {
    url::form_urlencoded::parse(request.raw_query_string().as_bytes()).into_owned().collect()
}

/// The body as it came; it can be read once.
pub fn bytes(request: &rouille::Request) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut data) = request.data() {
        data.read_to_end(&mut bytes).map_err(Error::internal)?;
    }
    Ok(bytes)
}

/// The JSON object of the body; an empty body is an empty object.
pub fn body(request: &rouille::Request) -> Result<Map<String, Value>> {
    let bytes = bytes(request)?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    if header(request, "Content-Type")?.is_some_and(|value| !is_json(value)) {
        return Err(Error::UnsupportedMediaType);
    }
    parse_object(&bytes)
}

/// Whether this is the media type of JSON, in UTF-8.
pub fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = |part: &str| match part.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => value.trim_matches('"').eq_ignore_ascii_case("utf-8"),
        _ => true,
    };
    essence.eq_ignore_ascii_case("application/json") && parts.all(utf8)
}

/// Parses a JSON object strictly, as [`parse`] does.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>> {
    match parse(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(Error::validation("The body must be a JSON object")),
    }
}

/// Parses JSON strictly: UTF-8, no duplicate key anywhere, at most 32 levels.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    let malformed = |error: serde_json::Error| Error::validation(format!("The body is not valid JSON: {error}"));
    let text = std::str::from_utf8(bytes).map_err(|_| Error::validation("The body is not valid UTF-8"))?;
    let shape = shape(text);
    if shape.depth > MAX_DEPTH {
        return Err(Error::validation(format!("The body must not nest deeper than {MAX_DEPTH} levels")));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut found = Findings::default();
    Unique(&mut found).deserialize(&mut deserializer).map_err(malformed)?;
    deserializer.end().map_err(malformed)?;
    if let Some(name) = found.duplicate {
        return Err(Error::validation(format!("{name} must be given only once")));
    }
    if found.numbers != shape.numbers {
        return Err(Error::validation(format!("{NUMBER_KEY} must not be the name of a field")));
    }
    serde_json::from_str(text).map_err(malformed)
}

/// How `serde_json` (with `arbitrary_precision`) shows some numbers to a visitor: as a map with this one key. An object that
/// has the key in its text would pass for a number.
const NUMBER_KEY: &str = "$serde_json::private::Number";

/// What the text itself tells, without recursion.
struct Shape {
    /// The deepest nesting of arrays and objects.
    depth: usize,
    numbers: usize,
}

fn shape(text: &str) -> Shape {
    let mut shape = Shape { depth: 0, numbers: 0 };
    let (mut depth, mut in_string, mut escaped, mut in_number) = (0_usize, false, false, false);
    for byte in text.bytes() {
        let of_number = !in_string && matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let begins = !in_number && matches!(byte, b'0'..=b'9' | b'-');
        if of_number && begins {
            shape.numbers += 1;
        }
        in_number = of_number && (in_number || begins);
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                shape.depth = shape.depth.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    shape
}

/// What walking a document finds.
#[derive(Default)]
struct Findings {
    duplicate: Option<String>,
    /// What looks like a number to serde.
    numbers: usize,
}

struct Unique<'f>(&'f mut Findings);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == NUMBER_KEY {
                self.0.numbers += 1;
            }
            map.next_value_seed(Unique(self.0))?;
            if seen.contains(&key) {
                self.0.duplicate.get_or_insert(key);
            } else {
                seen.insert(key);
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Unique(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.0.numbers += 1;
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.0.numbers += 1;
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.0.numbers += 1;
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        parse_object(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_duplicate_key_is_named_wherever_it_is() {
        assert_eq!(message(r#"{"a":1,"b":2,"a":3}"#), "a must be given only once");
        assert_eq!(message(r#"{"a":[{"x":1.5e400,"x":true}]}"#), "x must be given only once");
        assert_eq!(message(r#"{"a":1,"\u0061":2}"#), "a must be given only once");
    }

    #[test]
    fn nesting_is_bounded_and_brackets_in_strings_do_not_count() {
        let nested = |levels: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(parse_object(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(message(&nested(MAX_DEPTH + 1)).contains("32 levels"));
        assert!(message(&nested(100_000)).contains("32 levels"));
        assert!(parse_object(format!(r#"{{"a":"\"{}"}}"#, "[".repeat(100)).as_bytes()).is_ok());
    }

    #[test]
    fn an_object_does_not_pass_for_a_number() {
        for body in [
            r#"{"budget":{"$serde_json::private::Number":"150"}}"#,
            r#"{"budget":{"\u0024serde_json::private::Number":"150"},"a":-1.5e+3}"#,
            r#"{"other":{"$serde_json::private::Number":"abc"}}"#,
        ] {
            assert!(message(body).contains("must not be the name"), "{body}");
        }
        assert!(parse_object(br#"{"a":[1,-2.5e+3,{"b":0}],"c":"1 2 3","d":true,"e":null}"#).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["[]", "1", "null", "{", "{} {}", "{\"a\":NaN}", "\"x\""] {
            assert!(parse_object(body.as_bytes()).is_err(), "{body}");
        }
        assert!(parse_object(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn only_json_is_json() {
        assert!(is_json("application/json") && is_json("Application/JSON; charset=\"UTF-8\""));
        assert!(!is_json("text/plain") && !is_json("application/json; charset=latin1") && !is_json("application/jsonp"));
    }

    #[test]
    fn the_forwarded_address_is_believed_only_from_a_trusted_proxy() {
        let trusted: Vec<TrustedProxy> = vec!["10.0.0.0/8".parse().unwrap()];
        let client = |peer: &str, forwarded: &str| {
            let headers = vec![("X-Forwarded-For".to_owned(), forwarded.to_owned())];
            let request = rouille::Request::fake_http_from(peer.parse().unwrap(), "GET", "/", headers, Vec::new());
            client_address(&request, &trusted).to_string()
        };
        assert_eq!(client("10.0.0.1:1", "198.51.100.9, 203.0.113.7, 10.1.1.1"), "203.0.113.7");
        assert_eq!(client("192.0.2.1:1", "203.0.113.7"), "192.0.2.1");
        assert_eq!(client("10.0.0.1:1", "rubbish"), "10.0.0.1");
    }
}
