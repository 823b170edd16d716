use ratchet_interfaces::{RepositoryError, ScheduleId, ScheduleTiming};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, FromQueryResult, QueryResult, Statement};
use uuid::Uuid;

use super::invalid;
use crate::failure::During;
use crate::row::policies::PolicyColumns;
use crate::row::{Reading, StoredId, Unreadable};
use crate::store::Store;

const DURING: &str = "reading the timings of schedules";

/// A schedule that follows another never has anything to wait for. A completed schedule has nothing to wait for until it is edited, which makes it active again; one that is paused has
/// nothing until it resumes.
fn select() -> String {
    format!(
        "SELECT id, timing_version, specification, timezone, {}, next_run, paused_at, resume_at, effective_from
         FROM schedules
         WHERE enabled AND follows_id IS NULL AND state <> 'completed' AND (paused_at IS NULL OR resume_at IS NOT NULL)",
        PolicyColumns::NAMES
    )
}

#[derive(FromQueryResult)]
struct Columns {
    id: Uuid,
    timing_version: i64,
    specification: String,
    timezone: String,
    #[sea_orm(nested)]
    policies: PolicyColumns,
    next_run: Option<i64>,
    paused_at: Option<i64>,
    resume_at: Option<i64>,
    effective_from: i64,
}

/// The timings after `after`, in the order of the ids.
///
/// A row that cannot be read is disabled, and the page is filled up from behind it: one damaged row must not keep
/// the engine from all others, and a page that is not full tells the caller that it is the last.
pub(super) async fn list(
    store: &Store,
    after: Option<ScheduleId>,
    limit: u32,
) -> Result<Vec<ScheduleTiming>, RepositoryError> {
    let limit = limit as usize;
    let mut timings = Vec::with_capacity(limit);
    let mut after = after.map(|id| StoredId::Uuid(id.as_uuid()));
    while timings.len() < limit {
        let wanted = limit - timings.len();
        let statement = page_statement(store.backend(), after.clone(), wanted);
        let rows = store.reader.query_all_raw(statement).await.during(DURING)?;
        for row in &rows {
            match read(row).during(DURING)? {
                Ok(timing) => timings.push(timing),
                Err(unreadable) => disable(store, row, unreadable).await,
            }
        }
        match rows.last() {
            Some(last) if rows.len() == wanted => after = Some(StoredId::of(last).during(DURING)?),
            _ => break,
        }
    }
    Ok(timings)
}

/// A row that cannot be read is disabled, and then answered as such.
pub(super) async fn find(store: &Store, id: ScheduleId) -> Result<Option<ScheduleTiming>, RepositoryError> {
    let statement = Statement::from_sql_and_values(
        store.backend(),
        format!("{} AND id = $1", select()),
        [id.as_uuid().into()],
    );
    let Some(row) = store.reader.query_one_raw(statement).await.during(DURING)? else {
        return Ok(None);
    };
    match read(&row).during(DURING)? {
        Ok(timing) => Ok(Some(timing)),
        Err(unreadable) => {
            disable(store, &row, unreadable).await;
            Ok(None)
        }
    }
}

fn page_statement(backend: DbBackend, after: Option<StoredId>, limit: usize) -> Statement {
    let (compare, id) = match after {
        Some(id) => (">", id),
        None => (">=", StoredId::first(backend)),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Statement::from_sql_and_values(
        backend,
        format!("{} AND id {compare} $1 ORDER BY id LIMIT $2", select()),
        [id.into(), limit.into()],
    )
}

fn read(row: &QueryResult) -> Result<Result<ScheduleTiming, Unreadable>, DbErr> {
    Unreadable::or_read(row, |columns: Columns| {
        let Columns {
            id,
            timing_version,
            specification,
            timezone,
            policies,
            next_run,
            paused_at,
            resume_at,
            effective_from,
        } = columns;
        let id = ScheduleId::from_uuid(id);
        let reading = Reading::of("schedule", &id);
        Ok(ScheduleTiming {
            id,
            timing_version: reading.number("timing_version", timing_version)?,
            specification,
            timezone,
            policies: policies.read(reading)?,
            next_run: reading.instant_or_none("next_run", next_run)?,
            resume_at: reading.instant_or_none("resume_at", paused_at.and(resume_at))?,
            effective_from: reading.instant("effective_from", effective_from)?,
        })
    })
}

/// The schedule does not fire either way, so that a database that takes no writes at this moment does not keep the
/// others from being read: the row is found again at the next start.
async fn disable(store: &Store, row: &QueryResult, unreadable: Unreadable) {
    let Unreadable { id, reason } = unreadable;
    tracing::error!(schedule.id = %id, reason, "a schedule is disabled: its row cannot be read");
    let disabled = match row.try_get("", "timing_version").during(DURING) {
        Ok(version) => invalid::invalidate(&store.writer, id.clone(), version, &reason).await,
        Err(error) => Err(error),
    };
    if let Err(error) = disabled {
        tracing::error!(
            schedule.id = %id,
            error = &error as &dyn std::error::Error,
            "a schedule whose row cannot be read could not be disabled: it does not fire until it is read again"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn a_page_of_timings_is_read_on_from_where_the_last_one_ended() {
        for after in [None, Some(StoredId::Uuid(Uuid::nil()))] {
            assert_eq!(
                steps(page_statement(DbBackend::Sqlite, after, 10)).await,
                ["SEARCH schedules USING INDEX sqlite_autoindex_schedules_1 (id>?)"]
            );
        }
    }
}
