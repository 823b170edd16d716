//! The queue: which waiting jobs are taken next, and when the next one may be.
//!
//! The index `jobs_waiting` is in the order (priority, run_after, id) and holds the waiting jobs only. Each priority
//! is asked on its own, so that a claim reads no more entries than it may take: in one walk through the index, jobs
//! of a high priority that wait for a later instant would stand in the way of those of a lower one. Jobs that a limit of
//! their task or key stands before are in another index: see [`super::gates`].
//!
//! A claim is two statements: one picks the jobs from the index alone, one takes them.

mod pick;
mod take;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    Claim, ClaimRequest, ClaimedJob, JobEvent, JobPriority, JobStatus, RepositoryError,
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::changed::{self, ChangedJob};
use super::gates;
use super::release::Ended;
use crate::failure::During;
use crate::reader::Reader;
use crate::row::{StoredId, Unreadable, awaited, micros, rank, text};
use crate::writer::{Load, Transaction, WriteError, Writer};
pub(super) use pick::heads;

/// Which jobs wait. The words are those of the partial indexes.
pub(super) const WAITING: &str = "status IN ('queued', 'retrying')";

/// Which of them no limit stands before.
pub(super) const OPEN: &str = "status IN ('queued', 'retrying') AND gate IS NULL";

/// A job is aged when it could have run so long ago.
const AGED: TimeDelta = TimeDelta::minutes(1);

const FAIL: &str = "UPDATE jobs AS j SET status = 'failed', error = $2, completed_at = $3,
        attempts = attempts - CASE WHEN execution_id IS NULL THEN 0 ELSE 1 END,
        started_at = CASE WHEN attempts > 1 THEN started_at END, {no_attempt}
    WHERE id = $1 RETURNING {returned}";

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

pub(super) async fn claim(writer: &Writer, request: ClaimRequest) -> Result<Claim, RepositoryError> {
    if request.limit == 0 {
        return Ok(Claim::default());
    }
    writer
        .write_as(Load::Many, request, |request, transaction| {
            Box::pin(take_all(request, transaction))
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
        .query_one_raw(next_statement(reader.get_database_backend(), micros(now)))
        .await
        .during(DURING)?;
    let Some(row) = row else { return Ok(None) };
    let open: Option<i64> = row.try_get_by_index(0).during(DURING)?;
    let gated: Option<i64> = row.try_get_by_index(1).during(DURING)?;
    Ok(awaited(open.into_iter().chain(gated).min()))
}

/// The earliest of the jobs that no limit stands before, and of those that one does.
fn next_statement(backend: DbBackend, now: i64) -> Statement {
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
        "SELECT (SELECT MIN(earliest) FROM ({}) AS each_priority), ({})",
        earliest.join(" UNION ALL "),
        gates::next_run_after("$1")
    );
    Statement::from_sql_and_values(backend, sql, [now.into()])
}

/// Takes jobs until there are as many as may be taken, or no more are found. A row that cannot be run is failed, and
/// another one taken in its place.
async fn take_all(request: &ClaimRequest, transaction: &Transaction<'_>) -> Result<Claim, WriteError> {
    let mut claim = Claim::default();
    let mut failed = 0;
    loop {
        let wanted = request.limit as usize - claim.jobs.len();
        let taken = take_once(request, wanted, transaction).await?;
        let (found, unreadable) = (taken.claimed.len() + taken.failed, taken.failed);
        claim.jobs.extend(taken.claimed);
        claim.changed.extend(taken.changed);
        failed += unreadable;
        if unreadable == 0 || found < wanted || failed >= MAX_FAILED {
            return Ok(claim);
        }
    }
}

struct Taken {
    claimed: Vec<ClaimedJob>,
    failed: usize,
    changed: Vec<JobEvent>,
}

async fn take_once(
    request: &ClaimRequest,
    limit: usize,
    transaction: &Transaction<'_>,
) -> Result<Taken, WriteError> {
    let backend = transaction.get_database_backend();
    let mut picks = Vec::new();
    let mut unfit = Vec::new();
    for row in transaction
        .query_all_raw(pick::statement(backend, request, limit))
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
    transaction: &Transaction<'_>,
) -> Result<Taken, WriteError> {
    let taken = take::take(request, picks, transaction).await?;
    unfit.extend(taken.unfit);
    let (mut ended, mut changed) = (Ended::default(), Vec::new());
    for job in &unfit {
        changed.extend(fail(job, request, &mut ended, transaction).await?);
    }
    changed.extend(ended.release(transaction).await?.events);
    Ok(Taken {
        claimed: taken.claimed,
        failed: unfit.len(),
        changed,
    })
}

/// A job that was taken and cannot be run has failed; no attempt was made. It is told of if its id can be read.
async fn fail(
    job: &Unreadable,
    request: &ClaimRequest,
    ended: &mut Ended,
    transaction: &Transaction<'_>,
) -> Result<Option<JobEvent>, WriteError> {
    let Unreadable { id, reason } = job;
    tracing::error!(job.id = %id, reason, "a job has failed: it cannot be run as it is stored");
    let at = micros(request.now);
    let backend = transaction.get_database_backend();
    let sql = FAIL
        .replace("{no_attempt}", super::ended_execution::NO_ATTEMPT)
        .replace("{returned}", changed::returned(backend));
    let failed = transaction
        .query_one_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [id.clone().into(), text(reason).into(), at.into()],
        ))
        .await?;
    let Some(row) = failed else { return Ok(None) };
    // Where that is the column that cannot be read, no job waits for this one: none can be of such a schedule.
    if let Some(schedule) = row.try_get_by_index::<Option<Uuid>>(2).ok().flatten() {
        ended.job_of(schedule, at);
    }
    if let (Some(id), Ok(true)) = (id.as_uuid(), row.try_get_by_index::<bool>(5)) {
        ended.awaited(id, at);
    }
    let job = ChangedJob::read(&row)?;
    Ok(job.map(|job| job.event(None, JobStatus::Failed, request.now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn the_next_waiting_job_is_the_head_of_a_priority() {
        let mut expected =
            vec!["SEARCH jobs USING COVERING INDEX jobs_waiting (priority=?)"; JobPriority::ALL.len()];
        expected.push("SEARCH jobs USING COVERING INDEX jobs_gated (gate>?)");
        let mut steps = steps(next_statement(DbBackend::Sqlite, 0)).await;
        steps.retain(|step| step.contains(" jobs"));
        assert_eq!(steps, expected);
    }
}
