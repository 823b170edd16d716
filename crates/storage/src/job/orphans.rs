use chrono::{DateTime, Utc};
use ratchet_interfaces::{NodeId, RepositoryError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

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
    let recovered = transaction.execute_raw(queue_jobs(backend, recovery)).await?;
    Ok(recovered.rows_affected())
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
    let Recovery { node, now: _, reason } = recovery;
    Statement::from_sql_and_values(
        backend,
        format!(
            "UPDATE jobs SET status = 'queued', error = $2, lease_owner = NULL, lease_until = NULL
             WHERE {ORPHANED}"
        ),
        [node.as_uuid().into(), reason.as_str().into()],
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
            [processing]
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
