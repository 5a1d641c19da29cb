//! `humans2ai trigger`: makes an event happen, by everything that leads to it.

use super::client::{Client, Connection, Failure};
use super::listen::event_type;
use super::test_clock;
use crate::domain::event::EventType;
use crate::domain::named::Named;
use crate::domain::time::{DAY_MS, HOUR_MS, SECOND_MS, Timestamp};
use crate::server::StartError;
use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

const MORE: &str = "\
Nothing is faked: a task is created with your key, a throw-away human applies, and so on over the public API, until the
event has happened. The ids of all that was made are printed, a line of JSON for each step:

  humans2ai trigger task.completed
  humans2ai trigger task.rejected --set budget=20 --set \"reason=The photo is too dark to see what is on it, take it again.\"

The events: task.created, task.application_received, task.human_accepted, message.received, task.submitted,
task.completed, task.rejected, task.disputed, task.cancelled, task.expired, task.refunded. The last two move the test clock
on, for everybody's test data.";

/// Make an event really happen in a sandbox, such as task.completed
#[derive(Args)]
#[command(after_long_help = MORE)]
pub struct Options {
    #[command(flatten)]
    connection: Connection,
    /// The event that is to happen
    #[arg(value_parser = event_type, value_name = "EVENT")]
    event: EventType,
    /// A field of the task (budget=20, metadata.order=7), or of a step: message, proof, reason, content, rating, comment
    #[arg(long, value_name = "FIELD=VALUE", value_parser = super::key_value)]
    set: Vec<(String, String)>,
}

/// What is done on the way to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Apply,
    Select,
    Message,
    Submit,
    Approve,
    Reject,
    Dispute,
    Cancel,
    /// The test clock moves on until the task's time has come.
    Wait,
}

fn steps(event: EventType) -> &'static [Step] {
    use Step::{Apply, Approve, Cancel, Dispute, Message, Reject, Select, Submit, Wait};
    match event {
        EventType::Created => &[],
        EventType::ApplicationReceived => &[Apply],
        EventType::HumanAccepted => &[Apply, Select],
        EventType::MessageReceived => &[Apply, Select, Message],
        EventType::Submitted => &[Apply, Select, Submit],
        EventType::Completed => &[Apply, Select, Submit, Approve],
        EventType::Rejected => &[Apply, Select, Submit, Reject],
        EventType::Disputed => &[Apply, Select, Submit, Reject, Dispute],
        EventType::Refunded => &[Apply, Select, Submit, Reject, Wait],
        EventType::Cancelled => &[Cancel],
        EventType::Expired => &[Wait],
    }
}

