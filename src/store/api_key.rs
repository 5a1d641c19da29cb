//! API keys: only their digest and a display prefix are kept.

use super::column::Columns;
use super::tx::{Page, ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::{Actor, Credential, Mode, Scopes};
use crate::domain::id::{ApiKeyId, Id, UserId};
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub user_id: UserId,
    pub mode: Mode,
    pub name: String,
    pub prefix: String,
    pub scopes: Scopes,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT id, user_id, livemode, name, prefix, scopes, created_at, revoked_at FROM api_key";

fn read(row: &Row) -> rusqlite::Result<ApiKey> {
    let mut columns = Columns::new(row);
    Ok(ApiKey {
        id: columns.id()?,
        user_id: columns.id()?,
        mode: Mode::from_livemode(columns.value()?),
        name: columns.value()?,
        prefix: columns.value()?,
        scopes: scopes(&mut columns)?,
        created_at: columns.time()?,
        revoked_at: columns.optional_time()?,
    })
}

fn scopes(columns: &mut Columns) -> rusqlite::Result<Scopes> {
    let words: String = columns.value()?;
    Scopes::parse(&words).ok_or_else(|| rusqlite::Error::InvalidParameterName(words))
}

impl ReadTx<'_> {
    /// The caller behind an active key of an account that is not suspended.
    pub fn find_actor_by_key(&self, hash: &[u8; 32]) -> Result<Option<Actor>> {
        let mut statement = self.prepare(
            "SELECT u.id, u.role, k.livemode, k.id, k.scopes FROM api_key k JOIN user u ON u.id = k.user_id
             WHERE k.hash = ?1 AND k.revoked_at IS NULL AND u.suspended_at IS NULL",
        )?;
        let actor = statement.query_row([hash], |row| {
            let mut columns = Columns::new(row);
            Ok(Actor {
                user_id: columns.id()?,
                role: columns.named()?,
                mode: Mode::from_livemode(columns.value()?),
                credential: Credential::ApiKey { id: columns.id()?, scopes: scopes(&mut columns)? },
            })
        });
        Ok(actor.optional()?)
    }

    /// Whether what the caller showed still admits them: the key is not revoked, the account not suspended.
    pub fn is_active(&self, actor: &Actor) -> Result<bool> {
        let key = match &actor.credential {
            Credential::ApiKey { id, .. } => Some(id.as_str()),
            Credential::IdToken => None,
        };
        let mut statement = self.prepare(
            "SELECT EXISTS (SELECT 1 FROM user WHERE id = ?1 AND suspended_at IS NULL)
               AND (?2 IS NULL OR EXISTS (SELECT 1 FROM api_key WHERE id = ?2 AND revoked_at IS NULL))",
        )?;
        Ok(statement.query_row(params![actor.user_id.as_str(), key], |row| row.get(0))?)
    }

    /// Newest first, revoked ones included, and how many there are.
    pub fn list_api_keys(&self, user: &UserId, mode: Mode, page: Page) -> Result<(Vec<ApiKey>, i64)> {
        let total = self
            .prepare("SELECT count(*) FROM api_key WHERE user_id = ?1 AND livemode = ?2")?
            .query_row(params![user.as_str(), mode.is_live()], |row| row.get(0))?;
        let keys = self
            .prepare(&format!("{SELECT} WHERE user_id = ?1 AND livemode = ?2 ORDER BY id DESC LIMIT ?3 OFFSET ?4"))?
            .query_map(params![user.as_str(), mode.is_live(), page.sql_limit(), page.sql_offset()], read)?
            .collect::<Result<_, _>>()?;
        Ok((keys, total))
    }

    pub fn find_api_key(&self, user: &UserId, mode: Mode, id: &ApiKeyId) -> Result<Option<ApiKey>> {
        let mut statement = self.prepare(&format!("{SELECT} WHERE id = ?1 AND user_id = ?2 AND livemode = ?3"))?;
        Ok(statement.query_row(params![id.as_str(), user.as_str(), mode.is_live()], read).optional()?)
    }

    pub fn count_active_api_keys(&self, user: &UserId) -> Result<i64> {
        let mut statement = self.prepare("SELECT count(*) FROM api_key WHERE user_id = ?1 AND revoked_at IS NULL")?;
        Ok(statement.query_row([user.as_str()], |row| row.get(0))?)
    }
}

impl WriteTx<'_> {
    pub fn insert_api_key(&self, key: &ApiKey, hash: &[u8; 32]) -> Result<()> {
        self.execute(
            "INSERT INTO api_key (id, user_id, livemode, name, prefix, hash, scopes, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                key.id.as_str(),
                key.user_id.as_str(),
                key.mode.is_live(),
                key.name,
                key.prefix,
                hash,
                key.scopes.to_string(),
                key.created_at.millis()
            ],
        )?;
        Ok(())
    }

    pub fn update_api_key_revoked(&self, id: &ApiKeyId, now: Timestamp) -> Result<()> {
        self.execute("UPDATE api_key SET revoked_at = ?2 WHERE id = ?1", params![id.as_str(), now.millis()])?;
        Ok(())
    }
}
