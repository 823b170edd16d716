use ratchet_interfaces::{AuditEntry, AuditEntryId, RepositoryError, TokenId};
use sea_orm::entity::prelude::*;

use super::{Reading, json, micros, text};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: i64,
    pub actor: String,
    pub token_id: Option<Uuid>,
    pub peer: Option<String>,
    pub action: String,
    pub resource: String,
    pub resource_id: Option<String>,
    pub fields: String,
    pub status: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) fn model(entry: &AuditEntry) -> Model {
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
    Model {
        id: id.as_uuid(),
        at: micros(*at),
        actor: text(actor),
        token_id: token_id.map(TokenId::as_uuid),
        peer: peer.as_deref().map(text),
        action: text(action),
        resource: text(resource),
        resource_id: resource_id.as_deref().map(text),
        fields: json(fields),
        status: (*status).into(),
    }
}

pub(crate) fn read(row: Model) -> Result<AuditEntry, RepositoryError> {
    let Model {
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
    } = row;
    let id = AuditEntryId::from_uuid(id);
    let reading = Reading::of("audit entry", &id);
    Ok(AuditEntry {
        id,
        at: reading.instant("at", at)?,
        actor,
        token_id: token_id.map(TokenId::from_uuid),
        peer,
        action,
        resource,
        resource_id,
        fields: reading.json("fields", &fields)?,
        status: reading.number("status", status)?,
    })
}
