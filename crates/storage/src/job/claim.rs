//! The queue: which waiting jobs are taken next, and when the next one may be.
//!
//! The index `jobs_waiting` is in the order (priority, run_after, id) and holds the waiting jobs only. Each priority
//! is asked on its own, so that a claim reads no more entries than it may take: in one walk through the index, jobs
//! of a high priority that wait for a later instant would stand in the way of those of a lower one. Jobs that a limit of
//! their task or key stands before are in another index: see [`super::gates`].
//!
//! A claim is two statements: one picks the jobs from the index alone, one takes them.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{ClaimRequest, ClaimedJob, ExecutionId, JobPriority, RepositoryError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use uuid::Uuid;

use super::gates;
use super::release::Ended;
use crate::batch::{Batch, Cell, Column, Kind};
use crate::failure::During;
use crate::reader::Reader;
use crate::row::job::read;
use crate::row::{StoredId, Unreadable, awaited, micros, rank, text};
use crate::writer::{WriteError, Writer};

/// Which jobs wait. The words are those of the partial indexes.
pub(super) const WAITING: &str = "status IN ('queued', 'retrying')";

/// Which of them no limit stands before.
pub(super) const OPEN: &str = "status IN ('queued', 'retrying') AND gate IS NULL";

/// A job is aged when it could have run so long ago.
const AGED: TimeDelta = TimeDelta::minutes(1);

const PICKED: &[Column] = &[("id", Kind::Id), ("execution_id", Kind::Id)];

/// No number that a row may hold makes the statement fail: that would be one row that stops the queue.
const TAKE: &str =
    "UPDATE jobs AS j SET status = 'processing', started_at = $2, lease_owner = $3, lease_until = $4,
        execution_id = b.execution_id,
        attempts = j.attempts + CASE WHEN j.attempts < 9223372036854775807 THEN 1 ELSE 0 END
    FROM {batch} AS b WHERE j.id = b.id AND j.status IN ('queued', 'retrying') RETURNING ";

const FAIL: &str = "UPDATE jobs SET status = 'failed', error = $2, completed_at = $3,
        attempts = attempts - CASE WHEN execution_id IS NULL THEN 0 ELSE 1 END,
        started_at = CASE WHEN attempts > 1 THEN started_at END, {no_attempt}
    WHERE id = $1 RETURNING schedule_id, has_dependents";

/// As many jobs are failed in one claim at the most: its transaction must not keep others waiting.
const MAX_FAILED: usize = 1_000;

/// A waiting job that may be taken, and what it is preferred by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub(super) id: Uuid,
    pub(super) priority: i16,
    pub(super) run_after: i64,
}

impl Pick {
    /// The smaller goes first.
    pub(super) fn place(&self) -> (std::cmp::Reverse<i16>, i64, Uuid) {
        (std::cmp::Reverse(self.priority), self.run_after, self.id)
    }
}

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

