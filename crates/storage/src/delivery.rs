use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{Delivery, DeliveryId, DeliveryRepository, JobId, RepositoryError};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QueryOrder,
    Statement,
};

use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};
use crate::failure::During;
use crate::row::delivery::{Column, Entity, read};
use crate::row::{Unreadable, awaited, micros, text};
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
        const DURING: &str = "looking for due deliveries";
        loop {
            let statement = due_statement(self.store.backend(), now, limit);
            let rows = self.store.reader.query_all_raw(statement).await.during(DURING)?;
            let mut due = Vec::with_capacity(rows.len());
            let mut unreadable = Vec::new();
            for row in &rows {
                match Unreadable::or_read(row, read).during(DURING)? {
                    Ok(delivery) => due.push(delivery),
                    Err(row) => unreadable.push(row),
                }
            }
            if unreadable.is_empty() {
                return Ok(due);
            }
            // What stood behind the failed rows comes into their place.
            let failed = self
                .store
                .writer
                .write(unreadable, |rows, transaction| Box::pin(fail(rows, transaction)))
                .await
                .map_err(|error| error.during("failing deliveries that cannot be read"))?;
            if failed == 0 {
                return Ok(due);
            }
        }
    }

    async fn delivery_next_attempt(&self) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        const DURING: &str = "looking for the next delivery";
        let row = self
            .store
            .reader
            .query_one_raw(Statement::from_string(self.store.backend(), NEXT))
            .await
            .during(DURING)?;
        let next: Option<i64> = match row {
            Some(row) => row.try_get_by_index(0).during(DURING)?,
            None => None,
        };
        Ok(awaited(next))
    }

    async fn delivery_bring_forward(
        &self,
        now: DateTime<Utc>,
        latest_retry: DateTime<Utc>,
    ) -> Result<u64, RepositoryError> {
        self.store
            .writer
            .write((now, latest_retry), |instants, transaction| {
                Box::pin(bring_forward(*instants, transaction))
            })
            .await
            .map_err(|error| error.during("bringing forward deliveries after the clock was set back"))
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

const NEXT: &str = "SELECT MIN(next_attempt_at) FROM deliveries WHERE status = 'pending'";

/// The status stands in the text, as it does in the partial index: for a parameter SQLite would not see that the
/// index holds every row that is asked for.
fn due_statement(backend: DbBackend, now: DateTime<Utc>, limit: u32) -> Statement {
    Statement::from_sql_and_values(
        backend,
        "SELECT * FROM deliveries WHERE status = 'pending' AND next_attempt_at <= $1
         ORDER BY next_attempt_at, id LIMIT $2",
        [micros(now).into(), i64::from(limit).into()],
    )
}

async fn bring_forward(
    (now, latest_retry): (DateTime<Utc>, DateTime<Utc>),
    transaction: &DatabaseTransaction,
) -> Result<u64, WriteError> {
    let statement = bring_forward_statement(transaction.get_database_backend(), now, latest_retry);
    Ok(transaction.execute_raw(statement).await?.rows_affected())
}

fn bring_forward_statement(backend: DbBackend, now: DateTime<Utc>, latest_retry: DateTime<Utc>) -> Statement {
    Statement::from_sql_and_values(
        backend,
        "UPDATE deliveries SET next_attempt_at = CASE WHEN attempts = 0 THEN $1 ELSE $2 END
         WHERE status = 'pending' AND next_attempt_at > $1 AND (attempts = 0 OR next_attempt_at > $2)",
        [micros(now).into(), micros(latest_retry).into()],
    )
}

/// Says how many there were.
async fn fail(rows: &[Unreadable], transaction: &DatabaseTransaction) -> Result<u64, WriteError> {
    let mut failed = 0;
    for Unreadable { id, reason } in rows {
        tracing::error!(delivery.id = %id, reason, "a delivery has failed: its row cannot be read");
        let outcome = transaction
            .execute_raw(Statement::from_sql_and_values(
                transaction.get_database_backend(),
                "UPDATE deliveries SET status = 'failed', last_error = $2 WHERE id = $1 AND status = 'pending'",
                [id.clone().into(), text(reason).into()],
            ))
            .await?;
        failed += outcome.rows_affected();
    }
    Ok(failed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn the_outbox_is_read_from_the_head_of_its_index() {
        let due = due_statement(DbBackend::Sqlite, DateTime::UNIX_EPOCH, 10);
        assert_eq!(
            steps(due).await,
            ["SEARCH deliveries USING INDEX deliveries_pending (next_attempt_at<?)"]
        );
        let later = bring_forward_statement(DbBackend::Sqlite, DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
        assert_eq!(
            steps(later).await,
            ["SEARCH deliveries USING INDEX deliveries_pending (next_attempt_at>?)"]
        );
        let next = Statement::from_string(DbBackend::Sqlite, NEXT);
        assert_eq!(
            steps(next).await,
            ["SEARCH deliveries USING COVERING INDEX deliveries_pending"]
        );
    }
}
