//! `humans2ai listen`: events as they happen, on the terminal and at a local receiver, without a public address.

use super::client::{Client, Connection, Failure};
use crate::domain::entropy::Entropy;
use crate::domain::event::EventType;
use crate::domain::id::{DeliveryId, EventId, Id, TaskId};
use crate::domain::named::Named;
use crate::domain::webhook::{self, Outgoing, SigningSecrets};
use crate::operation::wall;
use crate::server::StartError;
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The longest that a server lets one wait.
const WAIT_SECONDS: u32 = 25;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const GONE: u16 = 410;

const MORE: &str = "\
With only a key: no public address, no tunnel, no webhook to register. Every event that this account would get as a webhook
is printed as it happens, and forwarded where you want it:

  humans2ai listen --forward-to http://127.0.0.1:3000/webhooks

In another terminal, `humans2ai trigger task.completed` makes something happen.";

/// Print events as they happen, and forward them, signed, to a local receiver
#[derive(Args)]
#[command(after_long_help = MORE)]
pub struct Options {
    #[command(flatten)]
    connection: Connection,
    /// Where each event is sent, signed as a webhook is; the signing secret is printed first
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,
    /// Only these events, separated by commas [default: all]
    #[arg(long, value_name = "EVENTS", value_delimiter = ',', value_parser = event_type)]
    events: Vec<EventType>,
}

/// An event's type, for the command line.
pub fn event_type(word: &str) -> Result<EventType, String> {
    EventType::parse(word.trim()).ok_or_else(|| format!("must be {}", EventType::choices()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    events: Vec<Event>,
    next: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    id: String,
    #[serde(rename = "event")]
    kind: EventType,
    task_id: String,
    data: Box<RawValue>,
    created_at: String,
}

pub fn run(options: &Options) -> Result<ExitCode, StartError> {
    let client = options.connection.client()?;
    let feed = Feed { client: &client, types: options.events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(",") };
    let mut cursor = feed.latest()?;
    let forwarding = options.forward_to.clone().map(Forwarding::new).transpose()?;
    say(&format!("listening at {}; Ctrl-C ends it", client.url()))?;
    if let Some(forwarding) = &forwarding {
        say(&format!("forwarding to {}, signed with the secret {}", forwarding.url, forwarding.secrets.current.expose()))?;
    }
    let mut pause = Pause::default();
    loop {
        match feed.next(cursor) {
            Ok(page) => {
                pause.end()?;
                for event in &page.events {
                    say(&event.line())?;
                    if let Some(forwarding) = &forwarding {
                        say(&forwarding.send(&client, event))?;
                    }
                }
                cursor = page.next;
            }
            Err(failure) => cursor = pause.or_go_on(failure, &feed, cursor)?,
        }
    }
}

fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

struct Feed<'c> {
    client: &'c Client,
    /// Separated by commas; empty is all.
    types: String,
}

impl Feed<'_> {
    /// Where what is still to come begins.
    fn latest(&self) -> Result<i64, Failure> {
        self.client.get::<Page>("/events?after=latest").map(|page| page.next)
    }

    /// What came after `cursor`, as soon as there is something.
    fn next(&self, cursor: i64) -> Result<Page, Failure> {
        let types = if self.types.is_empty() { String::new() } else { format!("&types={}", self.types) };
        self.client.get(&format!("/events?after={cursor}&limit=100&wait={WAIT_SECONDS}{types}"))
    }
}

/// The time between attempts while the server is away.
#[derive(Default)]
struct Pause(Option<Duration>);

impl Pause {
    fn end(&mut self) -> io::Result<()> {
        if self.0.take().is_some() { say("the server is back") } else { Ok(()) }
    }

    /// The cursor to go on with, after a while; a failure that time does not heal ends the command.
    fn or_go_on(&mut self, failure: Failure, feed: &Feed, cursor: i64) -> Result<i64, StartError> {
        if failure.is_status(GONE) {
            let latest = feed.latest()?;
            // Said only now: whatever happens after these words is heard.
            say("some events are missed: the server does not keep them any more; going on with the newest")?;
            return Ok(latest);
        }
        let Some(asked) = failure.passes_after() else { return Err(failure.into()) };
        if self.0.is_none() {
            say(&format!("waiting: {failure}"))?;
        }
        let pause = self.0.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        self.0 = Some(pause);
        std::thread::sleep(pause.max(asked));
        Ok(cursor)
    }
}

impl Event {
    /// Its time, type, task and ids.
    fn line(&self) -> String {
        let data: Map<String, Value> = serde_json::from_str(self.data.get()).unwrap_or_default();
        let ids = data.iter().filter(|(name, _)| name.ends_with("Id"));
        let line = format!("{} {} {} {}", self.created_at, self.kind, self.task_id, self.id);
        ids.fold(line, |line, (name, id)| format!("{line} {name}={}", id.as_str().unwrap_or_default()))
    }
}

struct Forwarding {
    url: String,
    secrets: SigningSecrets,
}

impl Forwarding {
    fn new(url: String) -> Result<Self, StartError> {
        let parsed = url::Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        parsed
            .ok_or_else(|| format!("--forward-to must be an http or https URL, such as http://127.0.0.1:3000/webhooks, and not {url}"))?;
        Ok(Forwarding { url, secrets: SigningSecrets { current: webhook::secret(Entropy::system().bytes()?), previous: None } })
    }

    /// Sends the event once, and says what came of it.
    fn send(&self, client: &Client, event: &Event) -> String {
        let (Some(event_id), task_id) = (<EventId as Id>::parse(&event.id), <TaskId as Id>::parse(&event.task_id)) else {
            return "  -> not sent: the event has no id".to_owned();
        };
        let outgoing = Outgoing {
            delivery_id: DeliveryId::new(),
            event_id,
            event: event.kind,
            task_id,
            data: event.data.clone(),
            secrets: self.secrets.clone(),
        };
        let began = Instant::now();
        let sent = match outgoing.sign(wall()) {
            Ok(request) => client.send("POST", &self.url, &request.headers, request.body),
            Err(error) => return format!("  -> not sent: {error}"),
        };
        match sent {
            Ok(answer) => format!("  -> {} in {} ms", answer.status, began.elapsed().as_millis()),
            Err(Failure::Unreachable { reason, .. }) => format!("  -> no answer from {}: {reason}", self.url),
            Err(failure) => format!("  -> {failure}"),
        }
    }
}
