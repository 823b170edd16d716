use chrono::{DateTime, Utc};

use crate::{AuditEntryId, TokenId};

/// That somebody changed something over the API, or wanted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The entry's id.
    pub id: AuditEntryId,
    /// When it was answered.
    pub at: DateTime<Utc>,
    /// The name of the token, [`AuditEntry::LOCAL`] or [`AuditEntry::COMMAND_LINE`].
    pub actor: String,
    /// The token; `None` where none is needed.
    pub token_id: Option<TokenId>,
    /// The address that the request came from.
    pub peer: Option<String>,
    /// What was to be done: the operation's id in the API's document.
    pub action: String,
    /// What it was to be done with: the kind of thing.
    pub resource: String,
    /// And which one.
    pub resource_id: Option<String>,
    /// The names of the fields that were given. Never their values.
    pub fields: Vec<String>,
    /// The HTTP status of the answer: whether it was done.
    pub status: u16,
}

impl AuditEntry {
    /// Who acts where no token is needed.
    pub const LOCAL: &str = "local";
    /// Who acts by a command, on the database itself.
    pub const COMMAND_LINE: &str = "command line";

    /// Whether the name is that of somebody who has no token.
    #[must_use]
    pub fn is_reserved(name: &str) -> bool {
        [Self::LOCAL, Self::COMMAND_LINE].contains(&name)
    }
}

/// Which entries a list holds. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of the token with this name.
    pub actor: Option<String>,
    /// Of this token.
    pub token_id: Option<TokenId>,
    /// Of this action.
    pub action: Option<String>,
    /// About this kind of thing.
    pub resource: Option<String>,
    /// About this one.
    pub resource_id: Option<String>,
    /// With this status.
    pub status: Option<u16>,
    /// At this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub before: Option<DateTime<Utc>>,
}
