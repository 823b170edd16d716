use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryError, ScheduleId};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::micros;
use crate::writer::{Transaction, WriteError, Writer};

const SCHEDULE: &[Column] = &[("schedule_id", Kind::Id)];

struct Pruning {
    schedules: Vec<Batch>,
    before: DateTime<Utc>,
    limit: u32,
}

pub(super) async fn prune(
    writer: &Writer,
    schedules: &[ScheduleId],
    before: DateTime<Utc>,
    limit: u32,
) -> Result<u64, RepositoryError> {
    let pruning = Pruning {
        schedules: Batch::all(writer.backend(), SCHEDULE, schedules, |batch, id| {
            batch.push([Cell::Id(id.as_uuid())]);
        }),
        before,
        limit,
    };
    writer
        .write(pruning, |pruning, transaction| {
            Box::pin(delete(pruning, transaction))
        })
        .await
        .map_err(|error| error.during("pruning the ledger"))
}

async fn delete(pruning: &Pruning, transaction: &Transaction<'_>) -> Result<u64, WriteError> {
    let limit = u64::from(pruning.limit);
    let mut deleted = 0;
    for batch in &pruning.schedules {
        if deleted == limit {
            break;
        }
        let statement = delete_statement(batch, pruning.before, limit - deleted);
        deleted += transaction.execute_raw(statement).await?.rows_affected();
    }
    Ok(deleted)
}

/// One schedule after the other, the oldest rows of each first, and no further than the limit: a ledger with millions of
/// old rows costs a call no more than another. SQLite takes the tables of a CROSS JOIN in the order in which they are
/// written, and a table without row ids in the order of its key.
fn delete_statement(batch: &Batch, before: DateTime<Utc>, limit: u64) -> Statement {
    const OLD: &str = "t.schedule_id = b.schedule_id AND t.scheduled_for < $2 AND t.through < $2";
    let picked = match batch.backend() {
        DbBackend::Postgres => format!(
            "SELECT o.schedule_id, o.scheduled_for, o.request FROM {{batch}} AS b CROSS JOIN LATERAL (
                 SELECT t.schedule_id, t.scheduled_for, t.request FROM ticks AS t WHERE {OLD}
                 ORDER BY t.scheduled_for, t.request LIMIT $3
             ) AS o LIMIT $3"
        ),
        _ => format!(
            "SELECT t.schedule_id, t.scheduled_for, t.request FROM {{batch}} AS b CROSS JOIN ticks AS t
             WHERE {OLD} LIMIT $3"
        ),
    };
    batch.statement(
        &format!("DELETE FROM ticks WHERE (schedule_id, scheduled_for, request) IN ({picked})"),
        [
            micros(before).into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn old_rows_are_found_by_the_beginning_of_their_key() {
        let mut schedules = Batch::new(DbBackend::Sqlite, SCHEDULE);
        schedules.push([Cell::Null]);
        let statement = delete_statement(&schedules, DateTime::UNIX_EPOCH, 10);
        assert_eq!(
            steps_on("t", statement.clone()).await,
            ["SEARCH t USING PRIMARY KEY (schedule_id=? AND scheduled_for<?)"]
        );
        assert_eq!(
            steps_on("ticks", statement).await,
            ["SEARCH ticks USING PRIMARY KEY (schedule_id=? AND scheduled_for=? AND request=?)"]
        );
    }
}
