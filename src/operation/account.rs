//! Accounts and their sessions (contract §3).

use super::{Ctx, Manual, Operation, Read, escrow};
use crate::domain::actor::{Access, Mode, NewRole, Role, Scopes};
use crate::domain::field::{List, input};
use crate::domain::id::{Id, UserId};
use crate::domain::secret::{Password, Secret, base62};
use crate::domain::text::{Email, Slug, Text};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::domain::token::ID_TOKEN_SECONDS;
use crate::domain::{Error, Result};
use crate::store::{Db, ReadTx, Session, User, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;

const REFRESH_TOKEN_MS: i64 = 30 * DAY_MS;
const WRONG_LOGIN: Error = Error::Unauthorized("Wrong email or password");
const WRONG_REFRESH: Error = Error::Unauthorized("The refresh token is unknown, used or expired; log in again");

/// What proves a session: an ID token for an hour, and the refresh token that gets the next.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    pub id_token: Secret,
    pub refresh_token: Secret,
    /// Seconds, as a string: Firebase has it so.
    pub expires_in: String,
}

/// A new refresh token's row and both tokens.
fn new_session(ctx: &Ctx, user: &User, family: String, signed_in_at: Timestamp) -> Result<(Session, Tokens)> {
    let now = ctx.services.clocks.tokens();
    let refresh_token = Secret::new(base62(&ctx.random::<32>()?));
    let session = Session {
        token_hash: refresh_token.digest(),
        family,
        user_id: user.id.clone(),
        signed_in_at,
        expires_at: now.plus_ms(REFRESH_TOKEN_MS),
        used_at: None,
    };
    let id_token = ctx.services.signer.sign(&user.id, &user.email, user.role, signed_in_at, now);
    Ok((session, Tokens { id_token: Secret::new(id_token), refresh_token, expires_in: ID_TOKEN_SECONDS.to_string() }))
}

fn first_session(ctx: &Ctx, user: &User) -> Result<(Session, Tokens)> {
    new_session(ctx, user, base62(&ctx.random::<16>()?), ctx.services.clocks.tokens())
}

