//! The real binary, without rate limits.

use crate::client::Client;
use crate::disk::Disk;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Server {
    child: Child,
    address: String,
}

impl Server {
    pub fn start(disk: &Disk, data: &Path, sets: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_humans2ai"));
        command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0", "--set", "rate_limits.enabled=false"]);
        command.args(["--set", "wallet.test_grant=1000000"]);
        for set in sets {
            command.args(["--set", set]);
        }
        command.env_clear();
        let mut child = disk.slow(&mut command).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().nth(3).unwrap().trim_start_matches("http://").to_owned();
        Server { child, address }
    }

    pub fn client(&self, key: &str) -> Client {
        Client::new(&self.address, key)
    }

    /// A new agent with a key and a webhook.
    pub fn agent(&self) -> Client {
        let agent = self.account("bench@example.com");
        agent.call("POST", "/webhooks", r#"{"url":"http://127.0.0.1:9/"}"#);
        agent
    }

    /// A new agent with a key.
    pub fn account(&self, email: &str) -> Client {
        let account = format!(r#"{{"email":"{email}","password":"correct horse"}}"#);
        let registered = self.client("").call("POST", "/public/auth/register", &account);
        let account = self.client(registered["data"]["idToken"].as_str().unwrap());
        let key = account.call("POST", "/api-keys", "{}")["data"]["key"].as_str().unwrap().to_owned();
        self.client(&key)
    }

    pub fn resident_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
