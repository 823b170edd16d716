//! A running attempt is in its job's row. When it ends, it gets a row in the table of those that have ended.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{ExecutionEvent, ExecutionId, ExecutionStatus, JobId, ScheduleId, TaskId};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::changed::ChangedJob;
use crate::row::instant;

/// The statement that writes the running attempts of the jobs `j` to `executions`, ended at `at` with `status` and
/// `error`. All three are SQL; `from` is what follows `FROM`, and names the jobs.
///
/// A process that died while the clock was ahead must not leave an execution of negative length. A row without the id of
/// its attempt is damaged, and has none to write.
pub(crate) fn write(status: &str, error: &str, at: &str, from: &str) -> String {
    format!(
        "INSERT INTO executions (
             id, job_id, attempt, status, error, progress, started_at, completed_at, duration_us, node
         )
         SELECT j.execution_id, j.id, j.attempts, {status}, {error}, j.progress, COALESCE(j.started_at, {at}), {at},
             CASE WHEN j.started_at < {at} THEN {at} - j.started_at ELSE 0 END, j.lease_owner
         FROM {from} AND j.status = 'processing' AND j.execution_id IS NOT NULL AND j.lease_owner IS NOT NULL"
    )
}

/// The same, with an answer that [`event`] reads.
pub(super) fn write_returning(status: &str, error: &str, at: &str, from: &str) -> String {
    let sql = write(status, error, at, from);
    format!("{sql} RETURNING id, job_id, attempt, started_at, duration_us")
}

/// That an execution of one of these jobs failed because its process is gone. A row that cannot be read is not told of.
pub(super) fn event(
    row: &QueryResult,
    jobs: &HashMap<Uuid, &ChangedJob>,
    at: DateTime<Utc>,
) -> Option<ExecutionEvent> {
    let number = |place: usize| row.try_get_by_index::<i64>(place).ok();
    let job = jobs.get(&row.try_get_by_index::<Uuid>(1).ok()?)?;
    let started_at = instant(number(3)?)?;
    Some(ExecutionEvent {
        execution_id: ExecutionId::from_uuid(row.try_get_by_index(0).ok()?),
        job_id: JobId::from_uuid(job.id),
        task_id: TaskId::from_uuid(job.task?),
        schedule_id: job.schedule.map(ScheduleId::from_uuid),
        attempt: u32::try_from(number(2)?).ok()?,
        status: ExecutionStatus::Failed,
        runnable_since: job
            .run_after
            .max(job.queued_at)
            .and_then(instant)
            .unwrap_or(started_at),
        started_at,
        duration: number(4).map(TimeDelta::microseconds),
        error_kind: None,
        at,
    })
}

/// What a job loses with its running attempt.
pub(crate) const NO_ATTEMPT: &str =
    "execution_id = NULL, lease_owner = NULL, lease_until = NULL, progress = NULL";
