use std::collections::HashMap;

use ratchet_interfaces::{ClaimRequest, ClaimedJob, ExecutionId, JobStatus, RepositoryError, with_causes};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};
use serde::Deserialize;
use uuid::Uuid;

use super::Pick;
use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::job::{Model, read};
use crate::row::{StoredId, Unreadable, micros};
use crate::writer::{Transaction, WriteError};

const PICKED: &[Column] = &[("id", Kind::Id), ("execution_id", Kind::Id)];

/// No number that a row may hold makes the statement fail: that would be one row that stops the queue.
const TAKE: &str =
    "UPDATE jobs AS j SET status = 'processing', started_at = $2, lease_owner = $3, lease_until = $4,
        execution_id = b.execution_id,
        attempts = j.attempts + CASE WHEN j.attempts < 9223372036854775807 THEN 1 ELSE 0 END
    FROM {batch} AS b WHERE j.id = b.id AND j.status IN ('queued', 'retrying')";

/// What is not known of a taken job, a column each: reading a row costs as much as it has columns.
const READ: &str = "schedule_id, scheduled_for, origin, request, task_id, input, attempts, retry_count,
    output_destinations, queued_at";

/// What most jobs have nothing in: together one column, which is null for those.
const RARE: [&str; 8] = [
    "max_retries",
    "unique_key",
    "concurrency_key",
    "after_condition",
    "timeout_seconds",
    "stop_requested_at",
    "error",
    "error_kind",
];

/// The values of the columns that are `RARE`.
#[derive(Debug, Default, Deserialize)]
struct Rare(
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<String>,
);

/// What was taken of what was picked.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// In the order of the picks.
    pub(super) claimed: Vec<ClaimedJob>,
    /// Taken, and cannot be run: the rows are damaged.
    pub(super) unfit: Vec<Unreadable>,
}

/// Takes the picked jobs, each with a new attempt.
pub(super) async fn take(
    request: &ClaimRequest,
    picks: &[Pick],
    transaction: &Transaction<'_>,
) -> Result<Taken, WriteError> {
    let backend = transaction.get_database_backend();
    // The ids of the attempts are made in the order in which the jobs are to be run.
    let attempts: Vec<(Pick, Uuid)> = picks
        .iter()
        .map(|pick| (*pick, ExecutionId::new().as_uuid()))
        .collect();
    let by_job: HashMap<Uuid, &(Pick, Uuid)> =
        attempts.iter().map(|attempt| (attempt.0.id, attempt)).collect();
    let sql = sql(backend);
    let mut taken = Taken {
        claimed: Vec::with_capacity(picks.len()),
        unfit: Vec::new(),
    };
    for batch in &Batch::all(backend, PICKED, &attempts, |batch, (pick, execution)| {
        batch.push([Cell::Id(pick.id), Cell::Id(*execution)]);
    }) {
        let statement = batch.statement(
            &sql,
            [
                micros(request.now).into(),
                request.node.as_uuid().into(),
                micros(request.lease_until).into(),
            ],
        );
        for row in transaction.query_all_raw(statement).await? {
            let id: Uuid = row.try_get_by_index(0)?;
            let (pick, execution) = by_job.get(&id).ok_or(WriteError::Conflict)?;
            match job(&row, pick, *execution, request) {
                Ok(job) => taken.claimed.push(job),
                Err(reason) => taken.unfit.push(Unreadable {
                    id: StoredId::Uuid(id),
                    reason,
                }),
            }
        }
    }
    // RETURNING answers in no particular order.
    taken.claimed.sort_unstable_by_key(|claimed| claimed.execution_id);
    Ok(taken)
}

fn sql(backend: DbBackend) -> String {
    // Each database has its own words.
    let (id, array, end) = match backend {
        DbBackend::Postgres => ("j.id", "json_build_array", "::text"),
        _ => ("id", "json_array", ""),
    };
    format!(
        "{TAKE} RETURNING {id}, {READ}, CASE WHEN {} IS NULL THEN NULL ELSE {array}({}){end} END",
        RARE.join(" IS NULL AND "),
        RARE.join(", ")
    )
}

/// A row that was taken, or in words why it cannot be read.
fn job(
    row: &QueryResult,
    pick: &Pick,
    execution: Uuid,
    request: &ClaimRequest,
) -> Result<ClaimedJob, String> {
    let model = model(row, pick, execution, request).map_err(|error| with_causes(&error))?;
    let job = read(model).map_err(|error: RepositoryError| with_causes(&error))?;
    Ok(ClaimedJob {
        execution_id: ExecutionId::from_uuid(execution),
        job,
    })
}

fn model(row: &QueryResult, pick: &Pick, execution: Uuid, request: &ClaimRequest) -> Result<Model, DbErr> {
    let rare: Option<String> = row.try_get_by_index(11)?;
    let Rare(
        max_retries,
        unique_key,
        concurrency_key,
        after_condition,
        timeout_seconds,
        stop_requested_at,
        error,
        error_kind,
    ) = match rare {
        Some(json) => serde_json::from_str(&json).map_err(|error| DbErr::Json(error.to_string()))?,
        None => Rare::default(),
    };
    Ok(Model {
        id: pick.id,
        schedule_id: row.try_get_by_index(1)?,
        scheduled_for: row.try_get_by_index(2)?,
        origin: row.try_get_by_index(3)?,
        request: row.try_get_by_index(4)?,
        task_id: row.try_get_by_index(5)?,
        input: row.try_get_by_index(6)?,
        priority: pick.priority,
        status: JobStatus::Processing.as_str().to_owned(),
        attempts: row.try_get_by_index(7)?,
        retry_count: row.try_get_by_index(8)?,
        max_retries,
        run_after: pick.run_after,
        unique_key,
        concurrency_key,
        gate: None,
        after_condition,
        has_dependents: false,
        execution_id: Some(execution),
        lease_owner: Some(request.node.as_uuid()),
        lease_until: Some(micros(request.lease_until)),
        timeout_seconds,
        stop_requested_at,
        progress: None,
        error,
        error_kind,
        output_destinations: row.try_get_by_index(9)?,
        queued_at: row.try_get_by_index(10)?,
        started_at: Some(micros(request.now)),
        completed_at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_are_taken_by_their_ids() {
        let mut picked = Batch::new(DbBackend::Sqlite, PICKED);
        picked.push([Cell::Null, Cell::Null]);
        let steps = crate::query_plan::steps_on(
            "j",
            picked.statement(&sql(DbBackend::Sqlite), [0.into(), 0.into(), 0.into()]),
        )
        .await;
        assert_eq!(steps, ["SEARCH j USING PRIMARY KEY (id=?)"]);
    }
}