pub(super) async fn next_run_after(
    reader: &Reader,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, RepositoryError> {
    const DURING: &str = "looking for the next waiting job";
    let row = reader
        .query_one_raw(next_statement(reader.get_database_backend()))
        .await
        .during(DURING)?;
    let open: Option<i64> = match row {
        Some(row) => row.try_get_by_index(0).during(DURING)?,
        None => None,
    };
    let gated = gates::next_run_after(reader, micros(now)).await.during(DURING)?;
    Ok(awaited(open.into_iter().chain(gated).min()))
}

fn next_statement(backend: DbBackend) -> Statement {
    let earliest: Vec<String> = JobPriority::ALL
        .iter()
        .map(|priority| {
            format!(
                "SELECT MIN(run_after) AS earliest FROM jobs WHERE {OPEN} AND priority = {}",
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
    let mut picks = Vec::new();
    let mut unfit = Vec::new();
    for row in transaction
        .query_all_raw(pick_statement(backend, request, limit))
        .await?
    {
        match StoredId::of(&row)? {
            StoredId::Uuid(id) => picks.push(Pick {
                id,
                priority: row.try_get_by_index(1)?,
                run_after: row.try_get_by_index(2)?,
            }),
            id @ StoredId::Bytes(_) => unfit.push(Unreadable::no_uuid(id)),
        }
    }
    let gated = gates::pick(request, limit, transaction).await?;
    unfit.extend(gated.unfit);
    if !gated.picks.is_empty() {
        picks.extend(gated.picks);
        put_in_order(&mut picks, request, |pick| *pick);
        picks.truncate(limit);
    }
    take_picked(request, &picks, unfit, transaction).await
}

/// The most important first; before them as many aged ones as the request says.
pub(super) fn put_in_order<T>(items: &mut [T], request: &ClaimRequest, pick: impl Fn(&T) -> Pick) {
    let since = aged_since(request);
    items.sort_unstable_by_key(|item| (pick(item).run_after, pick(item).id));
    let aged = items.iter().take(request.aged as usize);
    let aged = aged.take_while(|item| pick(item).run_after <= since).count();
    items[aged..].sort_unstable_by_key(|item| pick(item).place());
}

/// A job that could have run by then is aged.
pub(super) fn aged_since(request: &ClaimRequest) -> i64 {
    micros(request.now - AGED)
}

async fn take_picked(
    request: &ClaimRequest,
    picks: &[Pick],
    mut unfit: Vec<Unreadable>,
    transaction: &DatabaseTransaction,
) -> Result<Taken, WriteError> {
    let backend = transaction.get_database_backend();
    let mut claimed = Vec::with_capacity(picks.len());
    // The ids of the attempts are made in the order in which the jobs are to be run.
    for batch in &Batch::all(backend, PICKED, picks, |batch, pick| {
        batch.push([Cell::Id(pick.id), Cell::Id(ExecutionId::new().as_uuid())]);
    }) {
        let statement = batch.statement(
            &take_sql(backend),
            [
                micros(request.now).into(),
                request.node.as_uuid().into(),
                micros(request.lease_until).into(),
            ],
        );
        for row in transaction.query_all_raw(statement).await? {
            match Unreadable::or_read(&row, read)? {
                Ok(job) => {
                    let execution_id = job.execution_id.ok_or(WriteError::Conflict)?;
                    claimed.push(ClaimedJob { job, execution_id });
                }
                Err(unreadable) => unfit.push(unreadable),
            }
        }
    }
    // RETURNING answers in no particular order.
    claimed.sort_unstable_by_key(|claimed| claimed.execution_id);
    let mut ended = Ended::default();
    for job in &unfit {
        fail(job, request, &mut ended, transaction).await?;
    }
    ended.release(transaction).await?;
    Ok(Taken {
        claimed,
        failed: unfit.len(),
    })
}

fn take_sql(backend: DbBackend) -> String {
    // Each database has its own word for the columns of the table alone.
    let row = match backend {
        DbBackend::Postgres => "j.*",
        _ => "*",
    };
    format!("{TAKE}{row}")
}

/// A job that was taken and cannot be run has failed; no attempt was made.
async fn fail(
    job: &Unreadable,
    request: &ClaimRequest,
    ended: &mut Ended,
    transaction: &DatabaseTransaction,
) -> Result<(), WriteError> {
    let Unreadable { id, reason } = job;
    tracing::error!(job.id = %id, reason, "a job has failed: it cannot be run as it is stored");
    let at = micros(request.now);
    let failed = transaction
        .query_one_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            FAIL.replace("{no_attempt}", super::ended_execution::NO_ATTEMPT),
            [id.clone().into(), text(reason).into(), at.into()],
        ))
        .await?;
    let Some(row) = failed else { return Ok(()) };
    // Where that is the column that cannot be read, no job waits for this one: none can be of such a schedule.
    if let Some(schedule) = row.try_get_by_index::<Option<Uuid>>(0).ok().flatten() {
        ended.job_of(schedule, at);
    }
    if let (Some(id), Ok(true)) = (id.as_uuid(), row.try_get_by_index::<bool>(1)) {
        ended.awaited(id, at);
    }
    Ok(())
}

fn pick_statement(backend: DbBackend, request: &ClaimRequest, limit: usize) -> Statement {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let aged = i64::from(request.aged).min(most);
    let mut values = vec![micros(request.now).into(), most.into()];
    if aged > 0 {
        values.extend([aged_since(request).into(), aged.into()]);
    }
    let sql = match backend {
        DbBackend::Postgres => pick_on_postgres(aged > 0),
        _ => pick_on_sqlite(aged > 0),
    };
    Statement::from_sql_and_values(backend, sql, values)
}

/// The first entries of each priority of the jobs that meet the condition, as many as `limit` says, that could have run
/// by `due`; all three are SQL.
pub(super) fn heads(condition: &str, due: &str, limit: &str) -> String {
    let mut heads = String::new();
    for priority in JobPriority::ALL {
        let separator = if heads.is_empty() { "" } else { " UNION ALL " };
        write!(
            heads,
            "{separator}SELECT * FROM (SELECT id, priority, run_after FROM jobs
                 WHERE {condition} AND priority = {} AND run_after <= {due} ORDER BY run_after, id LIMIT {limit}) AS p{}",
            rank(*priority),
            rank(*priority)
        )
        .expect("a string takes everything that is written to it");
    }
    heads
}

/// At most `limit` entries of each priority, and of those the first; before them the aged ones.
fn pick_on_sqlite(aged: bool) -> String {
    let first = format!(
        "SELECT id, priority, run_after FROM ({}) ORDER BY priority DESC, run_after, id LIMIT $2",
        heads(OPEN, "$1", "$2")
    );
    if !aged {
        return first;
    }
    format!(
        "WITH aged AS MATERIALIZED (
             SELECT id, priority, run_after FROM ({}) ORDER BY run_after, id LIMIT $4
         )
         SELECT id, priority, run_after FROM (
             SELECT 0 AS turn, id, priority, run_after FROM aged
             UNION ALL
             SELECT 1, id, priority, run_after FROM ({first}) WHERE id NOT IN (SELECT id FROM aged)
         ) ORDER BY turn, priority DESC, run_after, id LIMIT $2",
        heads(OPEN, "$3", "$4")
    )
}