input! {
    pub struct RegisterInput {
        /// The account's email; letter case does not matter.
        email as "email": Email,
        /// At least 8 characters.
        password as "password": Password,
        /// The name others see of an agent.
        display_name as "displayName": Option<Text<1, 80>>,
        /// What the account is for.
        role as "role": NewRole = "agent",
        /// The code of whoever sent you here.
        referral_code as "referralCode": Option<Text<1, 40>>,
        /// A human's skills, for the operator's eyes only.
        skills as "skills": Option<List<Slug, 20>>,
        /// A human's city, for the operator's eyes only.
        city as "city": Option<Text<1, 100>>,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    pub user_id: UserId,
    pub email: String,
    pub role: Role,
    pub display_name: String,
    pub referral_code: String,
    #[serde(flatten)]
    pub tokens: Tokens,
}

pub struct Register;

impl Operation for Register {
    const NAME: &'static str = "register";
    const DOC: &'static str = "Register a new account and sign in.";
    const ACCESS: Access = Access::Public;
    type Input = RegisterInput;
    type Output = Registered;
}

impl Manual for Register {
    fn run(input: RegisterInput, ctx: &Ctx, db: &Db) -> Result<Registered> {
        let mut user = new_user(ctx, input.email.as_str(), input.role.into(), ctx.services.passwords.hash(&input.password.0)?)?;
        user.skills = input.skills.iter().flat_map(|skills| &skills.0).map(|skill| skill.as_str().to_owned()).collect();
        user.city = input.city.map(|city| city.as_str().to_owned());
        if let Some(name) = input.display_name {
            name.as_str().clone_into(&mut user.display_name);
        }
        let (session, tokens) = first_session(ctx, &user)?;
        let (inserted, ctx) = (user.clone(), ctx.clone());
        let referral_code = input.referral_code;
        db.write(move |tx| {
            insert_account(tx, &ctx, &inserted, referral_code.as_ref().map(Text::as_str))?;
            tx.insert_session(&session)
        })?;
        let User { id, email, role, display_name, referral_code, .. } = user;
        Ok(Registered { user_id: id, email, role, display_name, referral_code, tokens })
    }
}

/// A user of whom nothing more is said.
pub(super) fn new_user(ctx: &Ctx, email: &str, role: Role, password_hash: String) -> Result<User> {
    let id: UserId = ctx.new_id()?;
    let number = id.as_str().get(id.as_str().len() - 6..).unwrap_or_default();
    Ok(User {
        email: email.to_owned(),
        password_hash,
        role,
        display_name: format!("{role}-{number}"),
        skills: Vec::new(),
        city: None,
        referral_code: base62(&ctx.random::<6>()?),
        suspended_at: None,
        created_at: ctx.now,
        id,
    })
}

pub(super) fn insert_account(tx: &WriteTx, ctx: &Ctx, user: &User, referral_code: Option<&str>) -> Result<()> {
    if tx.find_user_by_email(&user.email)?.is_some() {
        return Err(Error::EmailTaken);
    }
    tx.insert_user(user)?;
    escrow::open_wallets(tx, ctx, &user.id)?;
    let Some(code) = referral_code else { return Ok(()) };
    let referrer = tx.find_user_by_referral_code(code)?.ok_or_else(|| Error::validation("referralCode is not a known code"))?;
    tx.insert_referral(&referrer.id, &user.id, ctx.now)
}

/// Makes an account of any role, an operator's too: for the command line and fixtures.
pub fn create_account(ctx: &Ctx, db: &Db, email: &Email, password: &Password, role: Role) -> Result<UserId> {
    let user = new_user(ctx, email.as_str(), role, ctx.services.passwords.hash(&password.0)?)?;
    let (id, ctx) = (user.id.clone(), ctx.clone());
    db.write(move |tx| insert_account(tx, &ctx, &user, None))?;
    Ok(id)
}

input! {
    pub struct LoginInput {
        /// The account's email.
        email as "email": Email,
        /// Its password.
        password as "password": Secret,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    pub user_id: UserId,
    /// The user's id under the name Firebase gives it.
    pub local_id: UserId,
    pub role: Role,
    #[serde(flatten)]
    pub tokens: Tokens,
}

pub struct Login;

impl Operation for Login {
    const NAME: &'static str = "login";
    const DOC: &'static str = "Sign in and get an ID token and a refresh token.";
    const ACCESS: Access = Access::Public;
    type Input = LoginInput;
    type Output = LoggedIn;
}

impl Manual for Login {
    fn run(input: LoginInput, ctx: &Ctx, db: &Db) -> Result<LoggedIn> {
        let found = db.read(|tx| tx.find_user_by_email(input.email.as_str()))?;
        let hash = found.as_ref().map(|user| user.password_hash.as_str());
        if !ctx.services.passwords.verify(&input.password, hash)? {
            return Err(WRONG_LOGIN);
        }
        let user = found.ok_or(WRONG_LOGIN)?;
        if user.suspended_at.is_some() {
            return Err(Error::Forbidden("This account is suspended; ask the operator".into()));
        }
        let (session, tokens) = first_session(ctx, &user)?;
        db.write(move |tx| tx.insert_session(&session))?;
        Ok(LoggedIn { user_id: user.id.clone(), local_id: user.id, role: user.role, tokens })
    }
}

input! {
    pub struct RefreshInput {
        /// The latest refresh token; each works once.
        refresh_token as "refreshToken": Secret,
    }
}

pub struct Refresh;

impl Operation for Refresh {
    const NAME: &'static str = "refresh_token";
    const DOC: &'static str = "Exchange a refresh token for a new ID token and a new refresh token.";
    const ACCESS: Access = Access::Public;
    type Input = RefreshInput;
    type Output = Tokens;
}

impl Manual for Refresh {
    fn run(input: RefreshInput, ctx: &Ctx, db: &Db) -> Result<Tokens> {
        let ctx = ctx.clone();
        // The revocation of a family must be kept although the request is refused.
        db.write(move |tx| rotate(tx, &ctx, &input.refresh_token))?.ok_or(WRONG_REFRESH)
    }
}

/// The next tokens, or `None` for a token that gets none; a used one ends its whole family.
fn rotate(tx: &WriteTx, ctx: &Ctx, token: &Secret) -> Result<Option<Tokens>> {
    let Some(session) = tx.find_session(&token.digest())? else { return Ok(None) };
    if session.used_at.is_some() {
        tx.delete_session_family(&session.family)?;
        return Ok(None);
    }
    let user = tx.find_user(&session.user_id)?.filter(|user| user.suspended_at.is_none());
    let now = ctx.services.clocks.tokens();
    let Some(user) = user.filter(|_| now < session.expires_at) else { return Ok(None) };
    tx.update_session_used(&session.token_hash, now)?;
    let (next, tokens) = new_session(ctx, &user, session.family, session.signed_in_at)?;
    tx.insert_session(&next)?;
    Ok(Some(tokens))
}

input! {
    pub struct CheckEmailInput {
        /// The email to look for.
        email as "email": Email,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct EmailStatus {
    pub exists: bool,
}

pub struct CheckEmail;

impl Operation for CheckEmail {
    const NAME: &'static str = "check_email";
    const DOC: &'static str = "Check whether an email is already registered.";
    const ACCESS: Access = Access::Public;
    type Input = CheckEmailInput;
    type Output = EmailStatus;
}

impl Read for CheckEmail {
    fn run(input: CheckEmailInput, _: &Ctx, tx: &ReadTx) -> Result<super::Answer<EmailStatus>> {
        Ok(EmailStatus { exists: tx.find_user_by_email(input.email.as_str())?.is_some() }.into())
    }
}

/// Makes a key with every scope for an account: for fixtures.
pub fn create_full_key(ctx: &Ctx, db: &Db, user: &UserId, mode: Mode) -> Result<Secret> {
    let (user, ctx) = (user.clone(), ctx.clone());
    db.write(move |tx| super::api_key::insert_key(tx, &ctx, &user, mode, "fixture", Scopes::ALL)).map(|(_, key)| key)
}
