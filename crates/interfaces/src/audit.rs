mod note;

use chrono::{DateTime, Utc};

use crate::filter::conditions;
use crate::{AuditEntryId, Bound, Choice, Filter, InstantBound, TextMatch, TokenId};

pub use note::{AuditNote, TakenNote};

/// That somebody changed something over the API, or wanted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The entry's id.
    pub id: AuditEntryId,
    /// When it was done.
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

/// Which entries a list holds.
pub type AuditFilter = Filter<AuditCondition>;

conditions! {
    /// What an entry must be to stand in a list.
    pub enum AuditCondition {
        /// See [`AuditEntry::id`].
        Id(Choice<AuditEntryId>) = "id",
        /// See [`AuditEntry::actor`].
        Actor(TextMatch) = "actor",
        /// See [`AuditEntry::token_id`].
        TokenId(Choice<TokenId>) = "token_id",
        /// See [`AuditEntry::action`].
        Action(TextMatch) = "action",
        /// See [`AuditEntry::resource`].
        Resource(TextMatch) = "resource",
        /// See [`AuditEntry::resource_id`].
        ResourceId(TextMatch) = "resource_id",
        /// See [`AuditEntry::status`].
        Status(Bound<u64>) = "status",
        /// See [`AuditEntry::at`].
        At(InstantBound) = "at",
    }
}
