//! The ledger of one schedule: what it has of an instant, and its rows in the order of time.
//!
//! A row is found by its key, or, where it stands for a range that began before, through the partial index
//! `ticks_ranges`.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryError, ScheduleId, Tick};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

use crate::failure::During;
use crate::reader::Reader;
use crate::row::micros;
use crate::row::tick::{Model, read};

/// The plus keeps SQLite from going through all that the ledger has of before, instead of the ranges.
const RANGES: &str = "SELECT * FROM ticks WHERE schedule_id = $1
    AND through > scheduled_for AND through >= $2 AND +scheduled_for < $2";

pub(super) async fn find(
    reader: &Reader,
    id: ScheduleId,
    instant: DateTime<Utc>,
) -> Result<Vec<Tick>, RepositoryError> {
    let backend = reader.get_database_backend();
    rows(reader, find_statement(backend, id, instant)).await
}

pub(super) async fn scan(
    reader: &Reader,
    id: ScheduleId,
    from: DateTime<Utc>,
    after: Option<(DateTime<Utc>, u32)>,
    limit: u32,
) -> Result<Vec<Tick>, RepositoryError> {
    let backend = reader.get_database_backend();
    let mut ticks = Vec::new();
    // The ranges that began before `from` come first, so that a page behind that need not look for them.
    if after.is_none_or(|(last, _)| last < from) {
        ticks = rows(reader, ranges_statement(backend, id, from, after, limit)).await?;
    }
    let left = limit - ticks.len() as u32;
    if left > 0 {
        let after = after.filter(|(last, _)| *last >= from);
        ticks.extend(rows(reader, page_statement(backend, id, from, after, left)).await?);
    }
    Ok(ticks)
}

fn find_statement(backend: DbBackend, id: ScheduleId, instant: DateTime<Utc>) -> Statement {
    Statement::from_sql_and_values(
        backend,
        format!(
            "SELECT * FROM ticks WHERE schedule_id = $1 AND scheduled_for = $2
             UNION ALL {RANGES} ORDER BY scheduled_for, request"
        ),
        [id.as_uuid().into(), micros(instant).into()],
    )
}

fn ranges_statement(
    backend: DbBackend,
    id: ScheduleId,
    from: DateTime<Utc>,
    after: Option<(DateTime<Utc>, u32)>,
    limit: u32,
) -> Statement {
    let (last, request) = key(after);
    Statement::from_sql_and_values(
        backend,
        format!(
            "{RANGES} AND (+scheduled_for, request) > ($3, $4) ORDER BY +scheduled_for, request LIMIT $5"
        ),
        [
            id.as_uuid().into(),
            micros(from).into(),
            last.into(),
            request.into(),
            i64::from(limit).into(),
        ],
    )
}

fn page_statement(
    backend: DbBackend,
    id: ScheduleId,
    from: DateTime<Utc>,
    after: Option<(DateTime<Utc>, u32)>,
    limit: u32,
) -> Statement {
    // No row is before request 0, and so all of those at `from` are behind this key.
    let (last, request) = match after {
        Some(_) => key(after),
        None => (micros(from), -1),
    };
    Statement::from_sql_and_values(
        backend,
        "SELECT * FROM ticks WHERE schedule_id = $1 AND (scheduled_for, request) > ($2, $3)
         ORDER BY scheduled_for, request LIMIT $4",
        [
            id.as_uuid().into(),
            last.into(),
            request.into(),
            i64::from(limit).into(),
        ],
    )
}

fn key(after: Option<(DateTime<Utc>, u32)>) -> (i64, i64) {
    after.map_or((i64::MIN, -1), |(last, request)| (micros(last), request.into()))
}

async fn rows(reader: &Reader, statement: Statement) -> Result<Vec<Tick>, RepositoryError> {
    const DURING: &str = "reading the ledger of a schedule";
    reader
        .query_all_raw(statement)
        .await
        .during(DURING)?
        .iter()
        .map(|row| read(Model::from_query_result(row, "").during(DURING)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn the_ledger_of_a_schedule_is_read_from_where_it_is_asked_for() {
        let (id, from) = (ScheduleId::new(), DateTime::UNIX_EPOCH);
        let ranges = "SEARCH ticks USING INDEX ticks_ranges (schedule_id=? AND through>?)";
        assert_eq!(
            steps_on("ticks", find_statement(DbBackend::Sqlite, id, from)).await,
            [
                "SEARCH ticks USING PRIMARY KEY (schedule_id=? AND scheduled_for=?)",
                ranges
            ]
        );
        let after = Some((from, 1));
        for after in [None, after] {
            assert_eq!(
                steps_on("ticks", ranges_statement(DbBackend::Sqlite, id, from, after, 10)).await,
                [ranges]
            );
            assert_eq!(
                steps_on("ticks", page_statement(DbBackend::Sqlite, id, from, after, 10)).await,
                ["SEARCH ticks USING PRIMARY KEY (schedule_id=? AND (scheduled_for,request)>(?,?))"]
            );
        }
    }
}
