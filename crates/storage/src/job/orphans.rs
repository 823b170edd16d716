//! Jobs that are taken from who ran them, because that process is dead or has not renewed its lease.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{JobStatus, NodeId, RepositoryError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement};

use super::ended_execution::{self, NO_ATTEMPT};
use super::release::Ended;
use crate::row::{micros, text};
use crate::writer::{WriteError, Writer};

/// Which jobs of other nodes than `$1` are taken from them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// All: it is known that no other node runs.
    Others,
    /// Those whose lease ended at `$2` or before.
    Expired,
}

#[derive(Debug)]
struct Recovery {
    whose: Whose,
    node: NodeId,
    now: DateTime<Utc>,
    reason: String,
}

impl Whose {
    const fn condition(self) -> &'static str {
        match self {
            Self::Others => "j.lease_owner <> $1",
            Self::Expired => "j.lease_owner <> $1 AND j.lease_until <= $2",
        }
    }
}

pub(super) async fn recover(
    writer: &Writer,
    whose: Whose,
    node: NodeId,
    now: DateTime<Utc>,
    reason: &str,
) -> Result<u64, RepositoryError> {
    let recovery = Recovery {
        whose,
        node,
        now,
        reason: text(reason),
    };
    writer
        .write(recovery, |recovery, transaction| {
            Box::pin(put_back(recovery, transaction))
        })
        .await
        .map_err(|error| error.during("recovering the jobs of another process"))
}

async fn put_back(recovery: &Recovery, transaction: &DatabaseTransaction) -> Result<u64, WriteError> {
    let backend = transaction.get_database_backend();
    if backend == DbBackend::Postgres {
        transaction.execute_raw(lock(backend, recovery)).await?;
    }
    transaction
        .execute_raw(fail_executions(backend, recovery))
        .await?;
    let recovered = transaction.query_all_raw(queue_jobs(backend, recovery)).await?;
    release_after(&recovered, recovery.now, transaction).await?;
    Ok(recovered.len() as u64)
}

/// What becomes of jobs `j` that are taken from who ran them, for any reason but their own. One that was asked to stop
/// has, and is not run again. `$2` is the instant, `$3` the reason; see [`release_after`] for the answer.
pub(super) fn put_back_sql(condition: &str) -> String {
    format!(
        "UPDATE jobs AS j SET
             status = CASE WHEN stop_requested_at IS NULL THEN 'queued' ELSE 'cancelled' END,
             completed_at = CASE WHEN stop_requested_at IS NULL THEN completed_at ELSE $2 END,
             error = $3, {NO_ATTEMPT}
         WHERE j.status = 'processing' AND {condition} RETURNING id, schedule_id, status, has_dependents"
    )
}

/// Jobs that were cancelled instead of put back release those that waited for them.
pub(super) async fn release_after(
    put_back: &[QueryResult],
    now: DateTime<Utc>,
    transaction: &DatabaseTransaction,
) -> Result<(), WriteError> {
    let mut ended = Ended::default();
    for row in put_back {
        let status: String = row.try_get_by_index(2)?;
        if status == JobStatus::Cancelled.as_str() {
            if let Some(schedule) = row.try_get_by_index(1)? {
                ended.job_of(schedule, micros(now));
            }
            if row.try_get_by_index(3)? {
                ended.awaited(row.try_get_by_index(0)?, micros(now));
            }
        }
    }
    ended.release(transaction).await?;
    Ok(())
}

fn values(recovery: &Recovery) -> [sea_orm::Value; 3] {
    let Recovery {
        whose: _,
        node,
        now,
        reason,
    } = recovery;
    [node.as_uuid().into(), micros(*now).into(), reason.as_str().into()]
}

/// Or else a lease could be renewed, or a job settled, between the two statements that take it away, of which the first
/// would write an end of an attempt that goes on.
fn lock(backend: DbBackend, recovery: &Recovery) -> Statement {
    let sql = format!(
        "SELECT 1 FROM jobs AS j WHERE j.status = 'processing' AND {} ORDER BY j.id FOR NO KEY UPDATE",
        recovery.whose.condition()
    );
    let named = match recovery.whose {
        Whose::Others => 1,
        Whose::Expired => 2,
    };
    Statement::from_sql_and_values(backend, sql, values(recovery).into_iter().take(named))
}

fn fail_executions(backend: DbBackend, recovery: &Recovery) -> Statement {
    let from = format!("jobs AS j WHERE {}", recovery.whose.condition());
    let sql = ended_execution::write("'failed'", "$3", "$2", &from);
    Statement::from_sql_and_values(backend, sql, values(recovery))
}

fn queue_jobs(backend: DbBackend, recovery: &Recovery) -> Statement {
    let sql = put_back_sql(recovery.whose.condition());
    Statement::from_sql_and_values(backend, sql, values(recovery))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn orphans_are_looked_for_among_the_jobs_in_processing_only() {
        for whose in [Whose::Others, Whose::Expired] {
            let recovery = Recovery {
                whose,
                node: NodeId::new(),
                now: DateTime::UNIX_EPOCH,
                reason: String::new(),
            };
            // The partial index holds nothing but the jobs in processing.
            for statement in [
                queue_jobs(DbBackend::Sqlite, &recovery),
                fail_executions(DbBackend::Sqlite, &recovery),
            ] {
                assert_eq!(
                    steps_on("j", statement).await,
                    ["SCAN j USING INDEX jobs_processing"]
                );
            }
        }
    }
}
