//! The clock of test data, read and moved over the API.

use super::client::{Client, Failure};
use crate::domain::time::Timestamp;
use crate::server::StartError;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Clock {
    now: String,
}

/// What time it is for test data.
pub fn now(client: &Client) -> Result<Timestamp, StartError> {
    parse(&client.get::<Clock>("/test/clock")?.now)
}

/// Moves it to `target`; all that is due on the way has happened then. What time it is after that.
pub fn advance(client: &Client, target: Timestamp) -> Result<Timestamp, StartError> {
    let clock = client.post::<Clock>("/test/clock/advance", &json!({ "to": target })).map_err(|failure| explain(&failure))?;
    parse(&clock.now)
}

pub fn parse(text: &str) -> Result<Timestamp, StartError> {
    Timestamp::parse(text).ok_or_else(|| format!("the server says {text:?} where a time belongs").into())
}

fn explain(failure: &Failure) -> StartError {
    if failure.is_status(403) {
        return "this needs the test clock to be moved on, and on a live server only its operator can do that; run it against a sandbox (humans2ai --ephemeral)".into();
    }
    failure.to_string().into()
}
