use ratchet_interfaces::{InvalidScheduleSummary, InvalidSchedules, RepositoryError, with_causes};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use crate::failure::During;
use crate::reader::Reader;
use crate::row::{StoredId, text};
use crate::writer::{Transaction, WriteError, Writer};

const DURING: &str = "listing the invalid schedules";

/// The state stands in the text, as it does in the partial index. The count is of the same moment as the rows.
const SQL: &str = "SELECT name, state_reason, (SELECT COUNT(*) FROM schedules WHERE state = 'invalid')
    FROM schedules WHERE state = 'invalid' ORDER BY name LIMIT $1";

pub(super) async fn list(reader: &Reader, limit: u32) -> Result<InvalidSchedules, RepositoryError> {
    let statement = list_statement(reader.get_database_backend(), limit);
    let rows = reader.query_all_raw(statement).await.during(DURING)?;
    let total: i64 = match rows.first() {
        Some(row) => row.try_get_by_index(2).during(DURING)?,
        None => 0,
    };
    Ok(InvalidSchedules {
        total: total.unsigned_abs(),
        first: rows.iter().take(limit as usize).map(summary).collect(),
    })
}

fn list_statement(backend: DbBackend, limit: u32) -> Statement {
    // The count comes with a row, so one is asked for even where none is wanted.
    Statement::from_sql_and_values(backend, SQL, [i64::from(limit.max(1)).into()])
}

/// A text that is none (SQLite stores any bytes as one) is told of in its place.
fn summary(row: &QueryResult) -> InvalidScheduleSummary {
    let name: Result<String, _> = row.try_get_by_index(0);
    let reason: Result<Option<String>, _> = row.try_get_by_index(1);
    InvalidScheduleSummary {
        name: name.unwrap_or_else(|error| format!("a name that cannot be read: {}", with_causes(&error))),
        reason: reason
            .unwrap_or_else(|error| Some(format!("a reason that cannot be read: {}", with_causes(&error)))),
    }
}

/// See [`ratchet_interfaces::ScheduleRepository::schedule_invalidate`].
pub(super) async fn invalidate(
    writer: &Writer,
    id: StoredId,
    timing_version: i64,
    reason: &str,
) -> Result<(), RepositoryError> {
    writer
        .write((id, timing_version, text(reason)), |row, transaction| {
            Box::pin(disable(row, transaction))
        })
        .await
        .map_err(|error| error.during("disabling a schedule that cannot be understood"))
}

async fn disable(
    (id, timing_version, reason): &(StoredId, i64, String),
    transaction: &Transaction<'_>,
) -> Result<(), WriteError> {
    transaction
        .execute_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "UPDATE schedules SET enabled = $3, state = 'invalid', state_reason = $4, next_run = NULL
             WHERE id = $1 AND timing_version = $2",
            [
                id.clone().into(),
                (*timing_version).into(),
                false.into(),
                reason.as_str().into(),
            ],
        ))
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn invalid_schedules_are_told_of_without_a_look_at_the_others() {
        // The partial index holds nothing but the invalid ones.
        assert_eq!(
            steps(list_statement(DbBackend::Sqlite, 10)).await,
            [
                "SCAN schedules USING INDEX schedules_invalid",
                "SCAN schedules USING COVERING INDEX schedules_invalid"
            ]
        );
    }
}
