//! The command line (contract §9).

mod admin;
mod backup;
mod client;
mod developer;
mod ephemeral;
mod listen;
mod logs;
mod mcp;
mod seed;
mod serve;
mod test_clock;
mod trigger;

use crate::api::openapi;
use crate::config::{Config, Layers};
use crate::domain::named::Named;
use crate::server::StartError;
use clap::{Args, Parser, Subcommand};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// A marketplace where AI agents hire humans: one binary, one SQLite file.
#[derive(Parser)]
#[command(name = "humans2ai", version, about)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
#[command(next_help_heading = "Server options")]
struct Options {
    /// The configuration file [default: humans2ai.toml, if it is there]
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// The database file (server.data)
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    /// The address to listen on (server.listen)
    #[arg(long, global = true)]
    listen: Option<String>,
    /// test or live (server.mode)
    #[arg(long, global = true)]
    mode: Option<String>,
    #[arg(long, help = "Any configuration key, such as rate_limits.enabled=false", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    #[command(flatten)]
    fixture: FixtureOptions,
}

#[derive(Args, Clone)]
struct FixtureOptions {
    /// A fixture: test mode, any free port, a temporary database, ready-made accounts, ends when standard input closes
    #[arg(long, global = true)]
    ephemeral: bool,
    /// With --ephemeral: the same seed and the same requests give the same answers, byte for byte
    #[arg(long, global = true, requires = "ephemeral", value_name = "NUMBER")]
    seed: Option<u64>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (what no command does, too)
    Serve,
    /// Operate the marketplace; works on the file, whether a server runs or not
    #[command(subcommand)]
    Admin(admin::Command),
    /// Copy the database to FILE, whether a server runs or not
    Backup { file: PathBuf },
    /// Put the backup FILE in the database's place; the server must be stopped
    Restore { file: PathBuf },
    /// Speak MCP over standard input and output, as a client of a running server
    Mcp(client::Connection),
    /// Print the OpenAPI document
    Openapi,
    #[command(flatten)]
    Developer(developer::Command),
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| "must be KEY=VALUE".into())
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    run(cli).unwrap_or_else(|error| {
        if error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe) {
            // Whoever reads has seen enough, as `head` does.
            return ExitCode::SUCCESS;
        }
        let _ = writeln!(io::stderr(), "humans2ai: {error}");
        ExitCode::FAILURE
    })
}

fn run(cli: Cli) -> Result<ExitCode, StartError> {
    let options = &cli.options;
    match cli.command {
        None | Some(Command::Serve) if options.fixture.ephemeral => ephemeral::run(settle(options)?, options.fixture.seed),
        None | Some(Command::Serve) => serve::run(settle(options)?),
        Some(Command::Admin(command)) => admin::run(settle(options)?, command),
        Some(Command::Backup { file }) => backup::backup(&settle(options)?.server.data, &file),
        Some(Command::Restore { file }) => backup::restore(&settle(options)?.server.data, &file),
        Some(Command::Mcp(connection)) => mcp::run(&settle(options)?, &connection),
        Some(Command::Openapi) => print_openapi(&settle(options)?),
        Some(Command::Developer(command)) => developer::run(&command),
    }
}

/// The configuration, and the logger that it sets up: the log's level is a key like any other.
fn settle(options: &Options) -> Result<Config, StartError> {
    let config = configuration(options)?;
    env_logger::Builder::new().filter_level(config.log.level).target(env_logger::Target::Stderr).init();
    Ok(config)
}

/// Flags over environment over file over defaults.
fn configuration(options: &Options) -> Result<Config, StartError> {
    let flag = |key: &str, value: Option<String>| value.map(|value| (key.to_owned(), value));
    let data = options.data.as_ref().map(|path| path.to_string_lossy().into_owned());
    let flags = [flag("server.data", data), flag("server.listen", options.listen.clone()), flag("server.mode", options.mode.clone())];
    let sets: Vec<_> = options.set.iter().cloned().chain(flags.into_iter().flatten()).collect();
    let layers = if options.fixture.ephemeral { Layers::default().fixture() } else { Layers::default() };
    Ok(Config::load(&layers.file(options.config.as_deref()).process_env().sets(&sets))?)
}

fn print_openapi(config: &Config) -> Result<ExitCode, StartError> {
    print_json(&openapi::document(&config.client_url()))
}

fn print_json(value: &impl serde::Serialize) -> Result<ExitCode, StartError> {
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(value)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The configured mode's word, for messages.
fn mode_word(config: &Config) -> &'static str {
    config.server.mode.as_str()
}
