//! Accounts of people, shared by both modes.

use super::column::{Columns, to_json};
use super::tx::{ReadTx, WriteTx};
use crate::domain::Result;
use crate::domain::actor::Role;
use crate::domain::id::{Id, UserId};
use crate::domain::named::Named;
use crate::domain::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

#[derive(Debug, Clone)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub password_hash: String,
    pub role: Role,
    pub display_name: String,
    pub skills: Vec<String>,
    pub city: Option<String>,
    pub referral_code: String,
    pub suspended_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

const SELECT: &str = "SELECT id, email, password_hash, role, display_name, skills, city, referral_code, suspended_at, created_at FROM user";

fn read(row: &Row) -> rusqlite::Result<User> {
    let mut columns = Columns::new(row);
    Ok(User {
        id: columns.id()?,
        email: columns.value()?,
        password_hash: columns.value()?,
        role: columns.named()?,
        display_name: columns.value()?,
        skills: columns.json()?,
        city: columns.value()?,
        referral_code: columns.value()?,
        suspended_at: columns.optional_time()?,
        created_at: columns.time()?,
    })
}

impl ReadTx<'_> {
    fn find_user_where(&self, condition: &str, value: &str) -> Result<Option<User>> {
        Ok(self.prepare(&format!("{SELECT} WHERE {condition} = ?1"))?.query_row([value], read).optional()?)
    }

    pub fn find_user(&self, id: &UserId) -> Result<Option<User>> {
        self.find_user_where("id", id.as_str())
    }

    /// `email` in its lower-cased form.
    pub fn find_user_by_email(&self, email: &str) -> Result<Option<User>> {
        self.find_user_where("email", email)
    }

    pub fn find_user_by_referral_code(&self, code: &str) -> Result<Option<User>> {
        self.find_user_where("referral_code", code)
    }

    /// The role of an account that is not suspended.
    pub fn find_active_role(&self, id: &UserId) -> Result<Option<Role>> {
        let mut statement = self.prepare("SELECT role FROM user WHERE id = ?1 AND suspended_at IS NULL")?;
        Ok(statement.query_row([id.as_str()], |row| Columns::new(row).named()).optional()?)
    }
}

impl WriteTx<'_> {
    pub fn insert_user(&self, user: &User) -> Result<()> {
        self.execute(
            "INSERT INTO user (id, email, password_hash, role, display_name, skills, city, referral_code, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                user.id.as_str(),
                user.email,
                user.password_hash,
                user.role.as_str(),
                user.display_name,
                to_json(&user.skills),
                user.city,
                user.referral_code,
                user.created_at.millis()
            ],
        )?;
        Ok(())
    }

    /// Suspends the account since `at`, or lifts a suspension.
    pub fn update_suspension(&self, id: &UserId, at: Option<Timestamp>) -> Result<()> {
        self.execute("UPDATE user SET suspended_at = ?2 WHERE id = ?1", params![id.as_str(), at.map(Timestamp::millis)])?;
        Ok(())
    }
}
