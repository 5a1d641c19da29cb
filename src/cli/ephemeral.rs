//! `--ephemeral`: a server as a test's fixture, with accounts and keys ready.

use super::serve::wait_until_stopped;
use crate::config::Config;
use crate::domain::actor::{Mode, Role};
use crate::domain::field::{FieldType, Raw};
use crate::domain::secret::{Password, Secret};
use crate::domain::text::Email;
use crate::operation::account::{create_account, create_full_key};
use crate::server::{self, Server, StartError};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

pub fn run(mut config: Config) -> Result<ExitCode, StartError> {
    let directory = tempfile::Builder::new().prefix("humans2ai-").tempdir()?;
    server::ephemeral(&mut config, directory.path());
    let server = Server::start(config)?;
    let line = json!({
        "url": server.url(),
        "mode": server.mode(),
        "database": server.database(),
        "pid": std::process::id(),
        "agent": account(&server, Role::Agent, "agent@example.com")?,
        "human": account(&server, Role::Human, "human@example.com")?,
        "operator": account(&server, Role::Admin, "operator@example.com")?,
    });
    writeln!(io::stdout(), "{line}")?;
    wait_until_stopped(true)?;
    server.stop();
    Ok(ExitCode::SUCCESS)
}

fn account(server: &Server, role: Role, email: &str) -> Result<Value, StartError> {
    const PASSWORD: &str = "ephemeral";
    let password = Password(Secret::new(PASSWORD.into()));
    let email = Email::parse(Raw::Text(email)).map_err(|_| "the fixture's email is malformed")?;
    let user_id = create_account(&server.ctx(), server.db(), &email, &password, role)?;
    let mut account = json!({ "userId": user_id, "email": email.as_str(), "password": PASSWORD });
    if role != Role::Admin {
        account["apiKey"] = json!(create_full_key(&server.ctx(), server.db(), &user_id, Mode::Test)?);
    }
    Ok(account)
}
