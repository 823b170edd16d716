//! How attempts end: job, execution and deliveries together.
//!
//! ```text
//!  result       job         also                                   execution
//!  Succeeded    completed   deliveries                             completed
//!  Retry        retrying    retry_count + 1, run_after, error      failed
//!  Failed       failed      error                                  failed
//!  Cancelled    cancelled   error                                  cancelled
//!  HandedBack   queued      (attempts stay, nothing is counted)    cancelled
//! ```
//!
//! A job that was asked to stop is not run again: instead of retrying or queued, it is cancelled. What the end of a job
//! means for its schedule, `aftermath` knows.
//!
//! An outcome counts only while the job is processed by the node that tells of it and by this execution. Until then a
//! running execution is in its job's row; here it gets its own. As on the way of a tick, everything is tried at once, and looked into only where that
//! wrote too few rows.

mod aftermath;

use std::collections::HashSet;

use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, JobStatus, RepositoryError, SettleOutcome, Settlement, TaskErrorKind,
};
use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::ended_execution::NO_ATTEMPT;
use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::{delivery, execution_log, json, length, micros};
use crate::writer::{Load, Transaction, WriteError, Writer};
use aftermath::{Aftermath, End, Ends};

const JOB: &[Column] = &[("id", Kind::Id)];

const OUTCOME: &[Column] = &[
    ("job_id", Kind::Id),
    ("execution_id", Kind::Id),
    ("node", Kind::Id),
    ("job_status", Kind::Text),
    ("run_after", Kind::Int),
    ("output", Kind::Text),
    ("error", Kind::Text),
    ("error_kind", Kind::Text),
    ("ended_at", Kind::Int),
    ("duration_us", Kind::Int),
];

/// That the job `j` is run as the outcome `b` says.
const HOLDS: &str = "j.id = b.job_id AND j.status = 'processing' AND j.execution_id = b.execution_id
    AND j.lease_owner = b.node";

/// How often a call is done again that met somebody else's rows.
const ATTEMPTS: u32 = 4;

#[derive(Debug)]
struct Batches {
    /// The jobs whose schedules are locked first.
    locked: Vec<Batch>,
    outcomes: Vec<Batch>,
    ends: Ends,
    deliveries: Vec<Batch>,
    log: Vec<Batch>,
}

pub(super) async fn settle(
    writer: &Writer,
    outcomes: &[AttemptOutcome],
) -> Result<Settlement, RepositoryError> {
    const DURING: &str = "settling jobs";
    if outcomes.is_empty() {
        return Ok(Settlement::default());
    }
    match writer
        .write_as(
            Load::Many,
            Batches::of(writer.backend(), outcomes),
            |batches, transaction| Box::pin(write(batches, transaction)),
        )
        .await
    {
        Ok(aftermath) => {
            return Ok(aftermath.with(vec![SettleOutcome::Settled; outcomes.len()], outcomes));
        }
        Err(WriteError::Conflict) => {}
        Err(error) => return Err(error.during(DURING)),
    }
    let mut attempts = 1;
    loop {
        let outcome = writer
            .write_as(Load::Many, outcomes.to_vec(), |outcomes, transaction| {
                Box::pin(write_what_holds(outcomes, transaction))
            })
            .await;
        attempts += 1;
        match outcome {
            Ok(settled) => return Ok(settled),
            Err(WriteError::Conflict) if attempts < ATTEMPTS => {}
            Err(error) => return Err(error.during(DURING)),
        }
    }
}

impl Batches {
    fn of<'a>(backend: DbBackend, outcomes: impl IntoIterator<Item = &'a AttemptOutcome>) -> Self {
        // In the order of the ids, in which PostgreSQL locks the rows as well.
        let mut sorted: Vec<&AttemptOutcome> = outcomes.into_iter().collect();
        sorted.sort_unstable_by_key(|outcome| outcome.job_id);
        let deliveries = sorted.iter().flat_map(|outcome| &outcome.deliveries);
        let log = sorted.iter().flat_map(|outcome| &outcome.log);
        // SQLite has one writer, and nothing to lock.
        let locked: &[_] = match backend {
            DbBackend::Postgres => &sorted,
            _ => &[],
        };
        Self {
            locked: Batch::all(backend, JOB, locked, |batch, outcome| {
                batch.push([Cell::Id(outcome.job_id.as_uuid())]);
            }),
            ends: sorted.iter().map(|outcome| End::of(outcome)).collect(),
            deliveries: Batch::all(backend, delivery::COLUMNS, deliveries, delivery::push),
            log: Batch::all(backend, execution_log::COLUMNS, log, execution_log::push),
            outcomes: Batch::all(backend, OUTCOME, sorted, push),
        }
    }
}

fn push(batch: &mut Batch, outcome: &AttemptOutcome) {
    let AttemptOutcome {
        job_id,
        execution_id,
        node,
        result,
        error_kind,
        deliveries: _,
        log: _,
        ended_at,
        duration,
    } = outcome;
    let (status, run_after, output, error) = match result {
        AttemptResult::Succeeded { output } => (JobStatus::Completed, None, Some(json(output)), None),
        AttemptResult::Retry { error, run_after } => {
            (JobStatus::Retrying, Some(*run_after), None, Some(error))
        }
        AttemptResult::Failed { error } => (JobStatus::Failed, None, None, Some(error)),
        AttemptResult::Cancelled { reason } => (JobStatus::Cancelled, None, None, Some(reason)),
        AttemptResult::HandedBack { reason } => (JobStatus::Queued, None, None, Some(reason)),
    };
    batch.push([
        Cell::Id(job_id.as_uuid()),
        Cell::Id(execution_id.as_uuid()),
        Cell::Id(node.as_uuid()),
        Cell::Text(status.as_str()),
        Cell::int(run_after.map(micros)),
        Cell::text(output.as_deref()),
        Cell::text(error.map(String::as_str)),
        Cell::text(error_kind.map(TaskErrorKind::as_str)),
        Cell::Int(micros(*ended_at)),
        Cell::Int(length(*duration)),
    ]);
}

