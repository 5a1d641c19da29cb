//! A whole server in this process, and bytes for its socket.

use crate::Server;
use crate::fixture::Fixture;
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

/// Stands in a seed for an agent's API key, so that what is beyond authentication is reached.
const KEY: &[u8] = b"sk_test_KEY";
/// No request that is tried takes so long; an idle connection is kept longer.
const PATIENCE: Duration = Duration::from_secs(30);

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| Server::ephemeral().start().unwrap())
}

/// The first answer on a connection; those of pipelined requests come from the same places.
pub struct Answer {
    /// In lower case.
    pub head: String,
    pub status: u16,
    rest: Vec<u8>,
}

impl Answer {
    /// Sends bytes on a new connection. The server may close one without a word, but not leave it open.
    pub fn to(bytes: &[u8]) -> Option<Self> {
        let fixture = fixture();
        let mut stream = TcpStream::connect(fixture.server().address()).unwrap();
        // The server may refuse and close before all is written.
        let _ = stream.write_all(&with_key(bytes, fixture.agent.api_key.as_deref().unwrap()));
        let _ = stream.shutdown(Shutdown::Write);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answers = Vec::new();
        let end = stream.read_to_end(&mut answers);
        let is_open = end.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
        assert!(!is_open, "the connection is still open after {}", String::from_utf8_lossy(&answers));
        (!answers.is_empty()).then(|| Self::parse(&answers))
    }

    fn parse(answers: &[u8]) -> Self {
        let end = answers.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head") + 4;
        let head = std::str::from_utf8(&answers[..end]).expect("a head of text").to_ascii_lowercase();
        let status: u16 = head[9..12].parse().expect("a status");
        if status == 100 {
            return Self::parse(&answers[end..]);
        }
        assert!((200..500).contains(&status), "{head}");
        assert!(head.contains("x-request-id: req_") && head.contains("x-ratelimit-limit: "), "{head}");
        Answer { head, status, rest: answers[end..].to_vec() }
    }

    pub fn body(&self) -> &[u8] {
        let length = self.head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        &self.rest[..length.parse().unwrap()]
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body()).expect("JSON")
    }
}

fn with_key(bytes: &[u8], key: &str) -> Vec<u8> {
    let place = bytes.windows(KEY.len()).position(|window| window == KEY);
    place.map_or_else(|| bytes.to_vec(), |at| [&bytes[..at], key.as_bytes(), &bytes[at + KEY.len()..]].concat())
}
