//! What the unfinished jobs of the schedules mean for firings, read and decided in their transaction.

use std::collections::HashMap;

use ratchet_interfaces::{
    AdjustedFiring, FiringOutcome, JobEvent, JobId, JobStatus, OverlapDecision, TickFiring, UnfinishedJob,
    asks_for_overlap, decide_overlap,
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::batches::Batches;
use crate::batch::{Batch, Cell, Column, Kind};
use crate::job::{ChangedJob, Ended, NO_ATTEMPT, UNFINISHED, returned_job, write_ended_execution};
use crate::row::micros;
use crate::writer::{Transaction, WriteError};

const SCHEDULE: &[Column] = &[("schedule_id", Kind::Id)];

const RUN_COUNTS: &str =
    "SELECT s.id, s.run_count FROM {batch} AS b JOIN schedules AS s ON s.id = b.schedule_id";

const CALLED_OFF: &[Column] = &[("job_id", Kind::Id), ("at", Kind::Int), ("reason", Kind::Text)];

const CANCEL: &str = "UPDATE jobs AS j SET status = 'cancelled', error = b.reason, completed_at = b.at
    FROM {batch} AS b WHERE j.id = b.job_id AND j.status IN ('queued', 'retrying', 'buffered')
    RETURNING ";

const ASK_TO_STOP: &str = "UPDATE jobs AS j SET stop_requested_at = COALESCE(j.stop_requested_at, b.at)
    FROM {batch} AS b WHERE j.id = b.job_id AND j.status = 'processing'";

fn terminate_sql() -> String {
    format!(
        "UPDATE jobs AS j SET status = 'cancelled', error = b.reason, completed_at = b.at, {NO_ATTEMPT}
         FROM {{batch}} AS b WHERE j.id = b.job_id AND j.status = 'processing'
         RETURNING "
    )
}

fn cancel_executions_sql() -> String {
    let from = "{batch} AS b JOIN jobs AS j ON j.id = b.job_id WHERE true";
    write_ended_execution("'cancelled'", "b.reason", "b.at", from)
}

/// What becomes of firings: those that are not named stay as they were decided.
pub(super) struct Decisions {
    /// By the place of the firing.
    changed: HashMap<usize, OverlapDecision>,
}

fn unfinished_sql() -> String {
    format!(
        "SELECT j.schedule_id, j.id, j.status FROM {{batch}} AS b
         JOIN jobs AS j ON j.schedule_id = b.schedule_id AND {UNFINISHED} WHERE b.asks"
    )
}

impl Decisions {
    pub(super) async fn on(
        firings: &[TickFiring],
        batches: &Batches,
        transaction: &Transaction<'_>,
    ) -> Result<Self, WriteError> {
        let mut changed = HashMap::new();
        if !firings.iter().any(asks_for_overlap) {
            return Ok(Self { changed });
        }
        let unfinished = unfinished_jobs(batches, transaction).await?;
        let run_counts = run_counts(firings, transaction).await?;
        for (place, firing) in firings.iter().enumerate() {
            if !asks_for_overlap(firing) {
                continue;
            }
            let schedule = firing.schedule_id.as_uuid();
            let jobs = unfinished.get(&schedule).map_or(&[][..], Vec::as_slice);
            let run_count = run_counts.get(&schedule).copied().unwrap_or_default();
            if let Some(decision) = decide_overlap(firing, jobs, run_count) {
                changed.insert(place, decision);
            }
        }
        Ok(Self { changed })
    }

    pub(super) fn are_none(&self) -> bool {
        self.changed.is_empty()
    }

    /// The firings as they are to be written, in their order.
    pub(super) fn apply_to<'a>(&'a self, firings: &'a [TickFiring]) -> Vec<&'a TickFiring> {
        firings
            .iter()
            .enumerate()
            .map(|(place, firing)| {
                self.changed
                    .get(&place)
                    .map_or(firing, |decision| &decision.adjusted.firing)
            })
            .collect()
    }

    /// Ends the jobs, or asks them to end, whose place the firings' jobs take. They release none of their schedule, whose
    /// next job is the firing's own; but whoever is after them is decided upon. Says what became of all these, but for the
    /// jobs that ran.
    pub(super) async fn call_off(&self, transaction: &Transaction<'_>) -> Result<Vec<JobEvent>, WriteError> {
        let mut changed = Vec::new();
        if self.are_none() {
            return Ok(changed);
        }
        let backend = transaction.get_database_backend();
        let batch = |jobs: fn(&OverlapDecision) -> &[JobId]| {
            let mut rows: Vec<(Uuid, i64, String)> = Vec::new();
            for decision in self.changed.values() {
                let AdjustedFiring { firing, .. } = &decision.adjusted;
                rows.extend(
                    jobs(decision)
                        .iter()
                        .map(|job| (job.as_uuid(), micros(firing.decided_at), reason(firing))),
                );
            }
            rows.sort_unstable();
            Batch::all(backend, CALLED_OFF, rows, |batch, (job, at, reason)| {
                batch.push([Cell::Id(job), Cell::Int(at), Cell::Text(&reason)]);
            })
        };
        let terminated = batch(|decision| &decision.terminated);
        for batch in &terminated {
            transaction
                .execute_raw(batch.statement(&cancel_executions_sql(), []))
                .await?;
        }
        let mut ended = Ended::default();
        for batch in &batch(|decision| &decision.asked_to_stop) {
            let asked = transaction.execute_raw(batch.statement(ASK_TO_STOP, [])).await?;
            written(asked.rows_affected(), batch)?;
        }
        let returned = returned_job(backend);
        for batch in &batch(|decision| &decision.cancelled) {
            let sql = format!("{CANCEL}{returned}");
            let rows = transaction.query_all_raw(batch.statement(&sql, [])).await?;
            written(rows.len() as u64, batch)?;
            for job in ChangedJob::all(&rows)? {
                if let Some(at) = job.completed_at {
                    // Which of the states in which jobs wait it had, the statement does not say.
                    job.cancelled(None, at, &mut ended, &mut changed);
                }
            }
        }
        for batch in &terminated {
            let sql = format!("{}{returned}", terminate_sql());
            let rows = transaction.query_all_raw(batch.statement(&sql, [])).await?;
            written(rows.len() as u64, batch)?;
            for job in ChangedJob::all(&rows)? {
                if let Some(at) = job.completed_at.filter(|_| job.is_awaited) {
                    ended.awaited(job.id, at);
                }
            }
        }
        changed.extend(ended.release_locked(transaction).await?.events);
        Ok(changed)
    }

    /// What became of so many firings that were written.
    pub(super) fn outcomes(mut self, firings: usize) -> Vec<FiringOutcome> {
        (0..firings)
            .map(|place| match self.changed.remove(&place) {
                Some(decision) => FiringOutcome::Adjusted(Box::new(decision.adjusted)),
                None => FiringOutcome::Committed,
            })
            .collect()
    }
}

/// A job may have been claimed, or put back, since it was read: then the decision is made anew.
fn written(rows: u64, batch: &Batch) -> Result<(), WriteError> {
    if rows == batch.rows() {
        return Ok(());
    }
    Err(WriteError::Conflict)
}

/// Why a job was called off, in words.
fn reason(firing: &TickFiring) -> String {
    let policy = firing.policies.overlap;
    match firing.jobs().next_back() {
        Some(record) => format!(
            "the schedule's tick of {} took its place: its overlap policy is {policy}",
            record.scheduled_for.format("%Y-%m-%dT%H:%M:%SZ")
        ),
        None => format!("a later tick of the schedule took its place: its overlap policy is {policy}"),
    }
}

/// The unfinished jobs of the schedules of the firings that ask for them, in the order of their making.
async fn unfinished_jobs(
    batches: &Batches,
    transaction: &Transaction<'_>,
) -> Result<HashMap<Uuid, Vec<UnfinishedJob>>, WriteError> {
    let sql = unfinished_sql();
    let mut found: HashMap<Uuid, Vec<UnfinishedJob>> = HashMap::new();
    for batch in &batches.firings {
        for row in transaction.query_all_raw(batch.statement(&sql, [])).await? {
            let id: Uuid = row.try_get_by_index(1)?;
            let status: String = row.try_get_by_index(2)?;
            let job = UnfinishedJob {
                id: JobId::from_uuid(id),
                status: status
                    .parse::<JobStatus>()
                    .expect("the statement asks for these statuses by their names"),
            };
            found.entry(row.try_get_by_index(0)?).or_default().push(job);
        }
    }
    for jobs in found.values_mut() {
        jobs.sort_unstable_by_key(|job| job.id);
    }
    Ok(found)
}

/// How often those of the schedules have run whose runs are limited.
async fn run_counts(
    firings: &[TickFiring],
    transaction: &Transaction<'_>,
) -> Result<HashMap<Uuid, u64>, WriteError> {
    let limited = firings.iter().filter(|firing| firing.policies.max_runs.is_some());
    let rows = Batch::all(
        transaction.get_database_backend(),
        SCHEDULE,
        limited,
        |batch, firing| batch.push([Cell::Id(firing.schedule_id.as_uuid())]),
    );
    let mut counts = HashMap::new();
    for batch in &rows {
        for row in transaction.query_all_raw(batch.statement(RUN_COUNTS, [])).await? {
            let count: i64 = row.try_get_by_index(1)?;
            counts.insert(row.try_get_by_index(0)?, count.unsigned_abs());
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::super::batches::FIRING;
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn the_unfinished_jobs_are_read_from_their_own_index_alone() {
        let mut firings = Batch::new(DbBackend::Sqlite, FIRING);
        firings.push([const { Cell::Null }; FIRING.len()]);
        assert_eq!(
            steps_on("j", firings.statement(&unfinished_sql(), [])).await,
            ["SEARCH j USING COVERING INDEX jobs_unfinished (schedule_id=?)"]
        );
    }

    #[tokio::test]
    async fn jobs_are_called_off_by_their_ids() {
        let mut jobs = Batch::new(DbBackend::Sqlite, CALLED_OFF);
        jobs.push([const { Cell::Null }; CALLED_OFF.len()]);
        let ended = [CANCEL, &terminate_sql()].map(|sql| format!("{sql}{}", returned_job(DbBackend::Sqlite)));
        for sql in [ASK_TO_STOP, &ended[0], &ended[1], &cancel_executions_sql()] {
            assert_eq!(
                steps_on("j", jobs.statement(sql, [])).await,
                ["SEARCH j USING PRIMARY KEY (id=?)"]
            );
        }
    }
}
