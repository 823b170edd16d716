//! How many jobs stand where, by the partial indexes of the unfinished ones alone: however many have ended, they are
//! not looked at.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{QueueDepths, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::claim::{OPEN, WAITING};
use super::release::UNFINISHED;
use crate::failure::During;
use crate::reader::Reader;
use crate::row::{awaited, micros};

pub(super) async fn depths(reader: &Reader, now: DateTime<Utc>) -> Result<QueueDepths, RepositoryError> {
    const DURING: &str = "counting the unfinished jobs";
    let statement = statement(reader.get_database_backend(), micros(now));
    let mut depths = QueueDepths::default();
    for row in reader.query_all_raw(statement).await.during(DURING)? {
        let count = |place: usize| row.try_get_by_index::<i64>(place).during(DURING).map(u64_of);
        let status: String = row.try_get_by_index(0).during(DURING)?;
        let (jobs, due) = (count(1)?, count(2)?);
        match &*status {
            "queued" => depths.queued += jobs,
            "retrying" => depths.retrying += jobs,
            "processing" => depths.processing += jobs,
            "blocked" => depths.blocked += jobs,
            _ => depths.buffered += jobs,
        }
        depths.due += due;
        let earliest: Option<i64> = row.try_get_by_index(3).during(DURING)?;
        let earliest = awaited(earliest.filter(|_| due > 0));
        depths.oldest_due = depths.oldest_due.into_iter().chain(earliest).min();
    }
    Ok(depths)
}

fn u64_of(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

fn statement(backend: DbBackend, now: i64) -> Statement {
    let waiting = |condition: &str| {
        format!(
            "SELECT status, COUNT(*), CAST(SUM(CASE WHEN run_after <= {now} THEN 1 ELSE 0 END) AS BIGINT), MIN(run_after)
             FROM jobs WHERE {condition} GROUP BY status"
        )
    };
    // SQLite takes a partial index only where its words are those of the index.
    let sql = format!(
        "{} UNION ALL {}
         UNION ALL SELECT 'processing', COUNT(*), 0, NULL FROM jobs WHERE status = 'processing'
         UNION ALL SELECT 'buffered', COUNT(*), 0, NULL FROM jobs WHERE {UNFINISHED} AND status = 'buffered'
         UNION ALL SELECT 'blocked', COUNT(*), 0, NULL FROM jobs WHERE status = 'blocked'",
        waiting(OPEN),
        waiting(&format!("{WAITING} AND gate IS NOT NULL")),
    );
    Statement::from_string(backend, sql)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn the_unfinished_jobs_are_counted_by_the_indexes_that_have_no_others() {
        assert_eq!(
            steps(statement(DbBackend::Sqlite, 0)).await,
            [
                "SCAN jobs USING COVERING INDEX jobs_waiting",
                "SEARCH jobs USING COVERING INDEX jobs_gated (gate>?)",
                "SCAN jobs USING COVERING INDEX jobs_processing",
                "SCAN jobs USING COVERING INDEX jobs_unfinished",
                "SCAN jobs USING COVERING INDEX jobs_blocked",
            ]
        );
    }
}
