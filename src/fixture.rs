//! A server for one run of a test, in this process or as `humans2ai --ephemeral`.

use crate::config::{Config, Layers};
use crate::domain::actor::{Mode, Role};
use crate::domain::field::{FieldType, Raw};
use crate::domain::secret::{Password, Secret};
use crate::domain::text::Email;
use crate::operation::account::{create_account, create_full_key};
use crate::server::{Purpose, Server, StartError};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::Path;
use tempfile::TempDir;

const PASSWORD: &str = "ephemeral";

/// A fixture that is still to be started.
#[derive(Debug, Default, Clone)]
#[must_use = "it is no server before start()"]
pub struct Ephemeral {
    seed: Option<u64>,
    sets: Vec<(String, String)>,
}

impl Ephemeral {
    /// The same seed and the same requests give the same answers: ids, keys, tokens and times.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets a key of the configuration, as `--set` does.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.sets.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Starts it: test mode, any free port, no rate limits unless they are set, a database that is removed at the end.
    pub fn start(self) -> Result<Fixture, StartError> {
        Fixture::start(Config::load(&Layers::default().fixture().sets(&self.sets))?, self.seed)
    }
}

/// A running fixture; dropping it stops its server and removes its database.
pub struct Fixture {
    // Dropped in this order.
    server: Server,
    pub agent: FixtureAccount,
    pub human: FixtureAccount,
    /// It has no API key: it acts with ID tokens.
    pub operator: FixtureAccount,
    _directory: TempDir,
}

/// An account that is there from the start.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FixtureAccount {
    pub user_id: String,
    pub email: String,
    pub password: String,
    /// An `sk_test_` key with every scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
}

impl Fixture {
    pub(crate) fn start(mut config: Config, seed: Option<u64>) -> Result<Fixture, StartError> {
        let directory = tempfile::Builder::new().prefix("humans2ai-").tempdir()?;
        configure(&mut config, directory.path());
        let server = Server::start_for(Purpose::Fixture { seed }, config)?;
        Ok(Fixture {
            agent: account(&server, Role::Agent, "agent@example.com")?,
            human: account(&server, Role::Human, "human@example.com")?,
            operator: account(&server, Role::Admin, "operator@example.com")?,
            server,
            _directory: directory,
        })
    }

    /// Where it answers: `http://127.0.0.1:` and its port. The API is below `/api/v1`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn server(&self) -> &Server {
        &self.server
    }
}

fn configure(config: &mut Config, directory: &Path) {
    config.server.mode = Mode::Test;
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.server.data = directory.join("humans2ai.db");
}

fn account(server: &Server, role: Role, email: &str) -> Result<FixtureAccount, StartError> {
    let password = Password(Secret::new(PASSWORD.into()));
    let address = Email::parse(Raw::Text(email)).map_err(|_| "the fixture's email is malformed")?;
    let user_id = create_account(&server.ctx(), server.db(), &address, &password, role)?;
    let api_key = match role {
        Role::Admin => None,
        Role::Agent | Role::Human => Some(create_full_key(&server.ctx(), server.db(), &user_id, Mode::Test)?),
    };
    Ok(FixtureAccount {
        user_id: user_id.to_string(),
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        api_key: api_key.map(|key| key.expose().to_owned()),
    })
}
