//! Raw bytes: what no HTTP library sends.

use crate::harness::Server;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What the server says to these bytes until it closes or has nothing more to say.
fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    // The server may refuse and close before all is written.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(server: &Server, lines: &str) -> String {
    let key = server.ready["agent"]["apiKey"].as_str().unwrap();
    format!("POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n{lines}\r\n")
}

fn with_body(server: &Server, lines: &str) -> Vec<u8> {
    let body = Server::example().to_string();
    let lines = lines.replace("LENGTH", &body.len().to_string());
    format!("{}{body}", head(server, &lines)).into_bytes()
}

#[test]
fn ambiguous_framing_is_refused_in_the_envelope() {
    let server = Server::start();
    for lines in [
        "Content-Length: LENGTH\r\nContent-Length: LENGTH\r\n",
        "Content-Length: LENGTH\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: LENGTH\r\n",
        "Content-Length: +LENGTH\r\n",
        "Content-Length: x\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Content-Length: LENGTH\r\nAuthorization: Bearer x\r\n",
        "Content-Length: LENGTH\r\nHost: y\r\n",
        "Content-Length : LENGTH\r\n",
        "Content-Length: LENGTH\r\n folded: yes\r\n",
    ] {
        let answer = exchange(&server, &with_body(&server, lines));
        assert!(answer.starts_with("HTTP/1.1 400"), "{lines:?}: {answer:?}");
        assert!(answer.contains("VALIDATION_ERROR") && answer.to_lowercase().contains("x-request-id"), "{lines:?}: {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "nothing after a refused head is read: {answer:?}");
    }
    assert_eq!(server.agent.get("/tasks").json()["pagination"]["total"], 0);
}

#[test]
fn garbage_is_refused_in_the_envelope() {
    let server = Server::start();
    for (bytes, status) in [
        (&b"GARBAGE\r\n\r\n"[..], "400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400"),
        (b"GET /api/v1/tasks HTTP/1.1\r\n\r\n", "400"),
        (b"GET /api/v1/tasks HTTP/1.1\nHost: x\n\n", "400"),
        (b"GET /api/v1/tasks HTTP/2.0\r\nHost: x\r\n\r\n", "400"),
        (b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        (b"GET /api/v1/tasks HTTP/1.1\r\nHost: x\r\nX: \xff\xfe\r\n\r\n", "400"),
    ] {
        let answer = exchange(&server, bytes);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains("VALIDATION_ERROR"), "{bytes:?}: {answer:?}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(70));
    for bytes in [long, many] {
        assert!(exchange(&server, bytes.as_bytes()).starts_with("HTTP/1.1 431"));
    }
}

#[test]
fn a_truncated_body_does_nothing() {
    let server = Server::start();
    let bytes = with_body(&server, "Content-Length: 9999\r\n");
    let answer = exchange(&server, &bytes);
    assert!(!answer.contains("201"), "{answer:?}");
    assert_eq!(server.agent.get("/tasks").json()["pagination"]["total"], 0);
}

#[test]
fn a_chunked_body_is_read_and_an_endless_one_refused() {
    let server = Server::start();
    let body = Server::example().to_string();
    let bytes = format!("{}{:x}\r\n{body}\r\n0\r\n\r\n", head(&server, "Transfer-Encoding: chunked\r\n"), body.len());
    assert!(exchange(&server, bytes.as_bytes()).starts_with("HTTP/1.1 201"));
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let endless = format!("{}{}", head(&server, "Transfer-Encoding: chunked\r\n"), chunk.repeat(6));
    assert!(exchange(&server, endless.as_bytes()).starts_with("HTTP/1.1 413"));
}

#[test]
fn a_malformed_chunk_is_refused_in_the_envelope() {
    let server = Server::start();
    let bytes = format!("{}zz\r\n{{}}\r\n0\r\n\r\n", head(&server, "Transfer-Encoding: chunked\r\n"));
    let answer = exchange(&server, bytes.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("VALIDATION_ERROR"), "{answer:?}");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let mut bytes = with_body(&server, "Content-Length: LENGTH\r\n");
    bytes.extend(b"GET /api/v1/nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = exchange(&server, &bytes);
    let (first, second) = (answer.find("HTTP/1.1 201").unwrap(), answer.find("HTTP/1.1 404").unwrap());
    assert!(first < second);
}
