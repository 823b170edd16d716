//! The queue: which waiting jobs are taken next, and when the next one may be.
//!
//! The index `jobs_waiting` is in the order (priority, run_after, id) and holds the waiting jobs only. Each priority
//! is asked on its own, so that a claim reads no more entries than it may take: in one walk through the index, jobs
//! of a high priority that wait for a later instant would stand in the way of those of a lower one.

use std::collections::HashSet;
use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{ClaimRequest, ClaimedJob, ExecutionId, JobPriority, RepositoryError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use uuid::Uuid;

use super::release::Ended;
use crate::batch::{Batch, Cell, Column, Kind};
use crate::failure::During;
use crate::reader::Reader;
use crate::row::job::read;
use crate::row::{StoredId, Unreadable, awaited, length, micros, rank, text};
use crate::writer::{WriteError, Writer};

/// A lease outlives the timeout of its job by this: the process that enforces the timeout also has to tell of it.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// A lease that is longer ends at no instant that can be stored.
const LONGEST_LEASE: TimeDelta = TimeDelta::days(36_500_000);

/// Which jobs wait. The statuses stand in the text, as they do in the partial index.
pub(super) const WAITING: &str = "status IN ('queued', 'retrying')";

const OPENED: &[Column] = &[("id", Kind::Id), ("job_id", Kind::Id)];

const OPEN_EXECUTIONS: &str = "INSERT INTO executions (id, job_id, attempt, status, input, started_at, node)
    SELECT b.id, j.id, j.attempts, 'running', j.input, $2, $3
    FROM {batch} AS b JOIN jobs AS j ON j.id = b.job_id WHERE true
    ON CONFLICT DO NOTHING";

const NOT_OPENED: &str = "SELECT b.job_id FROM {batch} AS b
    WHERE NOT EXISTS (SELECT 1 FROM executions AS e WHERE e.id = b.id)";

const FAIL: &str =
    "UPDATE jobs SET status = 'failed', error = $2, completed_at = $3, attempts = attempts - 1,
        started_at = CASE WHEN attempts > 1 THEN started_at END, lease_owner = NULL, lease_until = NULL
    WHERE id = $1 RETURNING schedule_id";

/// As many jobs are failed in one claim at the most: its transaction must not keep others waiting.
const MAX_FAILED: usize = 1_000;

pub(super) async fn claim(
    writer: &Writer,
    request: ClaimRequest,
) -> Result<Vec<ClaimedJob>, RepositoryError> {
    if request.limit == 0 {
        return Ok(Vec::new());
    }
    writer
        .write(request, |request, transaction| {
            Box::pin(take(request, transaction))
        })
        .await
        .map_err(|error| error.during("claiming jobs"))
}

pub(super) async fn next_run_after(reader: &Reader) -> Result<Option<DateTime<Utc>>, RepositoryError> {
    const DURING: &str = "looking for the next waiting job";
    let row = reader
        .query_one_raw(next_statement(reader.get_database_backend()))
        .await
        .during(DURING)?;
    let next: Option<i64> = match row {
        Some(row) => row.try_get_by_index(0).during(DURING)?,
        None => None,
    };
    Ok(awaited(next))
}

fn next_statement(backend: DbBackend) -> Statement {
    let earliest: Vec<String> = JobPriority::ALL
        .iter()
        .map(|priority| {
            format!(
                "SELECT MIN(run_after) AS earliest FROM jobs WHERE {WAITING} AND priority = {}",
                rank(*priority)
            )
        })
        .collect();
    let sql = format!(
        "SELECT MIN(earliest) FROM ({}) AS each_priority",
        earliest.join(" UNION ALL ")
    );
    Statement::from_string(backend, sql)
}

/// Takes jobs until there are as many as may be taken, or no more are found. A row that cannot be run is failed, and
/// another one taken in its place.
async fn take(
    request: &ClaimRequest,
    transaction: &DatabaseTransaction,
) -> Result<Vec<ClaimedJob>, WriteError> {
    let mut claimed = Vec::new();
    let mut failed = 0;
    loop {
        let wanted = request.limit as usize - claimed.len();
        let taken = take_once(request, wanted, transaction).await?;
        let (found, unreadable) = (taken.claimed.len() + taken.failed, taken.failed);
        claimed.extend(taken.claimed);
        failed += unreadable;
        if unreadable == 0 || found < wanted || failed >= MAX_FAILED {
            return Ok(claimed);
        }
    }
}

struct Taken {
    claimed: Vec<ClaimedJob>,
    failed: usize,
}

async fn take_once(
    request: &ClaimRequest,
    limit: usize,
    transaction: &DatabaseTransaction,
) -> Result<Taken, WriteError> {
    let backend = transaction.get_database_backend();
    let statement = take_statement(backend, request, limit);
    let mut jobs = Vec::new();
    let mut unfit = Vec::new();
    for row in transaction.query_all_raw(statement).await? {
        match Unreadable::or_read(&row, read)? {
            Ok(job) => jobs.push(job),
            Err(unreadable) => unfit.push(unreadable),
        }
    }
    // RETURNING answers in no particular order.
    jobs.sort_by_key(|job| (std::cmp::Reverse(job.priority), job.run_after, job.id));
    let mut claimed: Vec<ClaimedJob> = jobs
        .into_iter()
        .map(|job| ClaimedJob {
            job,
            execution_id: ExecutionId::new(),
        })
        .collect();
    let unopened = open_executions(request, &claimed, transaction).await?;
    claimed.retain(|claimed| {
        let Some(job) = unopened.get(&claimed.job.id.as_uuid()) else {
            return true;
        };
        unfit.push(Unreadable {
            id: StoredId::Uuid(*job),
            reason: format!(
                "the stored attempts of job {job} cannot be right: there is an execution for attempt {} already",
                claimed.job.attempts
            ),
        });
        false
    });
    let mut ended = Ended::default();
    for job in &unfit {
        if let Some(schedule) = fail(job, request, transaction).await? {
            ended.job_of(schedule, micros(request.now));
        }
    }
    ended.release(transaction).await?;
    Ok(Taken {
        claimed,
        failed: unfit.len(),
    })
}

/// Opens an execution for each job; returns the jobs that have one for this attempt already.
async fn open_executions(
    request: &ClaimRequest,
    claimed: &[ClaimedJob],
    transaction: &DatabaseTransaction,
) -> Result<HashSet<Uuid>, WriteError> {
    let backend = transaction.get_database_backend();
    let mut unopened = HashSet::new();
    let opened = Batch::all(backend, OPENED, claimed, |batch, claimed| {
        batch.push([
            Cell::Id(claimed.execution_id.as_uuid()),
            Cell::Id(claimed.job.id.as_uuid()),
        ]);
    });
    for batch in &opened {
        let written = transaction
            .execute_raw(batch.statement(
                OPEN_EXECUTIONS,
                [micros(request.now).into(), request.node.as_uuid().into()],
            ))
            .await?
            .rows_affected();
        if written == batch.rows() {
            continue;
        }
        for row in transaction.query_all_raw(batch.statement(NOT_OPENED, [])).await? {
            unopened.insert(row.try_get_by_index(0)?);
        }
    }
    Ok(unopened)
}

/// A job that was taken and cannot be run has failed; no attempt was made. Answers with its schedule.
async fn fail(
    job: &Unreadable,
    request: &ClaimRequest,
    transaction: &DatabaseTransaction,
) -> Result<Option<Uuid>, WriteError> {
    let Unreadable { id, reason } = job;
    tracing::error!(job.id = %id, reason, "a job has failed: it cannot be run as it is stored");
    let failed = transaction
        .query_one_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            FAIL,
            [id.clone().into(), text(reason).into(), micros(request.now).into()],
        ))
        .await?;
    // Where that is the column that cannot be read, no job waits for this one: none can be of such a schedule.
    Ok(failed.and_then(|row| row.try_get_by_index::<Option<Uuid>>(0).ok().flatten()))
}

