use ratchet_interfaces::{CancelRequest, Cancellation, JobEvent, JobStatus, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::ended_execution::{self, NO_ATTEMPT};
use super::release::Ended;
use crate::row::{Reading, micros, text};
use crate::writer::{Transaction, WriteError, Writer};

const CANCEL: &str = "UPDATE jobs SET status = 'cancelled', error = $3, error_kind = NULL, completed_at = $2
    WHERE id = $1 AND status IN ('queued', 'retrying', 'buffered', 'blocked')
    RETURNING schedule_id, origin, has_dependents";

const ASK_TO_STOP: &str = "UPDATE jobs SET stop_requested_at = COALESCE(stop_requested_at, $2)
    WHERE id = $1 AND status = 'processing'";

pub(super) async fn cancel(
    writer: &Writer,
    request: &CancelRequest,
) -> Result<Cancellation, RepositoryError> {
    writer
        .write(request.clone(), |request, transaction| {
            Box::pin(write(request, transaction))
        })
        .await
        .map_err(|error| error.during("calling off a job"))
}

async fn write(request: &CancelRequest, transaction: &Transaction<'_>) -> Result<Cancellation, WriteError> {
    lock(request, transaction).await?;
    if let Some(changed) = end(request, CANCEL.to_owned(), transaction).await? {
        return Ok(Cancellation::Cancelled {
            was_running: false,
            changed,
        });
    }
    if request.terminates {
        let fail = ended_execution::write("'cancelled'", "$3", "$2", "jobs AS j WHERE j.id = $1");
        transaction
            .execute_raw(statement(transaction, fail, request))
            .await?;
        let terminate = format!(
            "UPDATE jobs SET status = 'cancelled', error = $3, error_kind = NULL, completed_at = $2, {NO_ATTEMPT}
             WHERE id = $1 AND status = 'processing' RETURNING schedule_id, origin, has_dependents"
        );
        if let Some(changed) = end(request, terminate, transaction).await? {
            return Ok(Cancellation::Cancelled {
                was_running: true,
                changed,
            });
        }
    } else {
        let asked = transaction
            .execute_raw(Statement::from_sql_and_values(
                transaction.get_database_backend(),
                ASK_TO_STOP,
                [request.job_id.as_uuid().into(), micros(request.at).into()],
            ))
            .await?;
        if asked.rows_affected() == 1 {
            return Ok(Cancellation::Asked);
        }
    }
    final_status(request, transaction).await
}

/// On PostgreSQL a job's schedule is locked before the job, as by all who end jobs, so that they do not wait for each
/// other.
async fn lock(request: &CancelRequest, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    let backend = transaction.get_database_backend();
    if backend == DbBackend::Postgres {
        for sql in [
            "SELECT 1 FROM schedules WHERE id = (SELECT schedule_id FROM jobs WHERE id = $1) FOR NO KEY UPDATE",
            "SELECT 1 FROM jobs WHERE id = $1 FOR NO KEY UPDATE",
        ] {
            let id = request.job_id.as_uuid();
            transaction
                .execute_raw(Statement::from_sql_and_values(backend, sql, [id.into()]))
                .await?;
        }
    }
    Ok(())
}

/// Ends the job by the statement. Says what became of others by that, or that the statement found nothing to end.
async fn end(
    request: &CancelRequest,
    sql: String,
    transaction: &Transaction<'_>,
) -> Result<Option<Vec<JobEvent>>, WriteError> {
    let row = transaction
        .query_one_raw(statement(transaction, sql, request))
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (at, mut ended) = (micros(request.at), Ended::default());
    let origin: String = row.try_get_by_index(1)?;
    if let Some(schedule) = row.try_get_by_index(0)?
        && ["tick", "trigger"].contains(&origin.as_str())
    {
        ended.job_of(schedule, at);
    }
    if row.try_get_by_index(2)? {
        ended.awaited(request.job_id.as_uuid(), at);
    }
    Ok(Some(ended.release_locked(transaction).await?.events))
}

fn statement(transaction: &Transaction<'_>, sql: String, request: &CancelRequest) -> Statement {
    Statement::from_sql_and_values(
        transaction.get_database_backend(),
        sql,
        [
            request.job_id.as_uuid().into(),
            micros(request.at).into(),
            text(&request.reason).into(),
        ],
    )
}

async fn final_status(
    request: &CancelRequest,
    transaction: &Transaction<'_>,
) -> Result<Cancellation, WriteError> {
    let row = transaction
        .query_one_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "SELECT status FROM jobs WHERE id = $1",
            [request.job_id.as_uuid().into()],
        ))
        .await?;
    let Some(row) = row else {
        return Err(RepositoryError::NotFound {
            what: "job",
            id: request.job_id.to_string(),
        }
        .into());
    };
    let status: String = row.try_get_by_index(0)?;
    let status: JobStatus = Reading::of("job", &request.job_id).name("status", &status)?;
    Ok(Cancellation::Final(status))
}
