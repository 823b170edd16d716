use ratchet_interfaces::{RepositoryError, ScheduleId, ScheduleTiming};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use uuid::Uuid;

use crate::failure::During;
use crate::reader::Reader;
use crate::row::Reading;

const DURING: &str = "reading the timings of schedules";

/// The slim columns, in the order in which [`Columns::of`] takes them.
const SELECT: &str =
    "SELECT id, version, cron_expression, timezone, misfire_policy, next_run FROM schedules WHERE enabled";

struct Columns {
    id: Uuid,
    version: i64,
    cron_expression: String,
    timezone: String,
    misfire_policy: String,
    next_run: Option<i64>,
}

/// The timings after `after`, in the order of the ids.
///
/// A row that cannot be read is left out and logged, and the page is filled up from behind it: one damaged row must
/// not keep the engine from all others, and a page that is not full tells the caller that it is the last.
pub(super) async fn list(
    reader: &Reader,
    after: Option<ScheduleId>,
    limit: u32,
) -> Result<Vec<ScheduleTiming>, RepositoryError> {
    let limit = limit as usize;
    let mut timings = Vec::with_capacity(limit);
    let mut after = after.map(ScheduleId::as_uuid);
    while timings.len() < limit {
        let wanted = limit - timings.len();
        let rows = next_rows(reader, after, wanted).await.during(DURING)?;
        let found = rows.len();
        for row in rows {
            let columns = Columns::of(&row).during(DURING)?;
            let id = columns.id;
            after = Some(id);
            match columns.read() {
                Ok(timing) => timings.push(timing),
                Err(error) => tracing::error!(
                    schedule.id = %id,
                    error = &error as &dyn std::error::Error,
                    "a schedule will not fire: its row cannot be read"
                ),
            }
        }
        if found < wanted {
            break;
        }
    }
    Ok(timings)
}

pub(super) async fn find(reader: &Reader, id: ScheduleId) -> Result<Option<ScheduleTiming>, RepositoryError> {
    let statement = Statement::from_sql_and_values(
        reader.get_database_backend(),
        format!("{SELECT} AND id = $1"),
        [id.as_uuid().into()],
    );
    match reader.query_one_raw(statement).await.during(DURING)? {
        Some(row) => Columns::of(&row).during(DURING)?.read().map(Some),
        None => Ok(None),
    }
}

async fn next_rows(reader: &Reader, after: Option<Uuid>, limit: usize) -> Result<Vec<QueryResult>, DbErr> {
    // The nil UUID comes before all others and is no id.
    let after = after.unwrap_or(Uuid::nil());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader
        .query_all_raw(Statement::from_sql_and_values(
            reader.get_database_backend(),
            format!("{SELECT} AND id > $1 ORDER BY id LIMIT $2"),
            [after.into(), limit.into()],
        ))
        .await
}

impl Columns {
    fn of(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get_by_index(0)?,
            version: row.try_get_by_index(1)?,
            cron_expression: row.try_get_by_index(2)?,
            timezone: row.try_get_by_index(3)?,
            misfire_policy: row.try_get_by_index(4)?,
            next_run: row.try_get_by_index(5)?,
        })
    }

    fn read(self) -> Result<ScheduleTiming, RepositoryError> {
        let Self {
            id,
            version,
            cron_expression,
            timezone,
            misfire_policy,
            next_run,
        } = self;
        let id = ScheduleId::from_uuid(id);
        let reading = Reading::of("schedule", &id);
        Ok(ScheduleTiming {
            id,
            version: reading.number("version", version)?,
            cron_expression,
            timezone,
            misfire_policy: reading.name("misfire_policy", &misfire_policy)?,
            next_run: reading.instant_or_none("next_run", next_run)?,
        })
    }
}
