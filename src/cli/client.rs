//! A client of a running server, for the commands that need one.

use crate::server::StartError;
use crate::worker::outgoing;
use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use ureq::Agent;
use ureq::http::Request;

/// More than a long poll waits.
const TIMEOUT: Duration = Duration::from_mins(1);
const UNAUTHORIZED: u16 = 401;
/// Where a server listens that was told nothing else.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// What every command sends with.
pub fn agent() -> Agent {
    outgoing::config().timeout_global(Some(TIMEOUT)).build().into()
}

/// Which server, and as whom.
#[derive(Args)]
pub struct Connection {
    #[arg(long, env = "API_KEY", hide_env_values = true, help = "Your API key, sk_test_…")]
    key: Option<String>,
    #[command(flatten)]
    pub server: ServerAddress,
}

#[derive(Args)]
pub struct ServerAddress {
    #[arg(long, env = "HUMANS2AI_URL", help = "Where the server is [default: http://127.0.0.1:8080]")]
    url: Option<String>,
}

/// One caller of the API.
#[derive(Clone)]
pub struct Client {
    url: String,
    /// An API key or an ID token; empty for the public endpoints.
    token: String,
    agent: Agent,
}

/// Why there is no answer to work with.
#[derive(Debug)]
pub enum Failure {
    Unreachable {
        url: String,
        reason: String,
    },
    Refused {
        status: u16,
        code: String,
        message: String,
        retry_after: Option<Duration>,
    },
    /// What answers is no server of this kind.
    Strange {
        url: String,
        reason: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreachable { url, reason } => write!(
                f,
                "no server answers at {url} ({reason}); start one with `humans2ai`, or say where yours is with --url or HUMANS2AI_URL"
            ),
            Failure::Refused { status: UNAUTHORIZED, message, .. } => {
                write!(f, "{message}; give a key of this server with --key or API_KEY (`humans2ai seed` makes accounts with keys)")
            }
            Failure::Refused { status, code, message, .. } => write!(f, "{status} {code}: {message}"),
            Failure::Strange { url, reason } => write!(f, "what answers at {url} is no humans2ai server ({reason}); check --url"),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// How long to wait before trying again, if that can help: the server is gone, overloaded or out of patience.
    pub fn passes_after(&self) -> Option<Duration> {
        match self {
            Failure::Unreachable { .. } => Some(Duration::ZERO),
            Failure::Refused { status: 429 | 500.., retry_after, .. } => Some(retry_after.unwrap_or_default()),
            Failure::Refused { .. } | Failure::Strange { .. } => None,
        }
    }

    pub fn is_status(&self, wanted: u16) -> bool {
        matches!(self, Failure::Refused { status, .. } if *status == wanted)
    }
}

#[derive(Deserialize)]
struct Success<T> {
    data: T,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalError,
}

#[derive(Deserialize)]
struct RefusalError {
    code: String,
    message: String,
}

impl Connection {
    /// A client with the given key.
    pub fn client(&self) -> Result<Client, StartError> {
        let missing =
            "this needs an API key: give it with --key or API_KEY; `humans2ai seed` makes accounts with keys, and so does POST /api-keys";
        Ok(self.server.client().with_token(self.key().ok_or(missing)?))
    }

    /// An empty one is none.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref().map(str::trim).filter(|key| !key.is_empty())
    }
}

impl ServerAddress {
    /// A client without credentials.
    pub fn client(&self) -> Client {
        Client { url: self.url_or(DEFAULT_URL), token: String::new(), agent: agent() }
    }

    /// Without the API's own path; an empty one is none.
    pub fn url_or(&self, default: &str) -> String {
        let url = self.url.as_deref().map(str::trim).filter(|url| !url.is_empty()).unwrap_or(default);
        url.trim_end_matches('/').trim_end_matches("/api/v1").to_owned()
    }
}

impl Client {
    pub fn with_token(&self, token: &str) -> Self {
        Client { token: token.to_owned(), ..self.clone() }
    }

    /// Whether it acts with a key of live mode: its money is real.
    pub fn is_live(&self) -> bool {
        self.token.starts_with("sk_live_")
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call("GET", path, &Value::Null)
    }

    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        self.call("POST", path, body)
    }

    /// The data of the answer.
    fn call<T: DeserializeOwned>(&self, method: &str, path: &str, body: &Value) -> Result<T, Failure> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut headers = vec![("Content-Type", "application/json".to_owned())];
        if !self.token.is_empty() {
            headers.push(("Authorization", format!("Bearer {}", self.token)));
        }
        let answer = self.send(method, &format!("{}/api/v1{path}", self.url), &headers, body)?;
        let strange = |error: serde_json::Error| Failure::Strange { url: self.url.clone(), reason: error.to_string() };
        if answer.status < 300 {
            return serde_json::from_str::<Success<T>>(&answer.body).map(|success| success.data).map_err(strange);
        }
        let RefusalError { code, message } = serde_json::from_str::<Refusal>(&answer.body).map_err(strange)?.error;
        Err(Failure::Refused { status: answer.status, code, message, retry_after: answer.retry_after })
    }

    /// Sends one request anywhere.
    pub fn send(&self, method: &str, url: &str, headers: &[(&str, String)], body: String) -> Result<Answer, Failure> {
        let unreachable = |reason: &dyn fmt::Display| Failure::Unreachable { url: url.to_owned(), reason: reason.to_string() };
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(body).map_err(|error| unreachable(&error))?;
        let mut response = self.agent.run(request).map_err(|error| self.unreachable(url, &error))?;
        let retry_after = response.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.body_mut().read_to_string().map_err(|error| self.unreachable(url, &error))?;
        Ok(Answer { status: response.status().as_u16(), body, retry_after: retry_after.map(Duration::from_secs) })
    }

    /// Of a request to the server itself the path does not matter: nothing of it was reached.
    fn unreachable(&self, url: &str, error: &ureq::Error) -> Failure {
        let url = if url.starts_with(&self.url) { &self.url } else { url };
        Failure::Unreachable { url: url.to_owned(), reason: error.to_string() }
    }
}

/// An answer as it came.
pub struct Answer {
    pub status: u16,
    body: String,
    retry_after: Option<Duration>,
}
