use std::sync::Arc;

use chrono::TimeDelta;
use ratchet_interfaces::{
    CommittedRuns, JobOrigin, ManualRun, ManualRuns, RepositoryError, TickOutcome, TickRecord,
};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::follow::{Followers, Made};
use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::{json, micros, tick};
use crate::writer::{Transaction, WriteError, Writer};

const RUN: &[Column] = &[
    ("job_id", Kind::Id),
    ("instant", Kind::Int),
    ("run_after", Kind::Int),
];

const COUNT_REQUEST: &str = "UPDATE schedules SET requests = requests + 1 WHERE id = $1 RETURNING requests";

const MAKE_JOBS: &str = "INSERT INTO jobs (
        id, schedule_id, scheduled_for, origin, request, task_id, input, priority, status, attempts, retry_count,
        max_retries, run_after, timeout_seconds, output_destinations, queued_at, has_dependents, gate
    )
    SELECT b.job_id, s.id, b.instant, $3, $4, s.task_id, COALESCE($5, s.input), s.priority, 'queued', 0, 0,
        s.max_retries, b.run_after, s.timeout_seconds, s.output_destinations, $6, FALSE,
        (SELECT t.gate FROM tasks AS t WHERE t.id = s.task_id)
    FROM {batch} AS b JOIN schedules AS s ON s.id = $2";

pub(super) async fn add(writer: &Writer, runs: &ManualRuns) -> Result<CommittedRuns, RepositoryError> {
    writer
        .write(runs.clone(), |runs, transaction| {
            Box::pin(write(runs, transaction))
        })
        .await
        .map_err(|error| error.during("having a schedule run out of turn"))
}

async fn write(runs: &ManualRuns, transaction: &Transaction<'_>) -> Result<CommittedRuns, WriteError> {
    let backend = transaction.get_database_backend();
    let schedule = runs.schedule_id.as_uuid();
    let followers = Followers::lock([runs.schedule_id], transaction).await?;
    let Some(request) = count_request(schedule, transaction).await? else {
        return Err(RepositoryError::NotFound {
            what: "schedule",
            id: runs.schedule_id.to_string(),
        }
        .into());
    };
    let origin = match runs.outcome {
        TickOutcome::Triggered => JobOrigin::Trigger,
        _ => JobOrigin::Backfill,
    };
    let jobs = Batch::all(backend, RUN, &runs.runs, |batch, run| {
        batch.push([
            Cell::Id(run.job_id.as_uuid()),
            Cell::Int(micros(run.instant)),
            Cell::Int(micros(run.run_after)),
        ]);
    });
    for batch in &jobs {
        let values = [
            schedule.into(),
            origin.as_str().into(),
            i64::from(request).into(),
            runs.input.as_ref().map(json).into(),
            micros(runs.decided_at).into(),
        ];
        transaction
            .execute_raw(batch.statement(MAKE_JOBS, values))
            .await?;
    }
    let made: Vec<Made> = runs.runs.iter().map(|run| made(runs, *run, request)).collect();
    for batch in &Batch::all(backend, tick::COLUMNS, &made, |batch, job| {
        tick::push(batch, job.schedule_id, job.request, &job.record);
    }) {
        transaction.execute_raw(batch.insert("ticks", "")).await?;
    }
    let followers = match followers {
        Some(followers) => followers.follow(made, transaction).await?,
        None => Vec::new(),
    };
    Ok(CommittedRuns { request, followers })
}

async fn count_request(schedule: Uuid, transaction: &Transaction<'_>) -> Result<Option<u32>, WriteError> {
    let row = transaction
        .query_one_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            COUNT_REQUEST,
            [schedule.into()],
        ))
        .await?;
    let Some(row) = row else { return Ok(None) };
    let requests: i64 = row.try_get_by_index(0)?;
    let id = ratchet_interfaces::ScheduleId::from_uuid(schedule);
    Ok(Some(
        crate::row::Reading::of("schedule", &id).number("requests", requests)?,
    ))
}

/// The job of a run, by what the ledger has of it.
fn made(runs: &ManualRuns, run: ManualRun, request: u32) -> Made {
    let ManualRun {
        job_id,
        instant,
        run_after: _,
    } = run;
    Made {
        schedule_id: runs.schedule_id,
        request,
        record: TickRecord {
            scheduled_for: instant,
            through: instant,
            count: 1,
            outcome: runs.outcome,
            reason: Some(Arc::clone(&runs.reason)),
            job_id: Some(job_id),
            lateness: (runs.decided_at - instant).max(TimeDelta::zero()),
            decided_at: runs.decided_at,
        },
    }
}
