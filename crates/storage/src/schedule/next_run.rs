use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryError, ScheduleTiming};
use sea_orm::ConnectionTrait;

use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::micros;
use crate::writer::{Transaction, WriteError, Writer};

const RUN: &[Column] = &[
    ("id", Kind::Id),
    ("timing_version", Kind::Int),
    ("expected_run", Kind::Int),
    ("next_run", Kind::Int),
    ("completion", Kind::Text),
];

/// An instant, or why there is none.
type Run = (ScheduleTiming, Result<DateTime<Utc>, String>);

/// A schedule that is completed already is told of once.
const SET: &str = "UPDATE schedules AS s SET
        next_run = b.next_run,
        state = CASE WHEN b.next_run IS NULL THEN 'completed' ELSE 'active' END,
        state_reason = b.completion
    FROM {batch} AS b
    WHERE s.id = b.id AND s.timing_version = b.timing_version AND s.enabled
      AND (b.next_run IS NOT NULL OR s.state <> 'completed')";

struct Runs {
    rows: Vec<Batch>,
    sql: String,
}

/// See [`ratchet_interfaces::ScheduleRepository::schedule_set_first_runs`].
pub(super) async fn set_first(writer: &Writer, runs: &[Run]) -> Result<(), RepositoryError> {
    let sql = format!("{SET} AND s.next_run IS NULL");
    set(writer, runs, sql, "setting the first runs of schedules").await
}

/// See [`ratchet_interfaces::ScheduleRepository::schedule_move_next_runs`].
pub(super) async fn correct(writer: &Writer, runs: &[Run]) -> Result<(), RepositoryError> {
    let sql = format!("{SET} AND s.next_run IS NOT DISTINCT FROM b.expected_run");
    set(writer, runs, sql, "correcting the next runs of schedules").await
}

async fn set(
    writer: &Writer,
    runs: &[Run],
    sql: String,
    during: &'static str,
) -> Result<(), RepositoryError> {
    if runs.is_empty() {
        return Ok(());
    }
    let rows = Batch::all(writer.backend(), RUN, runs, |batch, (timing, run)| {
        batch.push([
            Cell::Id(timing.id.as_uuid()),
            Cell::Int(timing.timing_version.into()),
            Cell::int(timing.next_run.map(micros)),
            Cell::int(run.as_ref().ok().map(|run| micros(*run))),
            Cell::text(run.as_ref().err().map(String::as_str)),
        ]);
    });
    writer
        .write(Runs { rows, sql }, |runs, transaction| {
            Box::pin(write(runs, transaction))
        })
        .await
        .map_err(|error| error.during(during))
}

async fn write(runs: &Runs, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    for batch in &runs.rows {
        transaction.execute_raw(batch.statement(&runs.sql, [])).await?;
    }
    Ok(())
}
