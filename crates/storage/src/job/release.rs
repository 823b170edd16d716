//! When a job ends, those that wait for it go into the queue: the first of its schedule's that are buffered, and those
//! that are after it.
//!
//! On PostgreSQL, whoever ends a job locks its schedule, as does whoever fires its ticks: or else a tick could find a job
//! unfinished and have its own wait for it, while that job ends and finds nobody who waits.

use std::collections::BTreeMap;

use ratchet_interfaces::JobStatus;
use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::changed::{self, Changed, ChangedJob};
use super::dependents;
use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::instant;
use crate::writer::{Transaction, WriteError};

/// Which jobs count as unfinished for the ticks of their schedule: those that its ticks or a trigger made. The words are
/// those of the partial index `jobs_unfinished`.
pub(crate) const UNFINISHED: &str =
    "status IN ('queued', 'retrying', 'processing', 'buffered') AND origin IN ('tick', 'trigger')";

const SCHEDULE: &[Column] = &[("schedule_id", Kind::Id), ("ended_at", Kind::Int)];

/// Jobs that have ended, as far as others wait for them.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// The schedules of which jobs have ended, each with the end of the last.
    schedules: BTreeMap<Uuid, i64>,
    /// The jobs that others are after.
    awaited: BTreeMap<Uuid, i64>,
}

impl Ended {
    /// A job of this schedule has ended.
    pub(crate) fn job_of(&mut self, schedule: Uuid, at: i64) {
        let last = self.schedules.entry(schedule).or_insert(at);
        *last = at.max(*last);
    }

    /// This job has ended, and others are after it.
    pub(crate) fn awaited(&mut self, job: Uuid, at: i64) {
        self.awaited.insert(job, at);
    }

    /// Says what became of those that waited.
    pub(crate) async fn release(self, transaction: &Transaction<'_>) -> Result<Changed, WriteError> {
        if transaction.get_database_backend() == DbBackend::Postgres {
            for batch in &self.batches(transaction) {
                transaction.execute_raw(batch.statement(LOCK, [])).await?;
            }
        }
        self.release_locked(transaction).await
    }

    /// The same, where the schedules are locked already.
    pub(crate) async fn release_locked(self, transaction: &Transaction<'_>) -> Result<Changed, WriteError> {
        let sql = release_sql(transaction.get_database_backend());
        let mut changed = Changed::default();
        for batch in &self.batches(transaction) {
            let released = transaction.query_all_raw(batch.statement(&sql, [])).await?;
            changed.released += released.len() as u64;
            for job in ChangedJob::all(&released)? {
                // It may run from the end on of the job that it waited for.
                let at = job.run_after.and_then(instant);
                changed
                    .events
                    .extend(at.map(|at| job.event(Some(JobStatus::Buffered), JobStatus::Queued, at)));
            }
        }
        changed.append(dependents::decide(self.awaited, transaction).await?);
        Ok(changed)
    }

    fn batches(&self, transaction: &Transaction<'_>) -> Vec<Batch> {
        Batch::all(
            transaction.get_database_backend(),
            SCHEDULE,
            &self.schedules,
            |batch, (schedule, ended_at)| batch.push([Cell::Id(*schedule), Cell::Int(*ended_at)]),
        )
    }
}

const LOCK: &str = "SELECT 1 FROM schedules AS s JOIN {batch} AS b ON s.id = b.schedule_id
    ORDER BY s.id FOR NO KEY UPDATE OF s";

fn release_sql(backend: DbBackend) -> String {
    format!(
        "UPDATE jobs AS j SET status = 'queued', run_after = b.ended_at FROM {{batch}} AS b
         WHERE j.id = (SELECT w.id FROM jobs AS w WHERE w.schedule_id = b.schedule_id AND {UNFINISHED}
                           AND w.status = 'buffered' ORDER BY w.id LIMIT 1)
           AND NOT EXISTS (SELECT 1 FROM jobs AS a WHERE a.schedule_id = b.schedule_id AND {UNFINISHED}
                               AND a.status <> 'buffered')
         RETURNING {}",
        changed::returned(backend)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn only_the_unfinished_jobs_of_a_schedule_are_looked_at() {
        let mut schedules = Batch::new(DbBackend::Sqlite, SCHEDULE);
        schedules.push([Cell::Null, Cell::Null]);
        let mut steps = steps(schedules.statement(&release_sql(DbBackend::Sqlite), [])).await;
        steps.retain(|step| ["j", "w", "a"].contains(&step.split(' ').nth(1).unwrap()));
        assert_eq!(
            steps,
            [
                "SEARCH a USING COVERING INDEX jobs_unfinished (schedule_id=?)",
                "SEARCH j USING PRIMARY KEY (id=?)",
                "SEARCH w USING COVERING INDEX jobs_unfinished (schedule_id=?)"
            ]
        );
    }
}
