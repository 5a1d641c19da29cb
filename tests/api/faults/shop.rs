//! A marketplace on a file that outlives its server, with the accounts that every fault needs.

use crate::harness::{Answer, Client, KeptServer, Server, id, register, run, run_by};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Command;

pub const NO_LIMITS: [&str; 2] = ["--set", "rate_limits.enabled=false"];

pub struct Shop {
    // Stopped before its directory goes.
    pub server: Option<KeptServer>,
    /// What runs the binary.
    command: fn(&Shop) -> Command,
    directory: tempfile::TempDir,
    agent: String,
    human: String,
    operator: String,
    pub agent_id: String,
}

#[derive(Clone, Copy)]
pub enum Who {
    Agent,
    Human,
    Operator,
    Anyone,
}

impl Shop {
    /// Open for business.
    pub fn open(command: fn(&Shop) -> Command) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (agent, human, operator, agent_id) = (String::new(), String::new(), String::new(), String::new());
        let mut shop = Shop { server: None, command, directory, agent, human, operator, agent_id };
        shop.start();
        let anyone = shop.client(Who::Anyone);
        let account = |role, email| {
            let (user_id, client) = register(&anyone, role, email);
            (user_id, client.post("/api-keys", &json!({})).ok(201)["key"].as_str().unwrap().to_owned())
        };
        (shop.agent_id, shop.agent) = account("agent", "agent@example.com");
        (_, shop.human) = account("human", "human@example.com");
        let data = shop.data();
        let create = ["admin", "create", "operator@example.com", "--password-stdin", "--data", data.to_str().unwrap()];
        let made = run_by(command(&shop), &create, "correct horse");
        assert!(made.status.success());
        let login = json!({ "email": "operator@example.com", "password": "correct horse" });
        let signed_in = anyone.post("/public/auth/login", &login).ok(200);
        shop.operator = signed_in["idToken"].as_str().unwrap().into();
        shop
    }

    pub fn data(&self) -> PathBuf {
        self.path("market.db")
    }

    /// A file beside the database.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn start(&mut self) {
        let log = OpenOptions::new().append(true).create(true).open(self.path("stderr")).unwrap();
        self.server = Some(KeptServer::start_by((self.command)(self), log, &self.data(), &NO_LIMITS));
    }

    /// How many lines the servers have logged so far with this text in them.
    pub fn logged(&self, text: &str) -> usize {
        std::fs::read_to_string(self.path("stderr")).unwrap().lines().filter(|line| line.contains(text)).count()
    }

    pub fn client(&self, who: Who) -> Client {
        let token = match who {
            Who::Agent => &self.agent,
            Who::Human => &self.human,
            Who::Operator => &self.operator,
            Who::Anyone => "",
        };
        self.server.as_ref().unwrap().anyone.with_token(token)
    }

    pub fn create(&self, changes: &Value) -> Answer {
        self.client(Who::Agent).post("/tasks", &Server::example_with(changes))
    }

    /// A new task that has come so far: the id of the last thing made, and of the task.
    pub fn task(&self, steps: &[&str]) -> (String, String) {
        let task = id(&self.create(&json!({ "selection": "first", "budget": 1.5 })).ok(201));
        let mut last = task.clone();
        for step in steps {
            let who = if *step == "reject" { Who::Agent } else { Who::Human };
            let body = match *step {
                "submit" => json!({ "proof": "Three photos of each shop" }),
                "reject" => json!({ "reason": "The interior of the second shop is missing on all of the photos." }),
                "dispute" => json!({ "reason": "The second shop was closed, as agreed." }),
                _ => json!({}),
            };
            let answer = self.client(who).post(&format!("/tasks/{task}/{step}"), &body);
            last = id(&answer.ok(if *step == "reject" { 200 } else { 201 }));
        }
        (last, task)
    }

    /// One number that a query finds.
    pub fn count(&self, sql: &str, parameter: &str) -> i64 {
        crate::harness::open_database(&self.data()).query_row(sql, [parameter], |row| row.get(0)).unwrap()
    }

    /// The ledger is sound, by the tests' own queries and by the server's.
    pub fn verify(&self) {
        crate::harness::audit(&self.data());
        let said = run(&["admin", "verify", "--data", self.data().to_str().unwrap()], "");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    }
}