pub fn run(options: &Options) -> Result<ExitCode, StartError> {
    let agent = options.connection.client()?;
    if agent.is_live() {
        return Err("this is for test data: give an sk_test_ key, for with a live one the money would be real".into());
    }
    let human = agent.post::<Humans>("/test/humans", &json!({ "count": 1 }))?.humans.pop().ok_or("no human was made")?;
    let fields = Fields::of(&options.set);
    let ahead_ms = if options.event == EventType::Expired { HOUR_MS } else { 7 * DAY_MS };
    let deadline = test_clock::now(&agent)?.plus_ms(ahead_ms);
    let task = agent.post::<Value>("/tasks", &fields.task(deadline))?;
    let task_id = text(&task, "id").to_owned();
    tell(&json!({ "step": "create", "taskId": task_id, "budget": task["budget"] }))?;
    let round = Round { human: agent.with_token(&human.api_key), human_id: human.user_id, agent, task_id, fields };
    for step in steps(options.event) {
        tell(&round.take(*step)?)?;
    }
    tell(&round.find_event(options.event)?)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(line: &Value) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

#[derive(Deserialize)]
struct Humans {
    humans: Vec<Human>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Human {
    user_id: String,
    api_key: String,
}

/// What was set on the command line: the task's fields and those of the steps.
struct Fields(Map<String, Value>);

/// The fields that are no task's.
const OF_STEPS: [&str; 6] = ["message", "proof", "reason", "content", "rating", "comment"];

impl Fields {
    fn of(set: &[(String, String)]) -> Self {
        let mut fields = Map::new();
        for (name, value) in set {
            match name.strip_prefix("metadata.") {
                Some(name) => fields.entry("metadata").or_insert_with(|| json!({}))[name] = value.as_str().into(),
                None => drop(fields.insert(name.clone(), literal(value))),
            }
        }
        Fields(fields)
    }

    fn task(&self, deadline: Timestamp) -> Value {
        let mut task = json!({
            "title": "Photograph the entrance of a coffee shop",
            "description": "Take one photo of the entrance from the street, with the shop's sign on it.",
            "category": "photography",
            "budget": 25,
            "deadline": deadline,
            "location": "San Francisco, CA",
        });
        for (name, value) in self.0.iter().filter(|(name, _)| !OF_STEPS.contains(&name.as_str())) {
            task[name] = value.clone();
        }
        task
    }

    /// A step's body: what was set of it, or its usual text.
    fn step(&self, usual: &Value) -> Value {
        let usual = usual.as_object().into_iter().flatten();
        usual.map(|(name, text)| (name.clone(), self.0.get(name).unwrap_or(text).clone())).filter(|(_, value)| !value.is_null()).collect()
    }
}

/// Numbers, true and false are what they are; everything else is text.
fn literal(value: &str) -> Value {
    serde_json::from_str(value).ok().filter(|parsed: &Value| parsed.is_number() || parsed.is_boolean()).unwrap_or_else(|| value.into())
}

/// A task on its way.
struct Round {
    agent: Client,
    human: Client,
    human_id: String,
    task_id: String,
    fields: Fields,
}

impl Round {
    /// Takes the step; what is to be told of it.
    fn take(&self, step: Step) -> Result<Value, StartError> {
        let reason = "The shop's sign cannot be read on the photo; please take it again from closer by.";
        Ok(match step {
            Step::Apply => self.made("apply", "apply", "applicationId", &json!({ "message": "I can do it today" }))?,
            Step::Select => {
                let body = json!({ "humanId": self.human_id });
                self.agent.post::<Value>(&self.path("select"), &body)?;
                json!({ "step": "select", "humanId": self.human_id })
            }
            Step::Message => self.made("message", "messages", "messageId", &json!({ "content": "I am on my way" }))?,
            Step::Submit => self.made("submit", "submit", "submissionId", &json!({ "proof": "The photo is attached" }))?,
            Step::Approve => {
                let body = self.fields.step(&json!({ "rating": 5, "comment": null }));
                let settled = self.agent.post::<Value>(&self.path("approve"), &body)?;
                json!({ "step": "approve", "payout": settled["payout"], "platformFee": settled["platformFee"] })
            }
            Step::Reject => {
                self.agent.post::<Value>(&self.path("reject"), &self.fields.step(&json!({ "reason": reason })))?;
                json!({ "step": "reject" })
            }
            Step::Dispute => {
                let body = json!({ "reason": "The sign is on the photo, as the task asks." });
                let dispute = self.human.post::<Value>(&self.path("dispute"), &body)?;
                json!({ "step": "dispute", "disputeId": dispute["id"] })
            }
            Step::Cancel => {
                self.agent.post::<Value>(&self.path("cancel"), &json!({}))?;
                json!({ "step": "cancel" })
            }
            Step::Wait => self.wait()?,
        })
    }

    fn path(&self, action: &str) -> String {
        format!("/tasks/{}/{action}", self.task_id)
    }

    /// A step of the human's that makes something with an id.
    fn made(&self, step: &str, action: &str, id: &str, usual: &Value) -> Result<Value, Failure> {
        let made = self.human.post::<Value>(&self.path(action), &self.fields.step(usual))?;
        let mut line = json!({ "step": step });
        line[id] = made["id"].clone();
        Ok(line)
    }

    /// Moves the test clock to where the task's time has come.
    fn wait(&self) -> Result<Value, StartError> {
        let task = self.agent.get::<Value>(&format!("/tasks/{}", self.task_id))?;
        let end = if text(&task, "status") == "rejected" {
            self.find_event(EventType::Rejected)?["data"]["disputeUntil"].clone()
        } else {
            task["deadline"].clone()
        };
        // Times are written without their milliseconds.
        let end = test_clock::parse(end.as_str().unwrap_or_default())?.plus_ms(SECOND_MS);
        Ok(json!({ "step": "wait", "testClock": test_clock::advance(&self.agent, end)? }))
    }

    /// The event as this account was told of it.
    fn find_event(&self, wanted: EventType) -> Result<Value, StartError> {
        let feed = self.agent.get::<Value>(&self.path("events?limit=100"))?;
        let mut events = feed["events"].as_array().into_iter().flatten();
        let found = events.rfind(|event| event["event"] == wanted.as_str());
        let found = found.ok_or_else(|| format!("every step was taken, but there is no {wanted} in the task's events"))?;
        Ok(json!({ "event": wanted, "taskId": self.task_id, "eventId": found["id"], "data": found["data"] }))
    }
}
