mod list;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Delivery, DeliveryAttempt, DeliveryFilter, DeliveryId, DeliveryRepository, DeliverySort, JobId, Page,
    PageRequest, RepositoryError, SortOrder,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, Statement,
};

use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};
use crate::failure::During;
use crate::paging::page;
use crate::row::delivery::{Column, Entity, read};
use crate::row::{Unreadable, awaited, delivery_attempt, micros, text};
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

/// The tables `deliveries` and `delivery_attempts`.
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
        under_way: &[DeliveryId],
        full_lanes: &[String],
    ) -> Result<Vec<Delivery>, RepositoryError> {
        const DURING: &str = "looking for due deliveries";
        let excluded = Excluded {
            under_way,
            full_lanes,
        };
        loop {
            let statement = due_statement(self.store.backend(), now, limit, excluded);
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

    async fn delivery_next_attempt(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        const DURING: &str = "looking for the next delivery";
        let row = self
            .store
            .reader
            .query_one_raw(next_statement(self.store.backend(), now))
            .await
            .during(DURING)?;
        let next: Option<i64> = match row {
            Some(row) => row.try_get_by_index(0).during(DURING)?,
            None => None,
        };
        Ok(awaited(next))
    }

    async fn delivery_bring_forward(&self, now: DateTime<Utc>) -> Result<u64, RepositoryError> {
        self.store
            .writer
            .write(now, |now, transaction| Box::pin(bring_forward(*now, transaction)))
            .await
            .map_err(|error| error.during("bringing forward deliveries after the clock was set back"))
    }

    async fn delivery_settle_many(
        &self,
        settled: &[(Delivery, DeliveryAttempt)],
    ) -> Result<(), RepositoryError> {
        let backend = self.store.backend();
        let deliveries = Batch::all(backend, SETTLED, settled, |batch, (delivery, attempt)| {
            batch.push([
                Cell::Id(delivery.id.as_uuid()),
                Cell::Text(delivery.status.as_str()),
                Cell::Int(delivery.attempts.into()),
                Cell::Int(micros(attempt.started_at + attempt.duration)),
                Cell::Int(micros(delivery.next_attempt_at)),
                Cell::text(delivery.last_error.as_deref()),
                Cell::int(delivery.delivered_at.map(micros)),
            ]);
        });
        if deliveries.is_empty() {
            return Ok(());
        }
        let attempts = settled.iter().map(|(_, attempt)| attempt);
        let attempts = Batch::all(
            backend,
            delivery_attempt::COLUMNS,
            attempts,
            delivery_attempt::push,
        );
        self.store
            .writer
            .write((deliveries, attempts), |rows, transaction| {
                Box::pin(settle(rows, transaction))
            })
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

    async fn delivery_list(
        &self,
        filter: &DeliveryFilter,
        sort: DeliverySort,
        request: PageRequest,
    ) -> Result<Page<Delivery>, RepositoryError> {
        let parts = list::list(self.store.backend(), filter, sort).parts();
        crate::list::page(&self.store, &parts, request, "listing deliveries", read).await
    }

    async fn delivery_attempt_list(
        &self,
        id: DeliveryId,
        request: PageRequest,
    ) -> Result<Page<DeliveryAttempt>, RepositoryError> {
        page::<delivery_attempt::Entity, _>(
            &self.store.reader,
            Condition::all().add(delivery_attempt::Column::DeliveryId.eq(id.as_uuid())),
            &[(delivery_attempt::Column::StartedAt, SortOrder::Ascending)],
            request,
            "listing the attempts at a delivery",
            delivery_attempt::read,
        )
        .await
    }

    async fn delivery_retry(&self, id: DeliveryId, now: DateTime<Utc>) -> Result<bool, RepositoryError> {
        self.store
            .writer
            .write((id, now), |(id, now), transaction| {
                Box::pin(retry(*id, *now, transaction))
            })
            .await
            .map_err(|error| error.during("retrying a delivery"))
    }
}

/// What a settled delivery changes.
const SETTLED: &[BatchColumn] = &[
    ("id", Kind::Id),
    ("status", Kind::Text),
    ("attempts", Kind::Int),
    ("waits_since", Kind::Int),
    ("next_attempt_at", Kind::Int),
    ("last_error", Kind::Text),
    ("delivered_at", Kind::Int),
];

/// What is due, but not wanted now.
#[derive(Clone, Copy)]
struct Excluded<'a> {
    under_way: &'a [DeliveryId],
    full_lanes: &'a [String],
}

/// A row of these is either a delivery or a lane.
const EXCLUDED: &[BatchColumn] = &[("id", Kind::Id), ("lane", Kind::Text)];

impl Excluded<'_> {
    /// The rows and the condition that keeps them out. A database need not unpack what is empty.
    fn rows(self, backend: DbBackend) -> Option<Batch> {
        let mut rows = Batch::new(backend, EXCLUDED);
        for id in self.under_way {
            rows.push([Cell::Id(id.as_uuid()), Cell::Null]);
        }
        for lane in self.full_lanes {
            rows.push([Cell::Null, Cell::Text(lane)]);
        }
        (rows.rows() > 0).then_some(rows)
    }
}

