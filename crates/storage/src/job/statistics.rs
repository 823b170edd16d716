use chrono::{DateTime, Utc};
use ratchet_interfaces::{JobStatistics, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::failure::During;
use crate::reader::Reader;
use crate::row::micros;

const DURING: &str = "counting jobs";

/// One statement, so that the numbers are of one moment. Each part is told by an index that holds all of it; rows are
/// read of the sample alone.
fn statement(backend: DbBackend, since: DateTime<Utc>) -> Statement {
    let sql = format!(
        "SELECT
            (SELECT COUNT(*) FROM jobs),
            w.queued + g.queued,
            w.retrying + g.retrying,
            (SELECT COUNT(*) FROM jobs AS p WHERE p.status = 'processing'),
            e.completed, e.failed, e.cancelled,
            (SELECT COUNT(*) FROM jobs AS n WHERE n.queued_at >= $1),
            (SELECT AVG(CAST(s.started_at - CASE WHEN s.run_after > s.queued_at THEN s.run_after ELSE s.queued_at END
                    AS DOUBLE PRECISION))
                FROM (SELECT l.started_at, l.queued_at, l.run_after, l.attempts FROM jobs AS l
                      WHERE l.completed_at IS NOT NULL ORDER BY l.completed_at DESC LIMIT {sample}) AS s
                WHERE s.attempts = 1 AND s.started_at IS NOT NULL)
        FROM
            (SELECT COUNT(CASE WHEN q.status = 'queued' THEN 1 END) AS queued,
                    COUNT(CASE WHEN q.status = 'retrying' THEN 1 END) AS retrying
                FROM jobs AS q WHERE q.status IN ('queued', 'retrying') AND q.gate IS NULL) AS w,
            (SELECT COUNT(CASE WHEN h.status = 'queued' THEN 1 END) AS queued,
                    COUNT(CASE WHEN h.status = 'retrying' THEN 1 END) AS retrying
                FROM jobs AS h WHERE h.status IN ('queued', 'retrying') AND h.gate IS NOT NULL) AS g,
            (SELECT COUNT(CASE WHEN f.status = 'completed' THEN 1 END) AS completed,
                    COUNT(CASE WHEN f.status = 'failed' THEN 1 END) AS failed,
                    COUNT(CASE WHEN f.status = 'cancelled' THEN 1 END) AS cancelled
                FROM jobs AS f WHERE f.completed_at IS NOT NULL) AS e",
        sample = JobStatistics::SAMPLE,
    );
    Statement::from_sql_and_values(backend, sql, [micros(since).into()])
}

/// See [`ratchet_interfaces::JobRepository::job_statistics`].
pub(super) async fn of_all(reader: &Reader, since: DateTime<Utc>) -> Result<JobStatistics, RepositoryError> {
    let statement = statement(reader.get_database_backend(), since);
    let Some(row) = reader.query_one_raw(statement).await.during(DURING)? else {
        return Ok(JobStatistics::default());
    };
    let count = |place| {
        let count = row.try_get_by_index::<i64>(place).during(DURING)?;
        Ok::<_, RepositoryError>(count.unsigned_abs())
    };
    Ok(JobStatistics {
        total: count(0)?,
        queued: count(1)?,
        retrying: count(2)?,
        processing: count(3)?,
        completed: count(4)?,
        failed: count(5)?,
        cancelled: count(6)?,
        created_since: count(7)?,
        mean_wait_micros: row.try_get_by_index(8).during(DURING)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn jobs_are_counted_by_indexes_alone() {
        for (table, index) in [
            ("q", "jobs_waiting"),
            ("h", "jobs_gated"),
            ("p", "jobs_processing"),
            ("f", "jobs_ended"),
            ("n", "jobs_queued_at"),
        ] {
            let steps = steps_on(table, statement(DbBackend::Sqlite, DateTime::UNIX_EPOCH)).await;
            assert_eq!(steps.len(), 1, "{table}: {steps:?}");
            assert!(
                steps[0].contains("COVERING INDEX") && steps[0].contains(index),
                "{table}: {steps:?}"
            );
        }
    }
}
