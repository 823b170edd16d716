//! What schedules said before: the table `schedule_periods`.

use ratchet_interfaces::{RepositoryError, ScheduleId, SchedulePeriod};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use crate::batch::Batch;
use crate::failure::During;
use crate::reader::Reader;
use crate::row::Reading;
use crate::writer::{Transaction, WriteError};

/// The end of what a schedule `s` said, which becomes what the row `b` says.
const UNTIL: &str = "CASE WHEN s.state = 'completed' THEN COALESCE(s.last_run, s.effective_from)
    ELSE b.effective_from END";

#[derive(FromQueryResult)]
struct Columns {
    effective_from: i64,
    effective_until: i64,
    specification: String,
    timezone: String,
}

/// Keeps what a schedule says before it is updated with the row. A time in which it had no tick is not kept.
pub(super) async fn close(row: &Batch, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    let sql = format!(
        "INSERT INTO schedule_periods (schedule_id, effective_from, effective_until, specification, timezone)
         SELECT s.id, s.effective_from, {UNTIL}, s.specification, s.timezone
         FROM {{batch}} AS b JOIN schedules AS s ON s.id = b.id AND s.version = b.version
         WHERE s.enabled AND b.effective_from > s.effective_from AND {UNTIL} > s.effective_from"
    );
    transaction.execute_raw(row.statement(&sql, [])).await?;
    Ok(())
}

pub(super) async fn list(reader: &Reader, id: ScheduleId) -> Result<Vec<SchedulePeriod>, RepositoryError> {
    const DURING: &str = "reading what a schedule said before";
    let statement = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT effective_from, effective_until, specification, timezone FROM schedule_periods
         WHERE schedule_id = $1 ORDER BY effective_from",
        [id.as_uuid().into()],
    );
    reader
        .query_all_raw(statement)
        .await
        .during(DURING)?
        .iter()
        .map(|row| {
            let Columns {
                effective_from,
                effective_until,
                specification,
                timezone,
            } = Columns::from_query_result(row, "").during(DURING)?;
            let key = format!("{id} from {effective_from}");
            let reading = Reading::of("schedule period", &key);
            Ok(SchedulePeriod {
                schedule_id: id,
                effective_from: reading.instant("effective_from", effective_from)?,
                effective_until: reading.instant("effective_until", effective_until)?,
                specification,
                timezone,
            })
        })
        .collect()
}
