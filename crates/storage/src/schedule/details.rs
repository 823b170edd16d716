//! What of a schedule says nothing about when it fires.

use ratchet_interfaces::{ScheduleId, UnifiedSchedule};
use sea_orm::ConnectionTrait;

use super::written_as;
use crate::batch::Batch;
use crate::writer::{Transaction, WriteError};

const DETAILS: [&str; 12] = [
    "task_id",
    "name",
    "name_lower",
    "description",
    "input",
    "priority",
    "max_retries",
    "timeout_seconds",
    "output_destinations",
    "metadata",
    "managed_by",
    "updated_at",
];

/// See [`ratchet_interfaces::ScheduleRepository::schedule_update_details`].
pub(super) async fn update(
    id: ScheduleId,
    rows: &[Batch],
    transaction: &Transaction<'_>,
) -> Result<UnifiedSchedule, WriteError> {
    let written = update_rows(rows, transaction).await?;
    written_as(id, written, transaction).await
}

/// Of the rows whose version is the stored one, and says how many these were.
pub(super) async fn update_rows(rows: &[Batch], transaction: &Transaction<'_>) -> Result<u64, WriteError> {
    let updates = DETAILS.map(|name| format!("{name} = b.{name}"));
    let sql = format!(
        "UPDATE schedules AS s SET version = s.version + 1, {} FROM {{batch}} AS b
         WHERE s.id = b.id AND s.version = b.version",
        updates.join(", ")
    );
    let mut written = 0;
    for row in rows {
        written += transaction
            .execute_raw(row.statement(&sql, []))
            .await?
            .rows_affected();
    }
    Ok(written)
}
