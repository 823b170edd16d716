//! Jobs that wait for other jobs to end.
//!
//! On PostgreSQL two transactions may end two jobs that a third is after, and neither sees what the other has done. So
//! whoever decides locks the waiting job first, and looks at the jobs that it is after in a later statement, which sees
//! what was committed while it waited for the lock. Who creates a job that is after others marks those
//! (`has_dependents`), and waits for who is ending them.

use std::collections::BTreeMap;

use ratchet_interfaces::{DependencyCondition, DependencyDecision, DependencyTally, JobStatus};
use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::changed::{self, Changed, ChangedJob};
use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::{Reading, instant};
use crate::writer::{Transaction, WriteError};

const ENDED: &[Column] = &[("id", Kind::Id), ("ended_at", Kind::Int)];

const WAITING: &str = "SELECT j.id, b.ended_at FROM {batch} AS b
    JOIN job_dependencies AS d ON d.after_id = b.id
    JOIN jobs AS j ON j.id = d.job_id AND j.status = 'blocked'";

const TALLY: &str = "SELECT j.id, j.after_condition, a.status, COUNT(*) FROM {batch} AS b
    JOIN jobs AS j ON j.id = b.id AND j.status = 'blocked'
    JOIN job_dependencies AS d ON d.job_id = j.id
    JOIN jobs AS a ON a.id = d.after_id
    GROUP BY j.id, j.after_condition, a.status";

const RUN: &str = "UPDATE jobs AS j SET status = 'queued',
        run_after = CASE WHEN j.run_after > b.ended_at THEN j.run_after ELSE b.ended_at END
    FROM {batch} AS b WHERE j.id = b.id AND j.status = 'blocked' RETURNING ";

/// The names are none of the table's: what is answered would be ambiguous.
const CANCELLED: &[Column] = &[
    ("job_id", Kind::Id),
    ("ended_at", Kind::Int),
    ("reason", Kind::Text),
];

const CANCEL: &str = "UPDATE jobs AS j SET status = 'cancelled', error = b.reason, completed_at = b.ended_at
    FROM {batch} AS b WHERE j.id = b.job_id AND j.status = 'blocked' RETURNING ";

const DEPENDENCY: &[Column] = &[("after_id", Kind::Id), ("job_id", Kind::Id)];

const MARK_AWAITED: &str =
    "UPDATE jobs AS j SET has_dependents = TRUE FROM {batch} AS b WHERE j.id = b.after_id";

/// Writes that jobs wait for others: of each pair, the second for the first.
pub(crate) async fn have_wait(
    mut pairs: Vec<(Uuid, Uuid)>,
    transaction: &Transaction<'_>,
) -> Result<(), WriteError> {
    // In the order of the ids, in which others lock the rows as well.
    pairs.sort_unstable();
    let backend = transaction.get_database_backend();
    for batch in &Batch::all(backend, DEPENDENCY, &pairs, |batch, (after, job)| {
        batch.push([Cell::Id(*after), Cell::Id(*job)]);
    }) {
        transaction
            .execute_raw(batch.insert("job_dependencies", ""))
            .await?;
        transaction.execute_raw(batch.statement(MARK_AWAITED, [])).await?;
    }
    Ok(())
}

/// Decides about the jobs that wait for these, which have ended, each at its instant; and about those that wait for
/// the ones that are cancelled thereby. Says what became of all these.
pub(super) async fn decide(
    mut ended: BTreeMap<Uuid, i64>,
    transaction: &Transaction<'_>,
) -> Result<Changed, WriteError> {
    let mut changed = Changed::default();
    while !ended.is_empty() {
        let mut waiting: BTreeMap<Uuid, i64> = BTreeMap::new();
        for batch in &batches(transaction, &ended) {
            for row in transaction.query_all_raw(batch.statement(WAITING, [])).await? {
                let at: i64 = row.try_get_by_index(1)?;
                let last = waiting.entry(row.try_get_by_index(0)?).or_insert(at);
                *last = at.max(*last);
            }
        }
        let (decided, cancelled) = decide_about(&waiting, transaction).await?;
        changed.append(decided);
        ended = cancelled;
    }
    Ok(changed)
}

