use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ratchet_interfaces::{LeaseRepository, NodeId, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::row::text;
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

/// The table `leases`. A lease that was given up keeps its row, so that its term is never used again.
pub(crate) struct Leases {
    store: Arc<Store>,
}

struct Wish {
    name: String,
    holder: NodeId,
    ttl: Duration,
}

impl Leases {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl LeaseRepository for Leases {
    async fn lease_acquire(
        &self,
        name: &str,
        holder: NodeId,
        ttl: Duration,
    ) -> Result<Option<u64>, RepositoryError> {
        let wish = Wish {
            name: text(name),
            holder,
            ttl,
        };
        self.store
            .writer
            .write(wish, |wish, transaction| Box::pin(acquire(wish, transaction)))
            .await
            .map_err(|error| error.during("taking a lease"))
    }

    async fn lease_release(&self, name: &str, holder: NodeId) -> Result<bool, RepositoryError> {
        self.store
            .writer
            .write((text(name), holder), |(name, holder), transaction| {
                Box::pin(release(name, *holder, transaction))
            })
            .await
            .map_err(|error| error.during("giving up a lease"))
    }
}

/// 146,000 years, in microseconds: a longer lease is one for ever, and the end of this one can still be counted.
const FOR_EVER: i64 = i64::MAX / 2;

/// The database's own clock, in microseconds.
const fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
        _ => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
    }
}

async fn acquire(wish: &Wish, transaction: &Transaction<'_>) -> Result<Option<u64>, WriteError> {
    let backend = transaction.get_database_backend();
    let now = now(backend);
    let sql = format!(
        "INSERT INTO leases (name, holder, term, expires_at) VALUES ($1, $2, 1, {now} + $3)
         ON CONFLICT (name) DO UPDATE SET
             term = leases.term + CASE WHEN leases.holder = excluded.holder AND leases.expires_at > {now}
                                       THEN 0 ELSE 1 END,
             holder = excluded.holder,
             expires_at = excluded.expires_at
         WHERE leases.holder = excluded.holder OR leases.expires_at <= {now}
         RETURNING term"
    );
    let ttl = i64::try_from(wish.ttl.as_micros()).map_or(FOR_EVER, |ttl| ttl.min(FOR_EVER));
    let rows = transaction
        .query_all_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [
                wish.name.as_str().into(),
                wish.holder.as_uuid().into(),
                ttl.into(),
            ],
        ))
        .await?;
    let term: Option<i64> = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(term.map(i64::unsigned_abs))
}

async fn release(name: &str, holder: NodeId, transaction: &Transaction<'_>) -> Result<bool, WriteError> {
    let backend = transaction.get_database_backend();
    let sql = format!(
        "UPDATE leases SET expires_at = 0 WHERE name = $1 AND holder = $2 AND expires_at > {}",
        now(backend)
    );
    let outcome = transaction
        .execute_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [name.into(), holder.as_uuid().into()],
        ))
        .await?;
    Ok(outcome.rows_affected() == 1)
}
