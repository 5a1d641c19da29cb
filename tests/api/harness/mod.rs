//! Starts the real server, talks to it, and audits its file at the end.

mod audit;
mod client;
mod market;
mod receiver;

pub use client::{Answer, Client};
pub use market::{id, in_days};
pub use receiver::{Received, Receiver};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A server of one test; when it is dropped it must stop in good order and leave a sound ledger.
pub struct Server {
    child: Option<Child>,
    pub url: String,
    pub database: PathBuf,
    pub agent: Client,
    pub human: Client,
    pub operator: Client,
    /// No credential.
    pub anyone: Client,
    pub agent_id: String,
    pub human_id: String,
    /// The ready line of a fixture.
    pub ready: Value,
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_humans2ai"));
    // A configuration lying about must not reach a test.
    command.env_clear().current_dir(std::env::temp_dir());
    command
}

fn spawn(command: &mut Command, stderr: Stdio) -> (Child, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

impl Server {
    /// A fixture with an agent, a human and an operator.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A fixture with these `--set` pairs.
    pub fn start_with(sets: &[&str]) -> Self {
        Self::start_as(command(), sets)
    }

    /// A fixture with these variables in its environment.
    pub fn start_in(variables: &[(&str, &str)]) -> Self {
        let mut command = command();
        command.envs(variables.iter().copied());
        Self::start_as(command, &[])
    }

    fn start_as(mut command: Command, sets: &[&str]) -> Self {
        command.arg("--ephemeral");
        for set in sets {
            command.args(["--set", set]);
        }
        let (child, line) = spawn(&mut command, Stdio::null());
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no ready line: {line:?}"));
        let text = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let url = text("/url");
        let anyone = Client::new(&url, "");
        let login = |who: &str| {
            let body = serde_json::json!({ "email": text(&format!("/{who}/email")), "password": text(&format!("/{who}/password")) });
            anyone.post("/public/auth/login", &body).ok(200)["idToken"].as_str().unwrap().to_owned()
        };
        Server {
            agent: Client::new(&url, &text("/agent/apiKey")),
            human: Client::new(&url, &text("/human/apiKey")),
            operator: Client::new(&url, &login("operator")),
            database: text("/database").into(),
            agent_id: text("/agent/userId"),
            human_id: text("/human/userId"),
            child: Some(child),
            anyone,
            url,
            ready,
        }
    }

    /// A client of a newly registered account, with an ID token.
    pub fn register(&self, role: &str, email: &str) -> (String, Client) {
        register(&self.anyone, role, email)
    }

    pub fn open_database(&self) -> Connection {
        open_database(&self.database)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut child = self.child.take().unwrap();
        if std::thread::panicking() {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        audit::check(&self.open_database());
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "the server did not stop in good order");
    }
}

/// A server on a file that outlives it.
pub struct KeptServer {
    child: Child,
    pub anyone: Client,
}

impl KeptServer {
    pub fn start(data: &Path, args: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", data, args)
    }

    pub fn start_at(address: &str, data: &Path, args: &[&str]) -> Self {
        Self::serve(command(), Stdio::null(), address, data, args)
    }

    /// By a command that ends in the binary (under limits, or with something in its environment), and with its log kept.
    pub fn start_by(command: Command, log: File, data: &Path, args: &[&str]) -> Self {
        Self::serve(command, log.into(), "127.0.0.1:0", data, args)
    }

    fn serve(mut command: Command, stderr: Stdio, address: &str, data: &Path, args: &[&str]) -> Self {
        let command = command.arg("serve").arg("--data").arg(data).args(["--listen", address]).args(args);
        let (child, line) = spawn(command, stderr);
        let url = line.split_whitespace().nth(3).unwrap_or_else(|| panic!("no ready line: {line:?}")).to_owned();
        KeptServer { child, anyone: Client::new(&url, "") }
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for it to end by itself.
    pub fn wait(mut self) {
        self.child.wait().unwrap();
    }

    /// SIGTERM; whether it ended in good order.
    pub fn terminate(mut self) -> bool {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        self.child.wait().unwrap().success()
    }
}

impl Drop for KeptServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn register(anyone: &Client, role: &str, email: &str) -> (String, Client) {
    let body = serde_json::json!({ "email": email, "password": "correct horse", "role": role });
    let data = anyone.post("/public/auth/register", &body).ok(201);
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    (text("userId"), Client::new(anyone.url(), &text("idToken")))
}

pub fn open_database(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// Checks the ledger in `path` as every test's end does.
pub fn audit(path: &Path) {
    audit::check(&open_database(path));
}

/// Runs the command line to its end.
pub fn run(args: &[&str], stdin: &str) -> Output {
    run_by(command(), args, stdin)
}

/// By a command of one's own.
pub fn run_by(mut command: Command, args: &[&str], stdin: &str) -> Output {
    let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that needs no input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}
