use crate::example;
use chrono::{DateTime, Utc};
use ratchet_interfaces::AuditEntry;
use serde::Serialize;
use utoipa::ToSchema;

/// That somebody changed something, or wanted to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub(crate) struct AuditEntryView {
    /// Its id.
    #[schema(example = json!(example::AUDIT_ENTRY))]
    id: String,
    /// When it was answered.
    at: DateTime<Utc>,
    /// The name of the token; `local` where none was needed, `command line` for a command on the database.
    #[schema(example = "deploy")]
    actor: String,
    /// The token.
    #[schema(example = json!(example::TOKEN))]
    token_id: Option<String>,
    /// The address that the request came from.
    #[schema(example = "127.0.0.1")]
    peer: Option<String>,
    /// The operation's id.
    #[schema(example = "schedules_patch")]
    action: String,
    /// The kind of thing that it is about.
    #[schema(example = "schedules")]
    resource: String,
    /// And which one.
    #[schema(example = json!(example::SCHEDULE))]
    resource_id: Option<String>,
    /// The names of the fields that were given.
    #[schema(example = json!(["cronExpression"]))]
    fields: Vec<String>,
    /// The HTTP status of the answer.
    #[schema(example = 200)]
    status: u16,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry {
            id,
            at,
            actor,
            token_id,
            peer,
            action,
            resource,
            resource_id,
            fields,
            status,
        } = entry;
        Self {
            id: id.to_string(),
            at,
            actor,
            token_id: token_id.map(|id| id.to_string()),
            peer,
            action,
            resource,
            resource_id,
            fields,
            status,
        }
    }
}
