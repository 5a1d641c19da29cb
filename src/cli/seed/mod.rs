//! `humans2ai seed`: a believable market, made over the public API.

mod story;
mod texts;

use super::client::{Client, Failure, ServerAddress};
use super::test_clock;
use crate::domain::entropy::Entropy;
use crate::domain::secret::base62;
use crate::domain::time::HOUR_MS;
use crate::server::StartError;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;
use story::Story;

const PASSWORD: &str = "correct horse battery";
/// Few enough that the budgets of an agent's tasks fit into a new wallet.
const TASKS_PER_AGENT: u32 = 20;
const TASKS_PER_HUMAN: u32 = 6;
const FEWEST_AGENTS: u32 = 3;
const FEWEST_HUMANS: u32 = 5;
/// Longer than the time to dispute a rejection is by default.
const LONGEST_WINDOW_MS: i64 = 73 * HOUR_MS;

const MORE: &str = "\
Several agents and humans, and tasks in every state: open with and without applicants, assigned with a chat, submitted,
rejected, disputed, completed, cancelled, expired, refunded. All of it is test data, and more of it each time. For those that
time has ended the test clock is moved on. The accounts, with passwords and keys, are printed at the end, as lines of JSON.";

/// Fill a sandbox with a believable market
#[derive(Args)]
#[command(after_long_help = MORE)]
pub struct Options {
    #[command(flatten)]
    server: ServerAddress,
    /// How many tasks
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    tasks: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registered {
    user_id: String,
    email: String,
    id_token: String,
}

/// An account and a client that acts as it.
struct Account {
    role: &'static str,
    user_id: String,
    email: String,
    key: String,
    client: Client,
}

pub fn run(options: &Options) -> Result<ExitCode, StartError> {
    let anyone = options.server.client();
    let run = base62(&Entropy::system().bytes::<4>()?).to_lowercase();
    let agents = register(&anyone, "agent", (options.tasks / TASKS_PER_AGENT).max(FEWEST_AGENTS), &run)?;
    let humans = register(&anyone, "human", (options.tasks / TASKS_PER_HUMAN).max(FEWEST_HUMANS), &run)?;
    note(&format!("{} agents and {} humans are registered", agents.len(), humans.len()))?;
    let stories: Vec<_> = (0..options.tasks).zip(agents.iter().cycle()).map(|(number, agent)| Story::new(number, agent, &humans)).collect();
    let (past, present): (Vec<_>, Vec<_>) = stories.into_iter().partition(|story| story.ending.is_times());
    tell_past(&past, &agents)?;
    tell_present(&present, &agents)?;
    print_accounts(&anyone, agents.iter().chain(&humans))?;
    Ok(ExitCode::SUCCESS)
}

/// The tasks that time ends, and the time that ends them.
fn tell_past(stories: &[Story], agents: &[Account]) -> Result<(), StartError> {
    let (false, Some(agent)) = (stories.is_empty(), agents.first()) else { return Ok(()) };
    let now = test_clock::now(&agent.client)?;
    for story in stories {
        story.tell(now)?;
    }
    let later = test_clock::advance(&agent.client, now.plus_ms(LONGEST_WINDOW_MS))?;
    note(&format!("{} tasks have run out of time; the test clock shows {later}", stories.len())).map_err(StartError::from)
}

fn tell_present(stories: &[Story], agents: &[Account]) -> Result<(), StartError> {
    let (false, Some(agent)) = (stories.is_empty(), agents.first()) else { return Ok(()) };
    let now = test_clock::now(&agent.client)?;
    for (number, story) in (1..).zip(stories) {
        story.tell(now)?;
        if number % 10 == 0 || number == stories.len() {
            note(&format!("{number} of {} tasks that go on", stories.len()))?;
        }
    }
    Ok(())
}

/// How far it is, beside what is printed at the end.
fn note(line: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{line}")
}

fn register(anyone: &Client, role: &'static str, count: u32, run: &str) -> Result<Vec<Account>, StartError> {
    let names = if role == "agent" { &texts::AGENTS[..] } else { &texts::HUMANS[..] };
    let account = |(number, name): (u32, &&str)| {
        let email = format!("{}-{run}-{}@example.com", name.to_lowercase().replace(' ', "-"), number + 1);
        let body = json!({ "email": email, "password": PASSWORD, "role": role, "displayName": name });
        let account: Registered = anyone.post("/public/auth/register", &body)?;
        let key: Value = anyone.with_token(&account.id_token).post("/api-keys", &json!({ "name": "seed", "mode": "test" }))?;
        let key = key["key"].as_str().unwrap_or_default().to_owned();
        Ok(Account { role, user_id: account.user_id, email: account.email, client: anyone.with_token(&key), key })
    };
    (0..count).zip(names.iter().cycle()).map(account).collect::<Result<_, Failure>>().map_err(StartError::from)
}

fn print_accounts<'a>(anyone: &Client, accounts: impl Iterator<Item = &'a Account>) -> io::Result<()> {
    let mut stdout = io::stdout();
    for account in accounts {
        let Account { role, user_id, email, key, .. } = account;
        writeln!(stdout, "{}", json!({ "role": role, "email": email, "password": PASSWORD, "userId": user_id, "apiKey": key }))?;
    }
    stdout.flush()?;
    note(&format!("the market is at {}; with one of these keys: API_KEY=sk_test_… humans2ai listen", anyone.url()))
}
