//! One HTTP request, while the messages in it are answered.

use crate::domain::{Error, Result};
use crate::http::exchange::Exchange;
use crate::http::request;
use crate::http::response::Wire;
use std::net::IpAddr;

/// The first version of a client that is not told to update.
const OLDEST_CLIENT: u64 = 1;

pub struct Talk {
    pub request: rouille::Request,
    pub address: IpAddr,
    pub exchange: Exchange,
    /// Whether the body is an array of messages.
    pub batched: bool,
}

impl Talk {
    pub fn new(request: rouille::Request, address: IpAddr, exchange: Exchange) -> Self {
        Talk { request, address, exchange, batched: false }
    }

    /// The body, if it says that it is JSON.
    pub fn read_body(&self) -> Result<Vec<u8>> {
        if !request::header(&self.request, "Content-Type")?.is_some_and(request::is_json) {
            return Err(Error::UnsupportedMediaType);
        }
        request::bytes(&self.request)
    }

    /// Answers with what its messages came to: nothing is 202, a batch an array.
    pub fn finish(self, mut answers: Vec<Wire>) {
        if self.batched && !answers.is_empty() {
            return self.end(join(answers));
        }
        let nothing = Wire { status: 202, body: Vec::new(), headers: Vec::new() };
        let answer = answers.pop().unwrap_or(nothing);
        self.end(answer);
    }

    pub fn end(self, mut answer: Wire) {
        for (name, value) in &mut answer.headers {
            if *name == "WWW-Authenticate" {
                *value = self.challenge();
            }
        }
        if self.client_version().is_some_and(is_old) {
            let warning = "this client is older than 1.0.0 and may be refused one day; update it";
            answer.headers.push(("X-MCP-Version-Warning", warning.to_owned()));
        }
        self.exchange.answer(Ok(answer));
    }

    /// RFC 6750 §3: without a credential no error, with a bad one its name.
    fn challenge(&self) -> String {
        let error = if self.request.header("Authorization").is_some() { ", error=\"invalid_token\"" } else { "" };
        format!("Bearer realm=\"humans2ai\"{error}")
    }

    fn client_version(&self) -> Option<&str> {
        self.request.header("X-MCP-Client-Version")
    }
}

/// Whether a version comes before 1.0.0; what is no version does not.
fn is_old(version: &str) -> bool {
    let version = version.trim().trim_start_matches('v');
    let (numbers, pre_release) = version.split_once('-').map_or((version, false), |(numbers, _)| (numbers, true));
    let parts: Option<Vec<u64>> = numbers.split('.').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some([major, rest @ ..]) => {
            *major < OLDEST_CLIENT || (pre_release && *major == OLDEST_CLIENT && rest.iter().all(|part| *part == 0))
        }
        _ => false,
    }
}

/// The answers of a batch in one; a status that all of them share is its own.
fn join(answers: Vec<Wire>) -> Wire {
    let shared = answers.windows(2).all(|pair| pair[0].status == pair[1].status);
    let (status, headers) = match answers.first() {
        Some(first) if shared => (first.status, first.headers.clone()),
        _ => (200, Vec::new()),
    };
    let bodies: Vec<_> = answers.into_iter().map(|answer| answer.body).collect();
    let body = [b"[", bodies.join(&b","[..]).as_slice(), b"]"].concat();
    Wire { status, body, headers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_the_first_are_old() {
        for version in ["0.9.3", "v0.1", "0", "1.0.0-beta.1"] {
            assert!(is_old(version), "{version}");
        }
        for version in ["1.0.0", "1", "v2.3", "1.0.1-rc", "10.0", "latest", ""] {
            assert!(!is_old(version), "{version}");
        }
    }
}
