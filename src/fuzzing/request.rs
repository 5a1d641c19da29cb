//! A whole server in this process, and bytes for its socket.

use crate::config::{Config, Layers};
use crate::domain::actor::{Mode, Role};
use crate::domain::field::{FieldType, Raw};
use crate::domain::secret::{Password, Secret};
use crate::domain::text::Email;
use crate::operation::account::{create_account, create_full_key};
use crate::server::{self, Server};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::OnceLock;

/// Stands in a seed for an agent's API key, so that what is beyond authentication is reached.
const KEY: &[u8] = b"sk_test_KEY";

struct Fixture {
    server: Server,
    key: String,
    _directory: tempfile::TempDir,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::load(&Layers::default()).unwrap();
        server::ephemeral(&mut config, directory.path());
        let server = Server::start(config).unwrap();
        let email = Email::parse(Raw::Text("agent@example.com")).unwrap();
        let password = Password(Secret::new("ephemeral".into()));
        let user = create_account(&server.ctx(), server.db(), &email, &password, Role::Agent).unwrap();
        let key = create_full_key(&server.ctx(), server.db(), &user, Mode::Test).unwrap();
        Fixture { key: serde_json::to_value(key).unwrap().as_str().unwrap().to_owned(), server, _directory: directory }
    })
}

/// Bytes on a new connection: whatever is answered is no 5xx, and in the envelope.
pub fn request(bytes: &[u8]) {
    // A long poll would only take its time.
    if bytes.windows(4).any(|window| window == b"wait") {
        return;
    }
    let fixture = fixture();
    let mut stream = TcpStream::connect(fixture.server.address()).unwrap();
    // The server may refuse and close before all is written.
    let _ = stream.write_all(&with_key(bytes, &fixture.key));
    let _ = stream.shutdown(Shutdown::Write);
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    check(bytes, &answers);
}

fn with_key(bytes: &[u8], key: &str) -> Vec<u8> {
    let place = bytes.windows(KEY.len()).position(|window| window == KEY);
    place.map_or_else(|| bytes.to_vec(), |at| [&bytes[..at], key.as_bytes(), &bytes[at + KEY.len()..]].concat())
}

/// The first answer; those of pipelined requests come from the same places.
fn check(bytes: &[u8], answers: &[u8]) {
    if answers.is_empty() {
        return;
    }
    let end = answers.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head") + 4;
    let head = std::str::from_utf8(&answers[..end]).expect("a head of text").to_ascii_lowercase();
    let status: u16 = head[9..12].parse().expect("a status");
    if status == 100 {
        return check(bytes, &answers[end..]);
    }
    assert!((200..500).contains(&status), "{head}");
    assert!(head.contains("x-request-id: req_") && head.contains("x-ratelimit-limit: "), "{head}");
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length").parse().unwrap();
    if bytes.trim_ascii_start().starts_with(b"HEAD ") {
        return;
    }
    let body: Value = serde_json::from_slice(&answers[end..end + length]).expect("JSON");
    let enveloped = body["success"] == Value::Bool(status < 400) || body.get("openapi").is_some();
    assert!(enveloped, "{head}{body}");
}
