use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    AuditCondition, AuditEntry, AuditFilter, AuditRepository, Page, PageRequest, RepositoryError, SortOrder,
};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, Iterable, Statement};

use crate::list::{List, Rows, SortBy, page};
use crate::restriction::Restriction;
use crate::row::audit::{Column, Entity, Model, model, read};
use crate::row::micros;
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

/// The table `audit_entries`.
pub(crate) struct AuditEntries {
    store: Arc<Store>,
}

impl AuditEntries {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl AuditRepository for AuditEntries {
    async fn audit_write(&self, entry: &AuditEntry) -> Result<(), RepositoryError> {
        self.store
            .writer
            .write(model(entry), |row, transaction| {
                Box::pin(insert(row, transaction))
            })
            .await
            .map_err(|error| error.during("writing the audit log"))
    }

    async fn audit_list(
        &self,
        filter: &AuditFilter,
        request: PageRequest,
    ) -> Result<Page<AuditEntry>, RepositoryError> {
        let parts = list(self.store.backend(), filter).parts();
        page(&self.store, &parts, request, "listing the audit log", read).await
    }

    async fn audit_prune(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, RepositoryError> {
        self.store
            .writer
            .write((micros(before), limit), |(before, limit), transaction| {
                Box::pin(prune(*before, *limit, transaction))
            })
            .await
            .map_err(|error| error.during("deleting old entries of the audit log"))
    }
}

fn list(backend: DbBackend, filter: &AuditFilter) -> List {
    let mut rows = Restriction::none(backend);
    for condition in filter.conditions() {
        match condition {
            AuditCondition::Id(choice) => rows.choice("id", choice),
            AuditCondition::Actor(text) => rows.text("actor", text),
            AuditCondition::TokenId(choice) => rows.choice("token_id", choice),
            AuditCondition::Action(text) => rows.text("action", text),
            AuditCondition::Resource(text) => rows.text("resource", text),
            AuditCondition::ResourceId(text) => rows.text("resource_id", text),
            AuditCondition::Status(bound) => rows.bound("status", bound),
            AuditCondition::At(bound) => rows.time("at", bound),
        }
    }
    List {
        table: "audit_entries",
        key: &["id"],
        restriction: rows,
        sort: SortBy::Key(SortOrder::Descending),
        rows: Rows::InOrder,
        rest_of: None,
    }
}

/// Writes the entry of a change in the change's own transaction.
pub(crate) async fn accompany(entry: &AuditEntry, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    insert(&model(entry), transaction).await
}

async fn insert(row: &Model, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    let replace = OnConflict::column(Column::Id)
        .update_columns(Column::iter().filter(|column| !matches!(column, Column::Id)))
        .to_owned();
    Entity::insert(row.clone().into_active_model())
        .on_conflict(replace)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

async fn prune(before: i64, limit: u32, transaction: &Transaction<'_>) -> Result<u64, WriteError> {
    let statement = Statement::from_sql_and_values(
        transaction.get_database_backend(),
        "DELETE FROM audit_entries WHERE id IN
            (SELECT id FROM audit_entries WHERE at < $1 ORDER BY at LIMIT $2)",
        [before.into(), i64::from(limit).into()],
    );
    Ok(transaction.execute_raw(statement).await?.rows_affected())
}
