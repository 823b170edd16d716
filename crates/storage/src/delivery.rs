use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{Delivery, DeliveryId, DeliveryRepository, DeliveryStatus, JobId, RepositoryError};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};

use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};
use crate::failure::During;
use crate::row::delivery::{Column, Entity, read};
use crate::row::{Reading, micros};
use crate::store::Store;
use crate::writer::WriteError;

/// The table `deliveries`.
pub(crate) struct Deliveries {
    store: Arc<Store>,
}

impl Deliveries {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl DeliveryRepository for Deliveries {
    async fn delivery_list_due(
        &self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Delivery>, RepositoryError> {
        // The status stands in the text, as it does in the partial index: for a parameter SQLite would not see that
        // the index holds every row that is asked for.
        Entity::find()
            .filter(pending())
            .filter(Column::NextAttemptAt.lte(micros(now)))
            .order_by_asc(Column::NextAttemptAt)
            .order_by_asc(Column::Id)
            .limit(u64::from(limit))
            .all(&self.store.reader)
            .await
            .during("looking for due deliveries")?
            .into_iter()
            .map(read)
            .collect()
    }

    async fn delivery_next_attempt(&self) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        const DURING: &str = "looking for the next delivery";
        let row = self
            .store
            .reader
            .query_one_raw(Statement::from_string(
                self.store.backend(),
                "SELECT MIN(next_attempt_at) FROM deliveries WHERE status = 'pending'",
            ))
            .await
            .during(DURING)?;
        let next: Option<i64> = match row {
            Some(row) => row.try_get_by_index(0).during(DURING)?,
            None => None,
        };
        Reading::of("delivery", &"that is next").instant_or_none("next_attempt_at", next)
    }

    async fn delivery_settle_many(&self, deliveries: &[Delivery]) -> Result<(), RepositoryError> {
        let rows = Batch::all(self.store.backend(), SETTLED, deliveries, |batch, delivery| {
            batch.push([
                Cell::Id(delivery.id.as_uuid()),
                Cell::Text(delivery.status.as_str()),
                Cell::Int(delivery.attempts.into()),
                Cell::Int(micros(delivery.next_attempt_at)),
                Cell::text(delivery.last_error.as_deref()),
                Cell::int(delivery.delivered_at.map(micros)),
            ]);
        });
        if rows.is_empty() {
            return Ok(());
        }
        self.store
            .writer
            .write(rows, |rows, transaction| Box::pin(settle(rows, transaction)))
            .await
            .map_err(|error| error.during("settling deliveries"))
    }

    async fn delivery_find(&self, id: DeliveryId) -> Result<Option<Delivery>, RepositoryError> {
        Entity::find_by_id(id.as_uuid())
            .one(&self.store.reader)
            .await
            .during("looking for a delivery")?
            .map(read)
            .transpose()
    }

    async fn delivery_list_of_job(&self, job_id: JobId) -> Result<Vec<Delivery>, RepositoryError> {
        Entity::find()
            .filter(Column::JobId.eq(job_id.as_uuid()))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(&self.store.reader)
            .await
            .during("listing the deliveries of a job")?
            .into_iter()
            .map(read)
            .collect()
    }
}

/// What a settled delivery changes.
const SETTLED: &[BatchColumn] = &[
    ("id", Kind::Id),
    ("status", Kind::Text),
    ("attempts", Kind::Int),
    ("next_attempt_at", Kind::Int),
    ("last_error", Kind::Text),
    ("delivered_at", Kind::Int),
];

fn pending() -> sea_orm::sea_query::SimpleExpr {
    sea_orm::sea_query::Expr::cust(format!("status = '{}'", DeliveryStatus::Pending))
}

/// A delivery that was deleted with its job meanwhile has nothing to settle.
async fn settle(rows: &[Batch], transaction: &DatabaseTransaction) -> Result<(), WriteError> {
    const SQL: &str = "UPDATE deliveries AS d SET
            status = b.status, attempts = b.attempts, next_attempt_at = b.next_attempt_at,
            last_error = b.last_error, delivered_at = b.delivered_at
        FROM {batch} AS b WHERE d.id = b.id";
    for batch in rows {
        transaction.execute_raw(batch.statement(SQL, [])).await?;
    }
    Ok(())
}
