//! Judges a request's head, above all its framing: what two servers could read in two ways is refused (RFC 9112 §6, §11.2).

use super::{Limits, Refusal};
use httparse::{EMPTY_HEADER, Error, Header, Request};
use memchr::memchr_iter;

/// How far a head has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Head {
    Incomplete,
    /// Its length in bytes, and what follows it.
    Complete(usize, Framing),
    Refused(Refusal),
}

/// How long the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
}

/// Judges the head at the start of `bytes`.
pub fn judge(bytes: &[u8], limits: &Limits) -> Head {
    let Some(length) = end_of_head(bytes) else {
        return if bytes.len() >= limits.head_bytes { Head::Refused(Refusal::HeadTooLarge) } else { Head::Incomplete };
    };
    if length > limits.head_bytes {
        return Head::Refused(Refusal::HeadTooLarge);
    }
    if has_bare_line_feed(bytes.get(..length).unwrap_or_default()) {
        return Head::Refused(Refusal::BadRequest("Every line of the request's head must end in CR LF"));
    }
    let mut headers = vec![EMPTY_HEADER; limits.headers];
    let mut request = Request::new(&mut headers);
    let parsed = request.parse(bytes.get(..length).unwrap_or_default());
    let judged = match parsed {
        Ok(status) if status.is_complete() => check(&request),
        Err(Error::TooManyHeaders) => Err(Refusal::HeadTooLarge),
        Err(Error::Version) => Err(Refusal::BadRequest("The request must be HTTP/1.1 or HTTP/1.0")),
        Ok(_) | Err(_) => Err(Refusal::BadRequest("The request's head is malformed")),
    };
    judged.map_or_else(Head::Refused, |framing| Head::Complete(length, framing))
}

/// The length of the head with its empty line.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let ends = |at: usize| match bytes.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        _ => None,
    };
    memchr_iter(b'\n', bytes).find_map(ends)
}

fn has_bare_line_feed(head: &[u8]) -> bool {
    memchr_iter(b'\n', head).any(|at| at == 0 || head.get(at - 1) != Some(&b'\r'))
}

fn check(request: &Request) -> Result<Framing, Refusal> {
    let target = request.path.unwrap_or_default();
    let method = request.method.unwrap_or_default();
    let readable = target.starts_with('/') && hyper::Uri::try_from(target).is_ok() && hyper::Method::from_bytes(method.as_bytes()).is_ok();
    if !readable {
        return Err(Refusal::BadRequest("The request's target must be a path such as /api/v1/tasks"));
    }
    let only = |name: &str, refusal: &'static str| {
        let mut values = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Refusal::BadRequest(refusal)),
        }
    };
    let host = only("Host", "The header Host must be sent only once")?;
    let http_1_1 = request.version == Some(1);
    if host.is_none() && http_1_1 {
        return Err(Refusal::BadRequest("The header Host is required"));
    }
    only("Authorization", "The header Authorization must be sent only once")?;
    only("Content-Type", "The header Content-Type must be sent only once")?;
    let length = only("Content-Length", "The header Content-Length must be sent only once")?;
    let encoding = only("Transfer-Encoding", "The header Transfer-Encoding must be sent only once")?;
    framing(length, encoding, http_1_1)
}

fn framing(length: Option<&Header>, encoding: Option<&Header>, http_1_1: bool) -> Result<Framing, Refusal> {
    match (length, encoding) {
        (None, None) => Ok(Framing::Length(0)),
        (Some(_), Some(_)) => Err(Refusal::BadRequest("Content-Length and Transfer-Encoding must not be sent together")),
        (Some(length), None) => {
            decimal(length.value).map(Framing::Length).ok_or(Refusal::BadRequest("The header Content-Length must be a whole number"))
        }
        (None, Some(encoding)) if http_1_1 && encoding.value.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        (None, Some(_)) => Err(Refusal::BadRequest("The header Transfer-Encoding must be chunked, in HTTP/1.1")),
    }
}

/// Digits only: Rust's own parser would take a sign.
fn decimal(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    // Leaves room to add the head's own length.
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok().filter(|length| *length < u64::MAX / 2)
}
