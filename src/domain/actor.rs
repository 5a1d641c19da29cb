//! Who calls, in which mode, and what they may do.

use super::id::{ApiKeyId, UserId};
use super::named::{Named, named};

named! {
    /// Two worlds side by side in one file; nothing passes from one to the other (contract §2).
    pub enum Mode { Test = "test", Live = "live" }
}

impl Mode {
    pub const fn is_live(self) -> bool {
        matches!(self, Mode::Live)
    }

    pub const fn from_livemode(livemode: bool) -> Self {
        if livemode { Mode::Live } else { Mode::Test }
    }
}

named! {
    pub enum Role {
        /// Publishes tasks and pays for them.
        Agent = "agent",
        /// Does tasks and is paid.
        Human = "human",
        /// Operates the server; only the command line makes one.
        Admin = "admin",
    }
}

named! {
    /// The roles one can register with.
    pub enum NewRole { Agent = "agent", Human = "human" }
}

impl From<NewRole> for Role {
    fn from(role: NewRole) -> Self {
        match role {
            NewRole::Agent => Role::Agent,
            NewRole::Human => Role::Human,
        }
    }
}

named! {
    /// What an API key may do (contract §4).
    pub enum Scope {
        TasksRead = "tasks:read",
        TasksWrite = "tasks:write",
        WalletRead = "wallet:read",
        MessagesRead = "messages:read",
        MessagesWrite = "messages:write",
    }
}

/// A set of scopes; in the database their words, separated by spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    pub const ALL: Scopes = Scopes(0b1_1111);

    fn bit(scope: Scope) -> u8 {
        1 << scope as u8
    }

    pub fn contains(self, scope: Scope) -> bool {
        self.0 & Self::bit(scope) != 0
    }

    pub fn includes(self, other: Scopes) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.contains(*scope))
    }

    pub fn parse(words: &str) -> Option<Scopes> {
        words.split(' ').map(Scope::parse).collect::<Option<Vec<_>>>().map(Scopes::from_iter)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Scopes(scopes.into_iter().fold(0, |bits, scope| bits | Self::bit(scope)))
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.iter().map(Scope::as_str).collect::<Vec<_>>().join(" "))
    }
}

/// What the caller showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// All scopes.
    IdToken,
    ApiKey {
        id: ApiKeyId,
        scopes: Scopes,
    },
}

/// The caller of an operation: authenticated, not suspended, acting in one mode.
#[derive(Debug, Clone)]
pub struct Actor {
    pub user_id: UserId,
    pub role: Role,
    pub mode: Mode,
    pub credential: Credential,
}

impl Actor {
    pub fn scopes(&self) -> Scopes {
        match &self.credential {
            Credential::IdToken => Scopes::ALL,
            Credential::ApiKey { scopes, .. } => *scopes,
        }
    }

    /// Whether it is an operator who has logged in.
    pub fn is_operator(&self) -> bool {
        self.role == Role::Admin && self.credential == Credential::IdToken
    }

    pub fn is(&self, user_id: &UserId) -> bool {
        self.user_id == *user_id
    }
}

/// What an operation asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No credential at all.
    Public,
    Scope(Scope),
    /// An ID token, or a key that holds every scope: what manages credentials.
    AllScopes,
    /// An ID token of an admin.
    Operator,
    /// As [`Access::AllScopes`], in test mode; in live mode there is no such operation.
    Sandbox,
    /// As [`Access::Sandbox`], where it concerns the test data of every account: on a live server the operator's alone.
    SandboxControl,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_they_are_written() {
        let some = Scopes::from_iter([Scope::TasksRead, Scope::MessagesWrite]);
        assert_eq!(some.to_string(), "tasks:read messages:write");
        assert_eq!(Scopes::parse(&some.to_string()), Some(some));
        assert_eq!(Scopes::parse("tasks:read tasks:fly"), None);
        assert!(Scopes::ALL.includes(some) && !some.includes(Scopes::ALL));
        assert_eq!(Scopes::ALL.iter().count(), Scope::ALL.len());
    }
}
