//! `/audit`: who changed what over the API, and the writing of it.

mod list;
mod read;
mod view;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    AuditEntry, AuditEntryId, AuditNote, RepositoryError, truncate_to_micros, with_causes,
};
use serde::de::IgnoredAny;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::idempotency::KEPT_FOR;
use crate::state::{ApiState, Services};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read::list))
}

/// What the document groups the routes by.
const TAG: &str = "audit";
/// The most fields that an entry names, and the most characters of a name or an id: they are the sender's.
const MOST_FIELDS: usize = 100;
const LONGEST_NAME: usize = 100;
/// How many rows are deleted in one transaction, which other writes wait for.
const BATCH: u32 = 1_000;

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Deed {
    pub(crate) resource_id: Option<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) status: StatusCode,
    /// What may have been written of it along with the change.
    pub(crate) note: Option<AuditNote>,
}

/// What goes along with a change, to be written with it. What changes nothing is not written.
pub(crate) fn note(services: &Services, caller: &Caller, deed: &mut Deed) -> Option<AuditNote> {
    if caller.operation.changes() {
        deed.note = Some(AuditNote::new(entry(services, caller, deed)));
    }
    deed.note.clone()
}

/// Writes what became of a change, and deletes what is too old once in a while. What changes nothing is not written.
pub(crate) async fn record_change(state: &ApiState, services: &Services, caller: &Caller, deed: Deed) {
    if !caller.operation.changes() {
        return;
    }
    record(services, caller, deed).await;
    if state.access().begins_pruning(services.clock.monotonic()) {
        let (services, days) = (services.clone(), state.access().config.audit_retention_days);
        tokio::spawn(async move { prune(&services, days).await });
    }
}

fn entry(services: &Services, caller: &Caller, deed: &Deed) -> AuditEntry {
    AuditEntry {
        id: AuditEntryId::new(),
        at: truncate_to_micros(services.clock.now()),
        actor: caller.identity.name().to_owned(),
        token_id: caller.identity.token_id(),
        peer: caller.peer.map(|peer| peer.to_string()),
        action: caller.operation.id.clone(),
        resource: caller.operation.resource.clone(),
        resource_id: deed.resource_id.clone(),
        fields: deed.fields.clone(),
        status: deed.status.as_u16(),
    }
}

/// Writes what became of a request, if it was not written along with the change. Where that tells of another answer, or its
/// transaction may have been lost, it is replaced. When the log cannot be written, what was done is done: the entry is told
/// in the process's own log, which then has what is missing here.
pub(crate) async fn record(services: &Services, caller: &Caller, deed: Deed) {
    let mut entry = entry(services, caller, &deed);
    if let Some(note) = &deed.note {
        entry.id = note.id();
        if note
            .written()
            .is_some_and(|written| tells_the_same(&written, &entry))
        {
            return;
        }
    }
    let audit = services.repositories.audit();
    let written = tokio::spawn({
        let entry = entry.clone();
        async move { audit.audit_write(&entry).await }
    });
    let failure = match written.await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => with_causes(&error),
        Err(panic) => panic.to_string(),
    };
    tracing::error!(error = failure, ?entry, "the audit log could not be written");
}

/// An answer whose resource is known from the change alone says no less than the change.
fn tells_the_same(written: &AuditEntry, entry: &AuditEntry) -> bool {
    written.status == entry.status
        && (entry.resource_id.is_none() || entry.resource_id == written.resource_id)
}

/// The names of the fields of a body.
pub(crate) fn fields_of(body: &[u8]) -> Vec<String> {
    // What is no object has no fields, and is refused or of no matter to the handler.
    let Ok(fields) = serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(body) else {
        return Vec::new();
    };
    fields
        .keys()
        .take(MOST_FIELDS)
        .map(|name| shortened(name))
        .collect()
}

pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_NAME).collect()
}

async fn prune(services: &Services, days: u32) {
    let now = services.clock.now();
    let pruned = async {
        if days > 0 {
            prune_entries(services, now - TimeDelta::days(days.into())).await?;
        }
        prune_keys(services, now - KEPT_FOR).await
    };
    if let Err(error) = pruned.await {
        tracing::warn!(
            error = with_causes(&error),
            "old audit entries and idempotency keys could not be deleted; it is tried again within the next hours"
        );
    }
}

async fn prune_entries(services: &Services, before: DateTime<Utc>) -> Result<(), RepositoryError> {
    let audit = services.repositories.audit();
    let mut entries = 0;
    loop {
        let deleted = audit.audit_prune(before, BATCH).await?;
        entries += deleted;
        if deleted < BATCH.into() {
            break;
        }
    }
    if entries > 0 {
        tracing::info!(entries, %before, "old audit entries were deleted");
    }
    Ok(())
}

async fn prune_keys(services: &Services, before: DateTime<Utc>) -> Result<(), RepositoryError> {
    let keys = services.repositories.idempotency();
    while keys.idempotency_prune(before, BATCH).await? >= BATCH.into() {}
    Ok(())
}

#[cfg(test)]
mod tests;
