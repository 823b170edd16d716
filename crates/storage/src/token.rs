use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Page, PageRequest, RepositoryError, SortOrder, Token, TokenCondition, TokenFilter, TokenId,
    TokenRepository,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, QueryFilter, Statement,
};

use crate::failure::{During, Violation, violation};
use crate::list::{List, Rows, SortBy, page};
use crate::restriction::Restriction;
use crate::row::token::{Column, Entity, Model, model, read};
use crate::row::{found, micros, text};
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

/// The table `tokens`.
pub(crate) struct Tokens {
    store: Arc<Store>,
}

impl Tokens {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Runs a statement about one token at one instant; says whether it changed it.
    async fn mark(
        &self,
        sql: &'static str,
        id: TokenId,
        at: DateTime<Utc>,
        during: &'static str,
    ) -> Result<bool, RepositoryError> {
        self.store
            .writer
            .write((sql, id, micros(at)), |(sql, id, at), transaction| {
                Box::pin(mark(sql, *id, *at, transaction))
            })
            .await
            .map_err(|error| error.during(during))
    }
}

#[async_trait]
impl TokenRepository for Tokens {
    async fn token_create(&self, token: &Token) -> Result<(), RepositoryError> {
        let written = self
            .store
            .writer
            .write(model(token), |row, transaction| {
                Box::pin(insert(row, transaction))
            })
            .await;
        match written {
            Ok(()) => Ok(()),
            Err(WriteError::Database(error)) if violation(&error) == Some(Violation::Unique) => {
                Err(RepositoryError::AlreadyExists {
                    what: "token",
                    field: "name",
                    value: token.name.clone(),
                })
            }
            Err(error) => Err(error.during("storing a token")),
        }
    }

    async fn token_find(&self, id: TokenId) -> Result<Option<Token>, RepositoryError> {
        let rows = Entity::find_by_id(id.as_uuid());
        found::one(&self.store.reader, rows, "looking for a token", read).await
    }

    async fn token_find_by_name(&self, name: &str) -> Result<Option<Token>, RepositoryError> {
        let rows = Entity::find()
            .filter(Column::Name.eq(text(name)))
            .filter(Column::RevokedAt.is_null());
        found::one(&self.store.reader, rows, "looking for a token", read).await
    }

    async fn token_exists(&self) -> Result<bool, RepositoryError> {
        let statement = Statement::from_string(
            self.store.backend(),
            "SELECT 1 FROM tokens WHERE revoked_at IS NULL LIMIT 1",
        );
        let found = self.store.reader.query_one_raw(statement).await;
        Ok(found.during("asking whether there are tokens")?.is_some())
    }

    async fn token_list(
        &self,
        filter: &TokenFilter,
        request: PageRequest,
    ) -> Result<Page<Token>, RepositoryError> {
        let parts = list(self.store.backend(), filter).parts();
        page(&self.store, &parts, request, "listing tokens", read).await
    }

    async fn token_revoke(&self, id: TokenId, at: DateTime<Utc>) -> Result<bool, RepositoryError> {
        const REVOKE: &str = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
        self.mark(REVOKE, id, at, "revoking a token").await
    }

    async fn token_touch(&self, id: TokenId, at: DateTime<Utc>) -> Result<(), RepositoryError> {
        const TOUCH: &str = "UPDATE tokens SET last_used_at = $2
            WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
        self.mark(TOUCH, id, at, "noting the use of a token")
            .await
            .map(drop)
    }
}

fn list(backend: DbBackend, filter: &TokenFilter) -> List {
    let mut rows = Restriction::none(backend);
    for condition in filter.conditions() {
        match condition {
            TokenCondition::Id(choice) => rows.choice("id", choice),
            TokenCondition::Name(text) => rows.text("name", text),
            TokenCondition::Scope(choice) => rows.choice("scope", choice),
            TokenCondition::Revoked(revoked) => rows.flag("(revoked_at IS NOT NULL)", *revoked),
            TokenCondition::CreatedAt(bound) => rows.time("created_at", bound),
        }
    }
    List {
        table: "tokens",
        key: &["id"],
        restriction: rows,
        sort: SortBy::Key(SortOrder::Descending),
        rows: Rows::InOrder,
        rest_of: None,
    }
}

async fn insert(row: &Model, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    Entity::insert(row.clone().into_active_model())
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

async fn mark(sql: &str, id: TokenId, at: i64, transaction: &Transaction<'_>) -> Result<bool, WriteError> {
    let statement = Statement::from_sql_and_values(
        transaction.get_database_backend(),
        sql,
        [id.as_uuid().into(), at.into()],
    );
    Ok(transaction.execute_raw(statement).await?.rows_affected() == 1)
}