fn take_statement(backend: DbBackend, request: &ClaimRequest, limit: usize) -> Statement {
    Statement::from_sql_and_values(
        backend,
        take_sql(backend),
        [
            micros(request.now).into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
            request.node.as_uuid().into(),
            length(request.default_timeout.min(LONGEST_LEASE)).into(),
        ],
    )
}

/// No number that a row may hold makes the statement fail: that would be one row that stops the queue.
fn take_sql(backend: DbBackend) -> String {
    let (with, picked) = match backend {
        DbBackend::Postgres => pick_on_postgres(),
        _ => (String::new(), pick_on_sqlite()),
    };
    format!(
        "{with} UPDATE jobs SET status = 'processing', started_at = $1, lease_owner = $3,
             attempts = attempts + CASE WHEN attempts < {most} THEN 1 ELSE 0 END,
             lease_until = $1 + {grace} + CASE WHEN timeout_seconds BETWEEN 0 AND {longest}
                                          THEN timeout_seconds * 1000000 ELSE $4 END
         WHERE id IN ({picked}) RETURNING *",
        grace = length(GRACE),
        longest = u32::MAX,
        most = i64::MAX,
    )
}

/// At most `limit` entries of each priority, and of those the first.
fn pick_on_sqlite() -> String {
    let mut each = String::new();
    for priority in JobPriority::ALL {
        let separator = if each.is_empty() { "" } else { " UNION ALL " };
        write!(
            each,
            "{separator}SELECT * FROM (SELECT id, priority, run_after FROM jobs
                 WHERE {WAITING} AND priority = {} AND run_after <= $1 ORDER BY run_after, id LIMIT $2)",
            rank(*priority)
        )
        .expect("a string takes everything that is written to it");
    }
    format!("SELECT id FROM ({each}) ORDER BY priority DESC, run_after, id LIMIT $2")
}