/// Writes all of it, or finds that something stands against it.
async fn write(batches: &Batches, transaction: &Transaction<'_>) -> Result<Aftermath, WriteError> {
    let (executions, jobs) = (executions_sql(), jobs_sql(transaction.get_database_backend()));
    let mut settled = Vec::new();
    for batch in &batches.locked {
        lock(batch, transaction).await?;
    }
    for batch in &batches.outcomes {
        let written = transaction
            .execute_raw(batch.statement(&executions, []))
            .await?
            .rows_affected();
        if written != batch.rows() {
            return Err(WriteError::Conflict);
        }
        settled.extend(transaction.query_all_raw(batch.statement(&jobs, [])).await?);
    }
    for batch in &batches.deliveries {
        transaction.execute_raw(batch.insert("deliveries", "")).await?;
    }
    for batch in &batches.log {
        transaction
            .execute_raw(batch.insert("execution_logs", ""))
            .await?;
    }
    aftermath::write(&batches.ends, &settled, transaction).await
}

fn executions_sql() -> String {
    format!(
        "INSERT INTO executions (
             id, job_id, attempt, status, output, error, error_kind, progress, started_at, completed_at,
             duration_us, node
         )
         SELECT b.execution_id, j.id, j.attempts,
             CASE b.job_status WHEN 'completed' THEN 'completed' WHEN 'queued' THEN 'cancelled'
                 WHEN 'cancelled' THEN 'cancelled' ELSE 'failed' END,
             b.output, b.error, b.error_kind, j.progress, COALESCE(j.started_at, b.ended_at), b.ended_at, b.duration_us, b.node
         FROM {{batch}} AS b JOIN jobs AS j ON {HOLDS} WHERE true ON CONFLICT DO NOTHING"
    )
}

/// A job that is handed back keeps the error of the execution that failed before.
fn jobs_sql(backend: DbBackend) -> String {
    const STOPS: &str = "j.stop_requested_at IS NOT NULL AND b.job_status IN ('queued', 'retrying')";
    format!(
        "UPDATE jobs AS j SET
             status = CASE WHEN {STOPS} THEN 'cancelled' ELSE b.job_status END,
             retry_count = j.retry_count + CASE WHEN b.job_status = 'retrying' AND NOT ({STOPS}) THEN 1 ELSE 0 END,
             run_after = COALESCE(b.run_after, j.run_after),
             error = CASE WHEN b.job_status = 'queued' AND NOT ({STOPS}) THEN j.error ELSE b.error END,
             error_kind = CASE WHEN b.job_status = 'queued' THEN j.error_kind ELSE b.error_kind END,
             completed_at = CASE WHEN b.job_status NOT IN ('queued', 'retrying') OR {STOPS} THEN b.ended_at END,
             {NO_ATTEMPT}
         FROM {{batch}} AS b WHERE {HOLDS}
         RETURNING {}",
        aftermath::returned(backend)
    )
}

/// On PostgreSQL, the schedules of the jobs are locked before the jobs are changed, as who fires does: see `release`. The
/// jobs themselves are changed in the order of the batch, in which two calls that settle some of the same meet them.
async fn lock(batch: &Batch, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    let sql = "SELECT 1 FROM schedules AS s
         WHERE s.id IN (SELECT j.schedule_id FROM jobs AS j JOIN {batch} AS b ON j.id = b.id)
         ORDER BY s.id FOR NO KEY UPDATE OF s";
    transaction.execute_raw(batch.statement(sql, [])).await?;
    Ok(())
}

/// Finds out what the rows say, and writes what of the outcomes still holds.
async fn write_what_holds(
    outcomes: &[AttemptOutcome],
    transaction: &Transaction<'_>,
) -> Result<Settlement, WriteError> {
    let backend = transaction.get_database_backend();
    let lock_jobs = match backend {
        DbBackend::Postgres => "ORDER BY j.id FOR NO KEY UPDATE OF j",
        _ => "",
    };
    let sql = format!("SELECT b.execution_id FROM {{batch}} AS b JOIN jobs AS j ON {HOLDS} {lock_jobs}");
    let mut holding: HashSet<Uuid> = HashSet::new();
    let batches = Batches::of(backend, outcomes);
    for batch in &batches.locked {
        lock(batch, transaction).await?;
    }
    for batch in &batches.outcomes {
        for row in transaction.query_all_raw(batch.statement(&sql, [])).await? {
            holding.insert(row.try_get_by_index(0)?);
        }
    }
    let mut settled = Vec::with_capacity(outcomes.len());
    let mut kept = Vec::new();
    for outcome in outcomes {
        // Taken out, so that a second outcome of the same execution in one call has lost its lease, as it would in a
        // later one.
        if holding.remove(&outcome.execution_id.as_uuid()) {
            settled.push(SettleOutcome::Settled);
            kept.push(outcome);
        } else {
            settled.push(SettleOutcome::LeaseLost);
        }
    }
    let aftermath = write(&Batches::of(backend, kept), transaction).await?;
    Ok(aftermath.with(settled, outcomes))
}
