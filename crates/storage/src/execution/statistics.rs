use chrono::{DateTime, Utc};
use ratchet_interfaces::{ExecutionStatistics, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::failure::During;
use crate::reader::Reader;
use crate::row::micros;

const DURING: &str = "counting executions";

/// One statement, so that the numbers are of one moment, and no row is read for it: all is in indexes.
const SQL: &str = "SELECT e.completed, e.failed, e.cancelled, e.duration, e.started + r.started, r.running,
        (SELECT COUNT(*) FROM jobs AS q WHERE q.status IN ('queued', 'retrying') AND q.gate IS NULL)
            + (SELECT COUNT(*) FROM jobs AS g WHERE g.status IN ('queued', 'retrying') AND g.gate IS NOT NULL)
    FROM
        (SELECT COUNT(CASE WHEN x.status = 'completed' THEN 1 END) AS completed,
                COUNT(CASE WHEN x.status = 'failed' THEN 1 END) AS failed,
                COUNT(CASE WHEN x.status = 'cancelled' THEN 1 END) AS cancelled,
                AVG(CAST(x.duration_us AS DOUBLE PRECISION)) AS duration,
                COUNT(CASE WHEN x.started_at >= $1 THEN 1 END) AS started
            FROM executions AS x) AS e,
        (SELECT COUNT(*) AS running, COUNT(CASE WHEN p.started_at >= $1 THEN 1 END) AS started
            FROM jobs AS p WHERE p.status = 'processing') AS r";

fn statement(backend: DbBackend, since: DateTime<Utc>) -> Statement {
    Statement::from_sql_and_values(backend, SQL, [micros(since).into()])
}

/// See [`ratchet_interfaces::ExecutionRepository::execution_statistics`].
pub(super) async fn of_all(
    reader: &Reader,
    since: DateTime<Utc>,
) -> Result<ExecutionStatistics, RepositoryError> {
    let statement = statement(reader.get_database_backend(), since);
    let Some(row) = reader.query_one_raw(statement).await.during(DURING)? else {
        return Ok(ExecutionStatistics::default());
    };
    let count = |place| {
        let count = row.try_get_by_index::<i64>(place).during(DURING)?;
        Ok::<_, RepositoryError>(count.unsigned_abs())
    };
    Ok(ExecutionStatistics {
        completed: count(0)?,
        failed: count(1)?,
        cancelled: count(2)?,
        mean_duration_micros: row.try_get_by_index(3).during(DURING)?,
        started_since: count(4)?,
        running: count(5)?,
        pending: count(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn executions_are_counted_by_an_index_alone() {
        let statement = statement(DbBackend::Sqlite, DateTime::UNIX_EPOCH);
        assert_eq!(
            steps_on("x", statement).await,
            ["SCAN x USING COVERING INDEX executions_ends"]
        );
    }
}