/// Each priority takes what the more important ones have left of the limit, so that no row is locked in vain; a row
/// that another node has locked is left to that node.
fn pick_on_postgres() -> (String, String) {
    let mut with = String::new();
    let mut taken = Vec::new();
    for priority in JobPriority::ALL.iter().rev() {
        let separator = if with.is_empty() { "WITH " } else { ", " };
        let left = taken.iter().fold("$2::bigint".to_owned(), |left, earlier| {
            format!("{left} - (SELECT count(*) FROM {earlier})")
        });
        write!(
            with,
            "{separator}{priority} AS MATERIALIZED (SELECT id FROM jobs
                 WHERE {WAITING} AND priority = {} AND run_after <= $1
                 ORDER BY run_after, id LIMIT {left} FOR UPDATE SKIP LOCKED)",
            rank(*priority)
        )
        .expect("a string takes everything that is written to it");
        taken.push(priority.to_string());
    }
    let picked: Vec<String> = taken
        .iter()
        .map(|name| format!("SELECT id FROM {name}"))
        .collect();
    (with, picked.join(" UNION ALL "))
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::NodeId;

    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn a_claim_reads_the_head_of_each_priority_and_the_rows_it_takes() {
        let request = ClaimRequest {
            node: NodeId::new(),
            now: DateTime::UNIX_EPOCH,
            limit: 10,
            default_timeout: TimeDelta::seconds(1),
        };
        let mut expected = vec!["SEARCH jobs USING COVERING INDEX sqlite_autoindex_jobs_1 (id=?)"];
        expected.extend(
            ["SEARCH jobs USING INDEX jobs_waiting (priority=? AND run_after<?)"; JobPriority::ALL.len()],
        );
        assert_eq!(
            steps(take_statement(DbBackend::Sqlite, &request, 10)).await,
            expected
        );
    }

    #[tokio::test]
    async fn the_next_waiting_job_is_the_head_of_a_priority() {
        let mut expected = vec!["SEARCH jobs USING INDEX jobs_waiting (priority=?)"; JobPriority::ALL.len()];
        expected.push("SEARCH each_priority");
        assert_eq!(steps(next_statement(DbBackend::Sqlite)).await, expected);
    }
}
