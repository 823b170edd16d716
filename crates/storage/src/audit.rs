use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    AuditEntry, AuditFilter, AuditRepository, Page, PageRequest, RepositoryError, SortOrder,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, Statement,
};

use crate::paging::page;
use crate::row::audit::{Column, Entity, Model, model, read};
use crate::row::{micros, text};
use crate::store::Store;
use crate::writer::WriteError;

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
        let AuditFilter {
            actor,
            token_id,
            action,
            resource,
            resource_id,
            status,
            from,
            before,
        } = filter;
        let is = |column: Column, wanted: &Option<String>| wanted.as_deref().map(|it| column.eq(text(it)));
        let condition = Condition::all()
            .add_option(is(Column::Actor, actor))
            .add_option(token_id.map(|id| Column::TokenId.eq(id.as_uuid())))
            .add_option(is(Column::Action, action))
            .add_option(is(Column::Resource, resource))
            .add_option(is(Column::ResourceId, resource_id))
            .add_option(status.map(|status| Column::Status.eq(i64::from(status))))
            .add_option(from.map(|from| Column::At.gte(micros(from))))
            .add_option(before.map(|before| Column::At.lt(micros(before))));
        let keys = [(Column::Id, SortOrder::Descending)];
        let reader = &self.store.reader;
        page::<Entity, _>(reader, condition, &keys, request, "listing the audit log", read).await
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

async fn insert(row: &Model, transaction: &DatabaseTransaction) -> Result<(), WriteError> {
    Entity::insert(row.clone().into_active_model())
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

async fn prune(before: i64, limit: u32, transaction: &DatabaseTransaction) -> Result<u64, WriteError> {
    let statement = Statement::from_sql_and_values(
        transaction.get_database_backend(),
        "DELETE FROM audit_entries WHERE id IN
            (SELECT id FROM audit_entries WHERE at < $1 ORDER BY at LIMIT $2)",
        [before.into(), i64::from(limit).into()],
    );
    Ok(transaction.execute_raw(statement).await?.rows_affected())
}
