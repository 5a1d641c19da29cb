//! API keys (contract §3, §4).

use super::page::paged_input;
use super::{Answer, Ctx, Operation, Read, Write};
use crate::domain::actor::{Access, Mode, Scope, Scopes};
use crate::domain::error::Resource;
use crate::domain::field::{List, input};
use crate::domain::id::{ApiKeyId, UserId};
use crate::domain::named::Named;
use crate::domain::secret::{Secret, base62};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::{Error, Result};
use crate::store::{ApiKey, ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Serialize;

const MAX_ACTIVE: i64 = 10;
/// `sk_test_` and four characters of the secret.
const PREFIX_LENGTH: usize = 12;

/// A key without its secret.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyView {
    pub id: ApiKeyId,
    pub name: String,
    /// The key's first characters, to recognise it by.
    pub prefix: String,
    pub scopes: Vec<Scope>,
    pub active: bool,
    pub livemode: bool,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        ApiKeyView {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes.iter().collect(),
            active: key.revoked_at.is_none(),
            livemode: key.mode.is_live(),
            created_at: key.created_at,
            revoked_at: key.revoked_at,
        }
    }
}

input! {
    pub struct CreateApiKeyInput {
        /// A name to tell your keys apart.
        name as "name": Option<Text<1, 80>>,
        /// What the key may do; all that you may by default.
        scopes as "scopes": Option<List<Scope, 5, 1>>,
        /// The data it works on; yours of this request by default.
        mode as "mode": Option<Mode>,
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CreatedApiKey {
    /// The key itself, shown only now.
    pub key: Secret,
    #[serde(flatten)]
    pub view: ApiKeyView,
}

pub struct CreateApiKey;

impl Operation for CreateApiKey {
    const NAME: &'static str = "create_api_key";
    const DOC: &'static str = "Create a new API key (max 10 active per user); the key is shown only once.";
    const ACCESS: Access = Access::AllScopes;
    type Input = CreateApiKeyInput;
    type Output = CreatedApiKey;

    fn redact(created: &CreatedApiKey) -> Option<CreatedApiKey> {
        Some(CreatedApiKey { key: Secret::new(format!("{}…", created.view.prefix)), view: created.view.clone() })
    }
}

impl Write for CreateApiKey {
    fn run(input: CreateApiKeyInput, ctx: &Ctx, tx: &WriteTx) -> Result<CreatedApiKey> {
        let mode = input.mode.unwrap_or(ctx.mode);
        if mode != ctx.mode && !ctx.has_id_token()? {
            return Err(Error::Forbidden(format!("A {} key can only make {} keys; use an ID token", ctx.mode, ctx.mode)));
        }
        if mode.is_live() && !ctx.config().server.mode.is_live() {
            return Err(Error::validation("mode must be test: this server is a sandbox (server.mode = \"live\" makes live keys possible)"));
        }
        let scopes = match input.scopes {
            Some(List(scopes)) => Scopes::from_iter(scopes),
            None => ctx.actor()?.scopes(),
        };
        if !ctx.actor()?.scopes().includes(scopes) {
            return Err(Error::Forbidden("A key can only be made with scopes that you hold".into()));
        }
        if tx.count_active_api_keys(ctx.user_id()?)? >= MAX_ACTIVE {
            return Err(Error::LimitExceeded(format!("There are {MAX_ACTIVE} active API keys already; revoke one first")));
        }
        let name = input.name.as_ref().map_or("API key", Text::as_str);
        let (key, secret) = insert_key(tx, ctx, ctx.user_id()?, mode, name, scopes)?;
        Ok(CreatedApiKey { key: secret, view: key.into() })
    }
}

/// Makes and stores a key; its secret is returned here and kept nowhere.
pub(super) fn insert_key(tx: &WriteTx, ctx: &Ctx, user: &UserId, mode: Mode, name: &str, scopes: Scopes) -> Result<(ApiKey, Secret)> {
    let secret = format!("sk_{}_{}", mode.as_str(), base62(&ctx.random::<32>()?));
    let key = ApiKey {
        id: ctx.new_id()?,
        user_id: user.clone(),
        mode,
        name: name.to_owned(),
        prefix: secret.chars().take(PREFIX_LENGTH).collect(),
        scopes,
        created_at: ctx.now,
        revoked_at: None,
    };
    let secret = Secret::new(secret);
    tx.insert_api_key(&key, &secret.digest())?;
    Ok((key, secret))
}

paged_input! {
    pub struct ListApiKeysInput {}
}

pub struct ListApiKeys;

impl Operation for ListApiKeys {
    const NAME: &'static str = "list_api_keys";
    const DOC: &'static str = "List your API keys (secrets redacted), newest first.";
    const ACCESS: Access = Access::AllScopes;
    const PAGED: bool = true;
    type Input = ListApiKeysInput;
    type Output = Vec<ApiKeyView>;
}

impl Read for ListApiKeys {
    fn run(input: ListApiKeysInput, ctx: &Ctx, tx: &ReadTx) -> Result<Answer<Vec<ApiKeyView>>> {
        let query = input.query();
        let (keys, total) = tx.list_api_keys(ctx.user_id()?, ctx.mode, query.page())?;
        query.answer(keys.into_iter().map(ApiKeyView::from).collect(), total)
    }
}

input! {
    pub struct RevokeApiKeyInput {
        /// The key's id.
        id as "apiKeyId": ApiKeyId,
    }
}

pub struct RevokeApiKey;

impl Operation for RevokeApiKey {
    const NAME: &'static str = "revoke_api_key";
    const DOC: &'static str = "Revoke an API key: it is refused from the next request on.";
    const ACCESS: Access = Access::AllScopes;
    type Input = RevokeApiKeyInput;
    type Output = ApiKeyView;
}

impl Write for RevokeApiKey {
    fn run(input: RevokeApiKeyInput, ctx: &Ctx, tx: &WriteTx) -> Result<ApiKeyView> {
        let mut key = tx.find_api_key(ctx.user_id()?, ctx.mode, &input.id)?.ok_or(Error::NotFound(Resource::ApiKey))?;
        if key.revoked_at.is_none() {
            key.revoked_at = Some(ctx.now);
            tx.update_api_key_revoked(&key.id, ctx.now)?;
        }
        Ok(key.into())
    }
}