/// The status stands in the text, as it does in the partial index: for a parameter SQLite would not see that the
/// index holds every row that is asked for.
fn due_statement(backend: DbBackend, now: DateTime<Utc>, limit: u32, excluded: Excluded<'_>) -> Statement {
    let values = [micros(now).into(), i64::from(limit).into()];
    match excluded.rows(backend) {
        None => Statement::from_sql_and_values(
            backend,
            "SELECT * FROM deliveries WHERE status = 'pending' AND next_attempt_at <= $1
             ORDER BY next_attempt_at, id LIMIT $2",
            values,
        ),
        Some(rows) => rows.statement(
            "SELECT * FROM deliveries WHERE status = 'pending' AND next_attempt_at <= $2
             AND id NOT IN (SELECT b.id FROM {batch} AS b WHERE b.id IS NOT NULL)
             AND lane NOT IN (SELECT b.lane FROM {batch} AS b WHERE b.lane IS NOT NULL)
             ORDER BY next_attempt_at, id LIMIT $3",
            values,
        ),
    }
}

fn next_statement(backend: DbBackend, now: DateTime<Utc>) -> Statement {
    Statement::from_sql_and_values(
        backend,
        "SELECT MIN(next_attempt_at) FROM deliveries WHERE status = 'pending' AND next_attempt_at > $1",
        [micros(now).into()],
    )
}

async fn bring_forward(now: DateTime<Utc>, transaction: &Transaction<'_>) -> Result<u64, WriteError> {
    let statement = bring_forward_statement(transaction.get_database_backend(), now);
    Ok(transaction.execute_raw(statement).await?.rows_affected())
}

fn bring_forward_statement(backend: DbBackend, now: DateTime<Utc>) -> Statement {
    Statement::from_sql_and_values(
        backend,
        "UPDATE deliveries SET
            next_attempt_at = CASE WHEN attempts = 0 THEN $1 ELSE next_attempt_at - waits_since + $1 END,
            waits_since = $1
         WHERE status = 'pending' AND next_attempt_at > $1 AND waits_since > $1",
        [micros(now).into()],
    )
}

async fn retry(
    id: DeliveryId,
    now: DateTime<Utc>,
    transaction: &Transaction<'_>,
) -> Result<bool, WriteError> {
    let statement = Statement::from_sql_and_values(
        transaction.get_database_backend(),
        "UPDATE deliveries SET status = 'pending', attempts = 0, waits_since = $2, next_attempt_at = $2
         WHERE id = $1 AND status = 'failed'",
        [id.as_uuid().into(), micros(now).into()],
    );
    Ok(transaction.execute_raw(statement).await?.rows_affected() > 0)
}

/// Says how many there were.
async fn fail(rows: &[Unreadable], transaction: &Transaction<'_>) -> Result<u64, WriteError> {
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

/// A delivery that was deleted with its job meanwhile has nothing to settle. The others' rows are locked by the update,
/// so that none is deleted before its attempt is written.
async fn settle(
    (deliveries, attempts): &(Vec<Batch>, Vec<Batch>),
    transaction: &Transaction<'_>,
) -> Result<(), WriteError> {
    const SETTLE: &str = "UPDATE deliveries AS d SET
            status = b.status, attempts = b.attempts, waits_since = b.waits_since,
            next_attempt_at = b.next_attempt_at, last_error = b.last_error, delivered_at = b.delivered_at
        FROM {batch} AS b WHERE d.id = b.id";
    const REMEMBER: &str = "INSERT INTO delivery_attempts
            (delivery_id, started_at, attempt, duration_us, detail, error)
        SELECT b.delivery_id, b.started_at, b.attempt, b.duration_us, b.detail, b.error
        FROM {batch} AS b WHERE EXISTS (SELECT 1 FROM deliveries AS d WHERE d.id = b.delivery_id)
        ON CONFLICT (delivery_id, started_at) DO NOTHING";
    for batch in deliveries {
        transaction.execute_raw(batch.statement(SETTLE, [])).await?;
    }
    for batch in attempts {
        transaction.execute_raw(batch.statement(REMEMBER, [])).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::{steps, steps_on};

    #[tokio::test]
    async fn the_outbox_is_read_from_the_head_of_its_index() {
        const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
        let (ids, lanes) = ([DeliveryId::new()], ["stdout".to_owned()]);
        let nothing = Excluded {
            under_way: &[],
            full_lanes: &[],
        };
        let much = Excluded {
            under_way: &ids,
            full_lanes: &lanes,
        };
        for excluded in [nothing, much] {
            let due = due_statement(DbBackend::Sqlite, NOW, 10, excluded);
            assert_eq!(
                steps_on("deliveries", due).await,
                ["SEARCH deliveries USING INDEX deliveries_pending (next_attempt_at<?)"]
            );
        }
        assert_eq!(
            steps(bring_forward_statement(DbBackend::Sqlite, NOW)).await,
            ["SEARCH deliveries USING INDEX deliveries_pending (next_attempt_at>?)"]
        );
        assert_eq!(
            steps(next_statement(DbBackend::Sqlite, NOW)).await,
            ["SEARCH deliveries USING COVERING INDEX deliveries_pending (next_attempt_at>?)"]
        );
    }
}
