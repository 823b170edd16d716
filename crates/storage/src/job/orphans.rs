use chrono::{DateTime, Utc};
use ratchet_interfaces::{JobStatus, NodeId, RepositoryError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement};

use super::release::Ended;
use crate::row::{micros, text};
use crate::writer::{WriteError, Writer};

/// The jobs of other nodes than `$1`.
const ORPHANED: &str = "status = 'processing' AND lease_owner <> $1";

struct Recovery {
    node: NodeId,
    now: DateTime<Utc>,
    reason: String,
}

pub(super) async fn recover(
    writer: &Writer,
    node: NodeId,
    now: DateTime<Utc>,
    reason: &str,
) -> Result<u64, RepositoryError> {
    let recovery = Recovery {
        node,
        now,
        reason: text(reason),
    };
    writer
        .write(recovery, |recovery, transaction| {
            Box::pin(put_back(recovery, transaction))
        })
        .await
        .map_err(|error| error.during("recovering the jobs of a dead process"))
}

async fn put_back(recovery: &Recovery, transaction: &DatabaseTransaction) -> Result<u64, WriteError> {
    let backend = transaction.get_database_backend();
    transaction
        .execute_raw(fail_executions(backend, recovery))
        .await?;
    let recovered = transaction.query_all_raw(queue_jobs(backend, recovery)).await?;
    release_after(&recovered, recovery.now, transaction).await?;
    Ok(recovered.len() as u64)
}

/// What becomes of jobs that are taken from who ran them, for any reason but their own. One that was asked to stop has,
/// and is not run again. `$2` is the instant, `$3` the reason; see [`release_after`] for the answer.
pub(super) const PUT_BACK: &str = "UPDATE jobs SET
        status = CASE WHEN stop_requested_at IS NULL THEN 'queued' ELSE 'cancelled' END,
        completed_at = CASE WHEN stop_requested_at IS NULL THEN completed_at ELSE $2 END,
        error = $3, lease_owner = NULL, lease_until = NULL";

pub(super) const PUT_BACK_ANSWER: &str = "RETURNING schedule_id, status";

/// Jobs that were cancelled instead of put back release those that waited for them.
pub(super) async fn release_after(
    put_back: &[QueryResult],
    now: DateTime<Utc>,
    transaction: &DatabaseTransaction,
) -> Result<(), WriteError> {
    let mut ended = Ended::default();
    for row in put_back {
        let status: String = row.try_get_by_index(1)?;
        if status == JobStatus::Cancelled.as_str()
            && let Some(schedule) = row.try_get_by_index(0)?
        {
            ended.job_of(schedule, micros(now));
        }
    }
    ended.release(transaction).await?;
    Ok(())
}

fn fail_executions(backend: DbBackend, recovery: &Recovery) -> Statement {
    let Recovery { node, now, reason } = recovery;
    // A process that died while the clock was ahead must not leave an execution of negative length.
    Statement::from_sql_and_values(
        backend,
        format!(
            "UPDATE executions SET status = 'failed', error = $3, completed_at = $2,
                 duration_us = CASE WHEN started_at < $2 THEN $2 - started_at ELSE 0 END
             WHERE status = 'running' AND job_id IN (SELECT id FROM jobs WHERE {ORPHANED})"
        ),
        [node.as_uuid().into(), micros(*now).into(), reason.as_str().into()],
    )
}

fn queue_jobs(backend: DbBackend, recovery: &Recovery) -> Statement {
    let Recovery { node, now, reason } = recovery;
    Statement::from_sql_and_values(
        backend,
        format!("{PUT_BACK} WHERE {ORPHANED} {PUT_BACK_ANSWER}"),
        [node.as_uuid().into(), micros(*now).into(), reason.as_str().into()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn orphans_are_looked_for_among_the_jobs_in_processing_only() {
        let recovery = Recovery {
            node: NodeId::new(),
            now: DateTime::UNIX_EPOCH,
            reason: String::new(),
        };
        // The partial index holds nothing but the jobs in processing.
        let processing = "SCAN jobs USING INDEX jobs_processing";
        assert_eq!(
            steps(queue_jobs(DbBackend::Sqlite, &recovery)).await,
            ["SCAN jobs USING COVERING INDEX jobs_processing"]
        );
        assert_eq!(
            steps(fail_executions(DbBackend::Sqlite, &recovery)).await,
            [
                "SEARCH executions USING INDEX sqlite_autoindex_executions_2 (job_id=?)",
                processing
            ]
        );
    }
}
