//! The steps of a task, as most tests need them.

use super::{Answer, Client, Server};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The published page's example, with a deadline that is still to come; the same whenever it is asked for, so that it can
/// be sent again with its key.
pub fn example() -> Value {
    static DEADLINE: LazyLock<String> = LazyLock::new(|| in_days(30));
    json!({
        "title": "Photograph 3 coffee shops in SOMA",
        "description": "Take exterior and interior photos of 3 coffee shops in SOMA district.",
        "category": "photography",
        "budget": 150,
        "deadline": *DEADLINE,
        "location": "San Francisco, CA",
        "remote": false,
        "urgency": "medium",
    })
}

/// RFC 3339, so many days from now.
pub fn in_days(days: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let database = rusqlite::Connection::open_in_memory().unwrap();
    let seconds = i64::try_from(now + days * 86_400).unwrap();
    database.query_row("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ?1, 'unixepoch')", [seconds], |row| row.get(0)).unwrap()
}

impl Server {
    pub fn example() -> Value {
        example()
    }

    /// The example with some fields changed; `null` takes one away.
    pub fn example_with(changes: &Value) -> Value {
        let mut task = example();
        for (name, value) in changes.as_object().unwrap() {
            task[name] = value.clone();
        }
        task.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        task
    }

    pub fn create(&self, changes: &Value) -> String {
        id(&self.agent.post("/tasks", &Self::example_with(changes)).ok(201))
    }

    pub fn open_task(&self) -> String {
        self.create(&json!({}))
    }

    pub fn assigned_task(&self) -> String {
        let task = self.open_task();
        self.human.post(&format!("/tasks/{task}/apply"), &json!({})).ok(201);
        self.agent.post(&format!("/tasks/{task}/select"), &json!({ "humanId": self.human_id })).ok(200);
        task
    }

    pub fn submitted_task(&self) -> String {
        let task = self.assigned_task();
        self.act(&self.human, &task, "submit").ok(201);
        task
    }

    pub fn rejected_task(&self) -> String {
        let task = self.submitted_task();
        self.act(&self.agent, &task, "reject").ok(200);
        task
    }

    pub fn disputed_task(&self) -> (String, String) {
        let task = self.rejected_task();
        let dispute = id(&self.act(&self.human, &task, "dispute").ok(201));
        (task, dispute)
    }

    /// An action on a task with a body that is valid for it.
    pub fn act(&self, client: &Client, task: &str, action: &str) -> Answer {
        client.post(&format!("/tasks/{task}/{action}"), &self.body_of(action))
    }

    pub fn body_of(&self, action: &str) -> Value {
        match action {
            "select" => json!({ "humanId": self.human_id }),
            "submit" => json!({ "proof": "Three photos of each shop", "attachments": ["https://example.com/1.jpg"] }),
            "reject" => json!({ "reason": "The interior of the second shop is missing on all of the photos." }),
            "dispute" => json!({ "reason": "The second shop was closed, as agreed." }),
            "messages" => json!({ "content": "Hello" }),
            _ => json!({}),
        }
    }

    /// Moves the test clock on by so many minutes, with all that is due on the way.
    pub fn pass(&self, minutes: u32) -> Value {
        self.agent.post("/test/clock/advance", &json!({ "seconds": minutes * 60 })).ok(200)
    }

    pub fn status_of(&self, task: &str) -> String {
        self.agent.get(&format!("/tasks/{task}")).ok(200)["status"].as_str().unwrap().to_owned()
    }
}

pub fn id(data: &Value) -> String {
    data["id"].as_str().unwrap_or_else(|| panic!("no id in {data}")).to_owned()
}
