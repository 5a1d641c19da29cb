//! `humans2ai admin …`: the operator's operations on the file itself.

use super::{mode_word, print_json};
use crate::config::Config;
use crate::domain::actor::Role;
use crate::domain::field::{Arguments, FieldType, Input, Raw};
use crate::domain::secret::{Password, Secret, base62};
use crate::domain::text::Email;
use crate::operation::account::create_account;
use crate::operation::admin::{SuspendUser, VerifyLedger};
use crate::operation::dispute::{ListDisputes, ResolveDispute};
use crate::operation::wallet::{Deposit, Withdraw};
use crate::operation::{Ctx, Operation, Read, Write};
use crate::server::{Purpose, StartError, services};
use crate::store::Db;
use clap::{Args, Subcommand};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Subcommand)]
pub enum Command {
    /// Make an operator's account; its password is made up and shown once unless it comes on standard input
    Create {
        email: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Add money to a wallet, once per reference
    Deposit(Move),
    /// Take money out of a wallet, once per reference
    Withdraw(Move),
    /// List the disputes
    Disputes {
        /// open or resolved
        #[arg(long, default_value = "open")]
        status: String,
    },
    /// Decide a dispute
    Resolve {
        /// The dispute's id
        dispute: String,
        /// release, refund or split
        outcome: String,
        /// The human's share of a split, in per cent
        #[arg(long)]
        percent: Option<String>,
        /// Why, for the record
        #[arg(long)]
        note: Option<String>,
    },
    /// Suspend an account: its keys and tokens are refused at once
    Suspend {
        /// The account's email or id
        user: String,
        /// Lift the suspension instead
        #[arg(long)]
        undo: bool,
    },
    /// Check every invariant of the ledger; exit code 1 if one is broken
    Verify,
}

#[derive(Args)]
pub struct Move {
    /// The account's email or id
    user: String,
    /// How much, in A9
    amount: String,
    /// Your own reference of the payment: the same one again does nothing more
    #[arg(long)]
    reference: String,
}

/// The open file and whom its operations run as.
struct Office {
    db: Db,
    ctx: Ctx,
}

pub fn run(config: Config, command: Command) -> Result<ExitCode, StartError> {
    let path = &config.server.data;
    let creates = matches!(command, Command::Create { .. });
    if !creates && !path.exists() {
        return Err(format!("there is no database at {}; name it with --data", path.display()).into());
    }
    let mode = mode_word(&config);
    let db = Db::open(path)?;
    let services = Arc::new(services(config, &db, Purpose::Market)?);
    let ctx = Ctx::system(&services, services.config.server.mode);
    let office = Office { db, ctx };
    match command {
        Command::Create { email, password_stdin } => office.create(&email, password_stdin),
        Command::Deposit(money) => office.write::<Deposit>(&office.movement(&money)?),
        Command::Withdraw(money) => office.write::<Withdraw>(&office.movement(&money)?),
        Command::Disputes { status } => office.read::<ListDisputes>(&[("status", status)]),
        Command::Resolve { dispute, outcome, percent, note } => {
            let mut texts = vec![("disputeId", dispute), ("outcome", outcome)];
            texts.extend(percent.map(|percent| ("humanPercent", percent)));
            texts.extend(note.map(|note| ("note", note)));
            office.write::<ResolveDispute>(&texts)
        }
        Command::Suspend { user, undo } => {
            office.write::<SuspendUser>(&[("userId", office.user_id(&user)?), ("suspended", (!undo).to_string())])
        }
        Command::Verify => office.verify(),
    }
    .map_err(|error| format!("{error} ({mode} mode; --mode chooses)").into())
}

impl Office {
    fn create(&self, email: &str, password_stdin: bool) -> Result<ExitCode, StartError> {
        let email = Email::parse(Raw::Text(email)).map_err(|_| "the email must be an email address")?;
        let (password, made_up) = if password_stdin {
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            (line.trim_end_matches(['\r', '\n']).to_owned(), None)
        } else {
            let made_up = base62(&self.ctx.random::<16>()?);
            (made_up.clone(), Some(made_up))
        };
        let password = Password::parse(Raw::Text(&password)).map_err(|_| "the password must have 8 to 128 characters")?;
        let user_id = create_account(&self.ctx, &self.db, &email, &password, Role::Admin)?;
        print_json(
            &serde_json::json!({ "userId": user_id, "email": email.as_str(), "role": Role::Admin, "password": made_up.map(Secret::new) }),
        )
    }

    fn movement(&self, money: &Move) -> Result<[(&'static str, String); 3], StartError> {
        Ok([("userId", self.user_id(&money.user)?), ("amount", money.amount.clone()), ("reference", money.reference.clone())])
    }

    /// An id as it is; an email's account.
    fn user_id(&self, user: &str) -> Result<String, StartError> {
        if !user.contains('@') {
            return Ok(user.to_owned());
        }
        let found = self.db.read(|tx| tx.find_user_by_email(&user.trim().to_lowercase()))?;
        Ok(found.ok_or_else(|| format!("no account has the email {user}"))?.id.to_string())
    }

    fn write<O: Write>(&self, texts: &[(&str, String)]) -> Result<ExitCode, StartError>
    where
        O::Output: Send,
    {
        let (input, ctx) = (parse::<O>(texts)?, self.ctx.clone());
        print_json(&self.db.write(move |tx| O::run(input, &ctx, tx))?)
    }

    fn read<O: Read>(&self, texts: &[(&str, String)]) -> Result<ExitCode, StartError> {
        let input = parse::<O>(texts)?;
        print_json(&self.db.read(|tx| O::run(input, &self.ctx, tx))?.data)
    }

    fn verify(&self) -> Result<ExitCode, StartError> {
        let report = self.db.read(|tx| VerifyLedger::run(parse::<VerifyLedger>(&[])?, &self.ctx, tx))?.data;
        for problem in &report.problems {
            writeln!(io::stdout(), "{problem}")?;
        }
        if !report.ok {
            return Ok(ExitCode::FAILURE);
        }
        writeln!(io::stdout(), "the ledger is sound: every invariant holds")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The operation's input, from text as the command line has it.
fn parse<O: Operation>(texts: &[(&str, String)]) -> crate::domain::Result<O::Input> {
    let texts = texts.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    O::Input::parse(&Arguments { texts, ..Arguments::default() })
}