/// Each priority takes what the more important ones have left of the limit, so that no row is locked in vain; a row
/// that another node has locked is left to that node.
fn pick_on_postgres(aged: bool) -> String {
    let mut with = "WITH ".to_owned();
    let mut taken: Vec<String> = Vec::new();
    let mut exclude = String::new();
    if aged {
        write!(
            with,
            "aged AS MATERIALIZED (SELECT id, priority, run_after FROM jobs WHERE {WAITING} AND id IN (
                 SELECT id FROM ({}) AS oldest ORDER BY run_after, id LIMIT $4) FOR UPDATE SKIP LOCKED), ",
            heads(OPEN, "$3", "$4")
        )
        .expect("a string takes everything that is written to it");
        taken.push("aged".to_owned());
        exclude.push_str("AND id NOT IN (SELECT id FROM aged)");
    }
    for (place, priority) in JobPriority::ALL.iter().rev().enumerate() {
        let left = taken.iter().fold("$2::bigint".to_owned(), |left, earlier| {
            format!("{left} - (SELECT count(*) FROM {earlier})")
        });
        write!(
            with,
            "{}{priority} AS MATERIALIZED (SELECT id, priority, run_after FROM jobs
                 WHERE {OPEN} AND priority = {} AND run_after <= $1 {exclude}
                 ORDER BY run_after, id LIMIT {left} FOR UPDATE SKIP LOCKED)",
            if place == 0 { "" } else { ", " },
            rank(*priority)
        )
        .expect("a string takes everything that is written to it");
        taken.push(priority.to_string());
    }
    let picked: Vec<String> = taken
        .iter()
        .map(|name| format!("SELECT id, priority, run_after FROM {name}"))
        .collect();
    format!("{with} {}", picked.join(" UNION ALL "))
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::NodeId;

    use super::*;
    use crate::query_plan::steps;

    fn request(aged: u32) -> ClaimRequest {
        ClaimRequest {
            node: NodeId::new(),
            now: DateTime::UNIX_EPOCH,
            limit: 10,
            aged,
            lease_until: DateTime::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_claim_reads_the_head_of_each_priority_from_the_index_alone() {
        for (aged, times) in [(0, 1), (2, 2)] {
            let mut steps = steps(pick_statement(DbBackend::Sqlite, &request(aged), 10)).await;
            steps.retain(|step| step.contains(" jobs "));
            let head = "SEARCH jobs USING COVERING INDEX jobs_waiting (priority=? AND run_after<?)";
            assert_eq!(steps, vec![head; JobPriority::ALL.len() * times]);
        }
    }

    #[tokio::test]
    async fn jobs_are_taken_by_their_ids() {
        let mut picked = Batch::new(DbBackend::Sqlite, PICKED);
        picked.push([Cell::Null, Cell::Null]);
        let steps = crate::query_plan::steps_on(
            "j",
            picked.statement(&take_sql(DbBackend::Sqlite), [0.into(), 0.into(), 0.into()]),
        )
        .await;
        assert_eq!(steps, ["SEARCH j USING PRIMARY KEY (id=?)"]);
    }

    #[tokio::test]
    async fn the_next_waiting_job_is_the_head_of_a_priority() {
        let mut expected =
            vec!["SEARCH jobs USING COVERING INDEX jobs_waiting (priority=?)"; JobPriority::ALL.len()];
        expected.push("SEARCH each_priority");
        assert_eq!(steps(next_statement(DbBackend::Sqlite)).await, expected);
    }
}
