use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryError, ScheduleStatistics};
use sea_orm::{ConnectionTrait, QueryResult, Statement};

use crate::failure::During;
use crate::reader::Reader;
use crate::row::micros;

const DURING: &str = "counting schedules";

/// Intervals are divided as floating-point numbers, since PostgreSQL's mean of whole ones is of a type of its own.
const SQL: &str = "SELECT COUNT(*),
        COUNT(CASE WHEN enabled THEN 1 END),
        COUNT(CASE WHEN enabled AND paused_at IS NULL AND next_run <= $1 THEN 1 END),
        MAX(last_run),
        MIN(CASE WHEN enabled AND paused_at IS NULL THEN next_run END),
        AVG(CASE WHEN run_count > 0 AND last_run > created_at
            THEN CAST(last_run - created_at AS DOUBLE PRECISION) / run_count END)
    FROM schedules";

/// See [`ratchet_interfaces::ScheduleRepository::schedule_statistics`].
pub(super) async fn of_all(
    reader: &Reader,
    now: DateTime<Utc>,
) -> Result<ScheduleStatistics, RepositoryError> {
    let statement = Statement::from_sql_and_values(reader.get_database_backend(), SQL, [micros(now).into()]);
    match reader.query_one_raw(statement).await.during(DURING)? {
        Some(row) => read(&row),
        None => Ok(ScheduleStatistics::default()),
    }
}

fn read(row: &QueryResult) -> Result<ScheduleStatistics, RepositoryError> {
    let count = |place| row.try_get_by_index::<i64>(place).during(DURING);
    // An instant that no clock can show is one of a row that cannot be read, and that tells of itself elsewhere.
    let instant = |place| {
        let micros = row.try_get_by_index::<Option<i64>>(place).during(DURING)?;
        Ok::<_, RepositoryError>(micros.and_then(DateTime::from_timestamp_micros))
    };
    let mean_micros: Option<f64> = row.try_get_by_index(5).during(DURING)?;
    Ok(ScheduleStatistics {
        total: count(0)?.unsigned_abs(),
        enabled: count(1)?.unsigned_abs(),
        ready: count(2)?.unsigned_abs(),
        last_run: instant(3)?,
        next_run: instant(4)?,
        mean_interval_seconds: mean_micros.map(|micros| micros / 1e6),
    })
}
