use chrono::{DateTime, Utc};
use ratchet_interfaces::{Choice, JobCondition, JobFilter, JobId, JobStatus, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::list;
use crate::failure::Violation;
use crate::row::micros;
use crate::writer::{Transaction, WriteError, Writer};

/// A job that was after others is not after them any more: it was decided to run it. Where an unfinished job has its
/// unique key meanwhile, it stays as it is. Its task may have got another limit since it ended.
const RETRY: &str = "UPDATE jobs SET status = 'queued', retry_count = 0, run_after = $2, completed_at = NULL,
        stop_requested_at = NULL,
        gate = COALESCE('key ' || concurrency_key, (SELECT t.gate FROM tasks AS t WHERE t.id = jobs.task_id))
    WHERE id = $1 AND status IN ('failed', 'cancelled')
      AND ";

/// Those that cannot be put back do not use up the limit: or else they would keep those behind them for ever.
const KEY_IS_FREE: &str = "(jobs.unique_key IS NULL OR NOT EXISTS (
    SELECT 1 FROM jobs AS o WHERE o.unique_key = jobs.unique_key AND o.unique_key IS NOT NULL
        AND o.status NOT IN ('completed', 'failed', 'cancelled')))";

struct Call {
    ids: Vec<JobId>,
    filter: JobFilter,
    now: DateTime<Utc>,
    limit: u32,
}

pub(super) async fn retry(
    writer: &Writer,
    ids: &[JobId],
    filter: &JobFilter,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<JobId>, RepositoryError> {
    let call = Call {
        ids: ids.to_vec(),
        filter: filter.clone(),
        now,
        limit,
    };
    writer
        .write(call, |call, transaction| Box::pin(write(call, transaction)))
        .await
        .map_err(|error| error.during("putting failed jobs back into the queue"))
}

async fn write(call: &Call, transaction: &Transaction<'_>) -> Result<Vec<JobId>, WriteError> {
    let ids = if call.ids.is_empty() {
        matching(call, transaction).await?
    } else {
        call.ids.iter().map(|id| id.as_uuid()).collect()
    };
    let backend = transaction.get_database_backend();
    let sql = format!("{RETRY}{KEY_IS_FREE}");
    let mut retried = Vec::new();
    for id in ids {
        let statement =
            Statement::from_sql_and_values(backend, sql.as_str(), [id.into(), micros(call.now).into()]);
        let written = match transaction.execute_raw(statement).await {
            Ok(outcome) => outcome.rows_affected(),
            // Somebody else took the key at the same time; the whole call is tried again by who asked.
            Err(error) if crate::failure::violation(&error) == Some(Violation::Unique) => {
                return Err(WriteError::Conflict);
            }
            Err(error) => return Err(error.into()),
        };
        if written == 1 {
            retried.push(JobId::from_uuid(id));
        }
    }
    Ok(retried)
}

/// The jobs that failed and match.
fn matching_statement(backend: DbBackend, filter: &JobFilter, limit: u32) -> Statement {
    let failed = filter
        .clone()
        .and(JobCondition::Status(Choice::Is(JobStatus::Failed)));
    let rows = list::restriction(backend, &failed);
    let limit_place = rows.values().len() + 1;
    let sql = format!(
        "SELECT id FROM jobs WHERE {} AND {KEY_IS_FREE} ORDER BY queued_at, id LIMIT ${limit_place}",
        rows.sql()
    );
    let values = rows.values().iter().cloned().chain([i64::from(limit).into()]);
    Statement::from_sql_and_values(backend, sql, values)
}

async fn matching(call: &Call, transaction: &Transaction<'_>) -> Result<Vec<Uuid>, WriteError> {
    let backend = transaction.get_database_backend();
    let failed = transaction
        .query_all_raw(matching_statement(backend, &call.filter, call.limit))
        .await?;
    Ok(failed
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?)
}
