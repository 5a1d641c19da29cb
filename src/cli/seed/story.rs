//! One task of the market, from its publication to where it stands.

use super::{Account, texts};
use crate::cli::client::Failure;
use crate::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use serde_json::{Value, json};

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Open,
    /// Open, with applicants to choose from.
    Wanted,
    Assigned,
    Submitted,
    Rejected,
    Disputed,
    Completed,
    Cancelled,
    /// Nobody took it in time.
    Expired,
    /// Rejected, and not disputed in time.
    Refunded,
}

/// The states of a market, as often as they are met in one.
pub const ENDINGS: [Ending; 14] = [
    Ending::Completed,
    Ending::Wanted,
    Ending::Open,
    Ending::Assigned,
    Ending::Submitted,
    Ending::Rejected,
    Ending::Disputed,
    Ending::Cancelled,
    Ending::Expired,
    Ending::Refunded,
    Ending::Completed,
    Ending::Wanted,
    Ending::Assigned,
    Ending::Completed,
];

impl Ending {
    /// Whether time brings it about.
    pub fn is_times(self) -> bool {
        matches!(self, Ending::Expired | Ending::Refunded)
    }

    fn applicants(self) -> usize {
        match self {
            Ending::Open | Ending::Cancelled | Ending::Expired => 0,
            Ending::Wanted => 3,
            _ => 2,
        }
    }

    fn is_submitted(self) -> bool {
        matches!(self, Ending::Submitted | Ending::Rejected | Ending::Disputed | Ending::Completed | Ending::Refunded)
    }
}

pub struct Story<'a> {
    pub ending: Ending,
    number: u32,
    agent: &'a Account,
    humans: Vec<&'a Account>,
}

impl<'a> Story<'a> {
    pub fn new(number: u32, agent: &'a Account, humans: &'a [Account]) -> Self {
        let place = number as usize;
        let ending = ENDINGS.get(place % ENDINGS.len()).copied().unwrap_or(Ending::Open);
        let humans = humans.iter().cycle().skip(place % humans.len().max(1)).take(ending.applicants()).collect();
        Story { ending, number, agent, humans }
    }

    /// Lets it happen, beginning at `now`.
    pub fn tell(&self, now: Timestamp) -> Result<(), Failure> {
        let task: Value = self.agent.client.post("/tasks", &self.task(now))?;
        let path = |action: &str| format!("/tasks/{}/{action}", task["id"].as_str().unwrap_or_default());
        for (human, message) in self.humans.iter().zip(texts::APPLICATIONS.iter().cycle().skip(self.number as usize)) {
            human.client.post::<Value>(&path("apply"), &json!({ "message": message }))?;
        }
        match (self.ending, self.humans.first()) {
            (Ending::Cancelled, _) => drop(self.agent.client.post::<Value>(&path("cancel"), &json!({}))?),
            (Ending::Wanted, _) | (_, None) => {}
            (_, Some(human)) => self.work(human, path)?,
        }
        Ok(())
    }

    /// What the chosen human and the agent do.
    fn work(&self, human: &Account, path: impl Fn(&str) -> String) -> Result<(), Failure> {
        let post = |account: &Account, action: &str, body: Value| account.client.post::<Value>(&path(action), &body).map(drop);
        post(self.agent, "select", json!({ "humanId": human.user_id }))?;
        for (content, sender) in texts::CHAT.iter().zip([self.agent, human].into_iter().cycle()).take(1 + self.number as usize % 4) {
            post(sender, "messages", json!({ "content": content }))?;
        }
        if !self.ending.is_submitted() {
            return Ok(());
        }
        let proof = texts::pick(&texts::PROOFS, self.number);
        post(human, "submit", json!({ "proof": proof, "attachments": [format!("https://example.com/proof/{}.jpg", self.number)] }))?;
        match self.ending {
            Ending::Completed => post(self.agent, "approve", json!({ "rating": 3 + self.number % 3, "comment": "Thank you" })),
            Ending::Rejected | Ending::Refunded => {
                post(self.agent, "reject", json!({ "reason": texts::pick(&texts::REJECTIONS, self.number) }))
            }
            Ending::Disputed => {
                post(self.agent, "reject", json!({ "reason": texts::pick(&texts::REJECTIONS, self.number) }))?;
                post(human, "dispute", json!({ "reason": texts::pick(&texts::DISPUTES, self.number) }))
            }
            _ => Ok(()),
        }
    }

    fn task(&self, now: Timestamp) -> Value {
        let number = self.number;
        let (category, title, description, remote) = texts::pick(&texts::TASKS, number);
        let city = texts::pick(&texts::CITIES, number * 3);
        let ahead_ms = if self.ending.is_times() { HOUR_MS } else { i64::from(1 + number % 21) * DAY_MS };
        let mut task = json!({
            "title": title.replace("{city}", city),
            "description": description.replace("{city}", city),
            "category": category,
            "budget": 15 + (number * 37) % 180,
            "deadline": now.plus_ms(ahead_ms),
            "remote": remote,
            "urgency": texts::pick(&["medium", "low", "high", "urgent"], number / 2),
        });
        if !remote {
            task["location"] = json!(city);
        }
        task
    }
}