/// Decides about jobs that wait, as things stand. Says what became of them, and which were cancelled that others wait
/// for.
pub(super) async fn decide_about(
    waiting: &BTreeMap<Uuid, i64>,
    transaction: &Transaction<'_>,
) -> Result<(Changed, BTreeMap<Uuid, i64>), WriteError> {
    let backend = transaction.get_database_backend();
    let batches = batches(transaction, waiting);
    if backend == DbBackend::Postgres {
        for batch in &batches {
            let lock =
                "SELECT 1 FROM jobs AS j JOIN {batch} AS b ON j.id = b.id ORDER BY j.id FOR UPDATE OF j";
            transaction.execute_raw(batch.statement(lock, [])).await?;
        }
    }
    let tallies = tallies(&batches, transaction).await?;
    let mut run: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut cancel: Vec<(Uuid, i64, &'static str)> = Vec::new();
    for (job, (condition, tally)) in tallies {
        // Nobody is asked for but those that wait.
        let at = waiting[&job];
        match condition.decide(tally) {
            DependencyDecision::Wait => {}
            DependencyDecision::Run => {
                run.insert(job, at);
            }
            DependencyDecision::Cancel(reason) => cancel.push((job, at, reason)),
        }
    }
    let mut changed = Changed::default();
    let sql = format!("{RUN}{}", changed::returned(backend));
    for batch in &self::batches(transaction, &run) {
        let released = transaction.query_all_raw(batch.statement(&sql, [])).await?;
        changed.released += released.len() as u64;
        for job in ChangedJob::all(&released)? {
            let at = run.get(&job.id).copied().and_then(instant);
            changed
                .events
                .extend(at.map(|at| job.event(Some(JobStatus::Blocked), JobStatus::Queued, at)));
        }
    }
    let sql = format!("{CANCEL}{}", changed::returned(backend));
    let mut awaited = BTreeMap::new();
    for batch in &Batch::all(backend, CANCELLED, &cancel, |batch, (job, at, reason)| {
        batch.push([Cell::Id(*job), Cell::Int(*at), Cell::Text(reason)]);
    }) {
        let cancelled = transaction.query_all_raw(batch.statement(&sql, [])).await?;
        for job in ChangedJob::all(&cancelled)? {
            let Some(ended_at) = waiting.get(&job.id).copied() else {
                continue;
            };
            let at = instant(ended_at);
            changed
                .events
                .extend(at.map(|at| job.event(Some(JobStatus::Blocked), JobStatus::Cancelled, at)));
            if job.is_awaited {
                awaited.insert(job.id, ended_at);
            }
        }
    }
    Ok((changed, awaited))
}

async fn tallies(
    batches: &[Batch],
    transaction: &Transaction<'_>,
) -> Result<BTreeMap<Uuid, (DependencyCondition, DependencyTally)>, WriteError> {
    let mut tallies = BTreeMap::new();
    for batch in batches {
        for row in transaction.query_all_raw(batch.statement(TALLY, [])).await? {
            let job: Uuid = row.try_get_by_index(0)?;
            let condition: String = row.try_get_by_index(1)?;
            let condition = Reading::of("job", &job).name("after_condition", &condition)?;
            let status: String = row.try_get_by_index(2)?;
            let count: i64 = row.try_get_by_index(3)?;
            let (_, tally) = tallies
                .entry(job)
                .or_insert((condition, DependencyTally::default()));
            let place = match status.as_str() {
                "completed" => &mut tally.completed,
                "failed" | "cancelled" => &mut tally.failed,
                _ => &mut tally.unfinished,
            };
            *place += count.unsigned_abs();
        }
    }
    Ok(tallies)
}

fn batches(transaction: &Transaction<'_>, jobs: &BTreeMap<Uuid, i64>) -> Vec<Batch> {
    Batch::all(
        transaction.get_database_backend(),
        ENDED,
        jobs,
        |batch, (job, at)| {
            batch.push([Cell::Id(*job), Cell::Int(*at)]);
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn who_waits_and_for_what_is_found_by_key() {
        let mut ended = Batch::new(DbBackend::Sqlite, ENDED);
        ended.push([Cell::Null, Cell::Null]);
        assert_eq!(
            steps_on("d", ended.statement(WAITING, [])).await,
            ["SEARCH d USING PRIMARY KEY (after_id=?)"]
        );
        assert_eq!(
            steps_on("d", ended.statement(TALLY, [])).await,
            ["SEARCH d USING COVERING INDEX job_dependencies_job_id (job_id=?)"]
        );
        assert_eq!(
            steps_on("a", ended.statement(TALLY, [])).await,
            ["SEARCH a USING PRIMARY KEY (id=?)"]
        );
    }
}
