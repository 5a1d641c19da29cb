//! A caller that costs the machine as little as can be: one keep-alive connection, no parsing beyond the length.

use std::io::{Read, Write};
use std::net::TcpStream;

#[derive(Clone)]
pub struct Client {
    address: String,
    key: String,
}

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub fn new(address: &str, key: &str) -> Self {
        Client { address: address.to_owned(), key: key.to_owned() }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream, buffer: Vec::new() }
    }

    pub fn request(&self, method: &str, path: &str, extra: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{extra}Content-Length: {length}\r\n\r\n{body}",
            self.key
        )
    }

    /// One call outside a measurement; its body.
    pub fn call(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        let mut connection = self.connect();
        let (status, text) = connection.exchange(&self.request(method, path, "", body));
        assert!(status < 300, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    pub fn create_task(&self) -> String {
        self.call("POST", "/tasks", TASK)["data"]["id"].as_str().unwrap().to_owned()
    }
}

/// A task that costs little, so that a wallet lasts.
pub const TASK: &str = r#"{"title":"Photograph 3 coffee shops in SOMA","description":"Take exterior and interior photos of 3 coffee shops in SOMA district.","category":"photography","budget":0.01,"deadline":"2027-06-15T18:00:00Z","location":"San Francisco, CA","remote":false,"urgency":"medium"}"#;

impl Connection {
    /// Sends one request and reads its whole answer.
    pub fn exchange(&mut self, request: &str) -> (u16, String) {
        self.stream.write_all(request.as_bytes()).unwrap();
        self.buffer.clear();
        let mut chunk = [0; 16_384];
        loop {
            let read = self.stream.read(&mut chunk).unwrap();
            assert!(read > 0, "the server closed the connection");
            self.buffer.extend_from_slice(&chunk[..read]);
            if let Some(answer) = self.whole() {
                return answer;
            }
        }
    }

    /// As [`Self::exchange`], with the headers, those of the framing and the day left out.
    pub fn exchange_whole(&mut self, request: &str) -> (u16, Vec<(String, String)>, String) {
        let (status, body) = self.exchange(request);
        let end = self.buffer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = head.lines().skip(1).filter_map(header).filter(|(name, _)| !matches!(name.as_str(), "content-length" | "date"));
        (status, headers.collect(), body)
    }

    fn whole(&self) -> Option<(u16, String)> {
        let end = self.buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&self.buffer[..end]).unwrap();
        let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        let body = self.buffer.get(end..end + length)?;
        Some((head[9..12].parse().unwrap(), String::from_utf8(body.to_vec()).unwrap()))
    }
}
