//! Jobs that are taken from who ran them, because that process is dead or has not renewed its lease.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Event, JobStatus, NodeId, Recovery, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use super::changed::{self, ChangedJob};
use super::ended_execution::{self, NO_ATTEMPT};
use super::release::Ended;
use crate::row::{micros, text};
use crate::writer::{Transaction, WriteError, Writer};

/// Which jobs of other nodes than `$1` are taken from them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// All: it is known that no other node runs.
    Others,
    /// Those whose lease ended at `$2` or before.
    Expired,
}

#[derive(Debug)]
struct Call {
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
) -> Result<Recovery, RepositoryError> {
    let call = Call {
        whose,
        node,
        now,
        reason: text(reason),
    };
    writer
        .write(call, |call, transaction| Box::pin(put_back(call, transaction)))
        .await
        .map_err(|error| error.during("recovering the jobs of another process"))
}

async fn put_back(call: &Call, transaction: &Transaction<'_>) -> Result<Recovery, WriteError> {
    let backend = transaction.get_database_backend();
    if backend == DbBackend::Postgres {
        transaction.execute_raw(lock(backend, call)).await?;
    }
    let failed = transaction.query_all_raw(fail_executions(backend, call)).await?;
    let queued = transaction.query_all_raw(queue_jobs(backend, call)).await?;
    recovery(&failed, &queued, call.now, transaction).await
}

/// What becomes of jobs `j` that are taken from who ran them, for any reason but their own. One that was asked to stop
/// has, and is not run again. `$2` is the instant, `$3` the reason; see [`recovery`] for the answer.
pub(super) fn put_back_sql(backend: DbBackend, condition: &str) -> String {
    format!(
        "UPDATE jobs AS j SET
             status = CASE WHEN stop_requested_at IS NULL THEN 'queued' ELSE 'cancelled' END,
             completed_at = CASE WHEN stop_requested_at IS NULL THEN completed_at ELSE $2 END,
             error = $3, {NO_ATTEMPT}
         WHERE j.status = 'processing' AND {condition} RETURNING {}",
        changed::returned(backend)
    )
}

/// What is told of executions that failed because their process is gone, and of their jobs. Those that were cancelled
/// instead of put back release those that waited for them.
pub(super) async fn recovery(
    failed: &[QueryResult],
    put_back: &[QueryResult],
    now: DateTime<Utc>,
    transaction: &Transaction<'_>,
) -> Result<Recovery, WriteError> {
    let jobs = ChangedJob::all(put_back)?;
    let by_id: HashMap<Uuid, &ChangedJob> = jobs.iter().map(|job| (job.id, job)).collect();
    let mut events: Vec<Event> = failed
        .iter()
        .filter_map(|row| ended_execution::event(row, &by_id, now))
        .map(Event::Execution)
        .collect();
    let mut ended = Ended::default();
    let mut changed = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let from = Some(JobStatus::Processing);
        if job.status == Some(JobStatus::Cancelled) {
            if let Some(schedule) = job.schedule {
                ended.job_of(schedule, micros(now));
            }
            job.cancelled(from, micros(now), &mut ended, &mut changed);
        } else {
            changed.push(job.event(from, JobStatus::Queued, now));
        }
    }
    events.extend(changed.into_iter().map(Event::Job));
    events.extend(ended.release(transaction).await?.into_events());
    Ok(Recovery {
        jobs: put_back.len() as u64,
        events,
    })
}

fn values(call: &Call) -> [sea_orm::Value; 3] {
    let Call {
        whose: _,
        node,
        now,
        reason,
    } = call;
    [node.as_uuid().into(), micros(*now).into(), reason.as_str().into()]
}

/// Or else a lease could be renewed, or a job settled, between the two statements that take it away, of which the first
/// would write an end of an attempt that goes on.
fn lock(backend: DbBackend, call: &Call) -> Statement {
    let sql = format!(
        "SELECT 1 FROM jobs AS j WHERE j.status = 'processing' AND {} ORDER BY j.id FOR NO KEY UPDATE",
        call.whose.condition()
    );
    let named = match call.whose {
        Whose::Others => 1,
        Whose::Expired => 2,
    };
    Statement::from_sql_and_values(backend, sql, values(call).into_iter().take(named))
}

fn fail_executions(backend: DbBackend, call: &Call) -> Statement {
    let from = format!("jobs AS j WHERE {}", call.whose.condition());
    let sql = ended_execution::write_returning("'failed'", "$3", "$2", &from);
    Statement::from_sql_and_values(backend, sql, values(call))
}

fn queue_jobs(backend: DbBackend, call: &Call) -> Statement {
    let sql = put_back_sql(backend, call.whose.condition());
    Statement::from_sql_and_values(backend, sql, values(call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn orphans_are_looked_for_among_the_jobs_in_processing_only() {
        for whose in [Whose::Others, Whose::Expired] {
            let call = Call {
                whose,
                node: NodeId::new(),
                now: DateTime::UNIX_EPOCH,
                reason: String::new(),
            };
            // The partial index holds nothing but the jobs in processing.
            for statement in [
                queue_jobs(DbBackend::Sqlite, &call),
                fail_executions(DbBackend::Sqlite, &call),
            ] {
                assert_eq!(
                    steps_on("j", statement).await,
                    ["SCAN j USING INDEX jobs_processing"]
                );
            }
        }
    }
}
