//! What of firings is on disk already.

use std::collections::{HashMap, HashSet};

use ratchet_interfaces::{AdjustedFiring, FiringOutcome, JobId, TickFiring, TickRecord};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::HOLDS;
use super::batches::Batches;
use crate::row::micros;
use crate::writer::{Transaction, WriteError};

/// A tick: its schedule and its nominal time.
type Key = (Uuid, i64);

/// What is left of firings when those that are stale, and whatever is on disk already, are taken out.
pub(super) struct Remaining {
    /// Which of the firings hold.
    hold: Vec<bool>,
    firings: Vec<TickFiring>,
    /// Of each of the firings that hold, the records whose jobs there are already.
    aside: Vec<Vec<TickRecord>>,
    /// Of each of these, whether it is what was decided.
    whole: Vec<bool>,
}

impl Remaining {
    pub(super) async fn of(
        firings: &[TickFiring],
        all: &Batches,
        transaction: &Transaction<'_>,
    ) -> Result<Self, WriteError> {
        let mut holding = schedules_that_hold(all, transaction).await?;
        let ledger = ledger_rows(all, transaction).await?;
        let queue = queued_jobs(all, transaction).await?;
        let mut remaining = Self {
            hold: Vec::with_capacity(firings.len()),
            firings: Vec::new(),
            aside: Vec::new(),
            whole: Vec::new(),
        };
        for firing in firings {
            // Taken out, so that a second firing of the same schedule in one call is stale, as it would be in a later.
            let holds = holding.remove(&firing.schedule_id.as_uuid());
            remaining.hold.push(holds);
            if holds {
                let (decided, firing) = (firing, firing.clone());
                let (firing, aside) = without_what_exists(firing, &ledger, &queue);
                remaining.whole.push(firing == *decided);
                remaining.firings.push(firing);
                remaining.aside.push(aside);
            }
        }
        Ok(remaining)
    }

    pub(super) fn take_firings(&mut self) -> Vec<TickFiring> {
        std::mem::take(&mut self.firings)
    }

    pub(super) fn aside(&self) -> impl Iterator<Item = &[TickRecord]> {
        self.aside.iter().map(Vec::as_slice)
    }

    /// The answers to all firings, made of those that hold and what was made of them.
    pub(super) fn outcomes(
        self,
        firings: &[TickFiring],
        written: impl IntoIterator<Item = FiringOutcome>,
    ) -> Vec<FiringOutcome> {
        let mut written = written
            .into_iter()
            .zip(firings)
            .zip(self.aside)
            .zip(self.whole)
            .map(|(((outcome, firing), aside), whole)| match outcome {
                FiringOutcome::Committed if !whole => FiringOutcome::Adjusted(Box::new(AdjustedFiring {
                    firing: firing.clone(),
                    aside,
                    stops_jobs: false,
                })),
                FiringOutcome::Adjusted(adjusted) => {
                    FiringOutcome::Adjusted(Box::new(AdjustedFiring { aside, ..*adjusted }))
                }
                outcome => outcome,
            });
        self.hold
            .iter()
            .map(|holds| {
                if *holds {
                    written.next().expect("each firing that holds has an answer")
                } else {
                    FiringOutcome::Stale
                }
            })
            .collect()
    }
}

/// Takes out of a firing whatever is on disk already. Records that are not, but whose jobs are, stand aside.
fn without_what_exists(
    mut firing: TickFiring,
    ledger: &HashMap<Key, Option<Uuid>>,
    queue: &HashMap<Key, Uuid>,
) -> (TickFiring, Vec<TickRecord>) {
    let schedule = firing.schedule_id.as_uuid();
    let mut earlier: HashMap<JobId, Option<JobId>> = HashMap::new();
    for record in firing.jobs() {
        let key = (schedule, micros(record.scheduled_for));
        let exists = match (ledger.get(&key), queue.get(&key)) {
            (Some(recorded), queued) => Some(recorded.or(queued.copied())),
            (None, Some(queued)) => Some(Some(*queued)),
            (None, None) => None,
        };
        if let (Some(job), Some(exists)) = (record.job_id, exists) {
            earlier.insert(job, exists.map(JobId::from_uuid));
        }
    }
    let mut seen = HashSet::new();
    let mut kept = Vec::with_capacity(firing.records.len());
    let mut aside = Vec::new();
    for mut record in firing.records {
        let at = micros(record.scheduled_for);
        if !seen.insert(at) {
            continue;
        }
        let replaces = record.job_id.and_then(|job| earlier.get(&job));
        if let Some(job) = replaces {
            record.job_id = *job;
        }
        if ledger.contains_key(&(schedule, at)) {
            continue;
        }
        if replaces.is_some() && record.outcome.is_run() {
            aside.push(record);
        } else {
            kept.push(record);
        }
    }
    firing.records = kept;
    (firing, aside)
}

async fn schedules_that_hold(
    all: &Batches,
    transaction: &Transaction<'_>,
) -> Result<HashSet<Uuid>, WriteError> {
    let sql = format!("SELECT s.id FROM {{batch}} AS b JOIN schedules AS s ON {HOLDS}");
    let mut ids = HashSet::new();
    for batch in &all.firings {
        let statement = batch.statement(&sql, []);
        for row in transaction.query_all_raw(statement).await? {
            ids.insert(row.try_get_by_index(0)?);
        }
    }
    Ok(ids)
}

/// What the ledger has of the ticks of the records `b`: a row that begins with it, or a range that holds it. What is
/// excluded is no tick, and so stands only against what is excluded as well. The plus keeps SQLite from going through
/// all that the schedule's ledger has of before, instead of the ranges.
const RECORDED: &str = "SELECT b.schedule_id, b.scheduled_for, t.job_id FROM {batch} AS b
        JOIN ticks AS t ON t.schedule_id = b.schedule_id AND t.scheduled_for = b.scheduled_for AND t.request = 0
            AND (t.outcome <> 'excluded' OR b.outcome = 'excluded')
    UNION ALL
    SELECT b.schedule_id, b.scheduled_for, t.job_id FROM {batch} AS b
        JOIN ticks AS t ON t.schedule_id = b.schedule_id AND t.through > t.scheduled_for
            AND t.through >= b.scheduled_for AND +t.scheduled_for < b.scheduled_for
            AND t.outcome <> 'excluded' AND b.outcome <> 'excluded'";

async fn ledger_rows(
    all: &Batches,
    transaction: &Transaction<'_>,
) -> Result<HashMap<Key, Option<Uuid>>, WriteError> {
    let mut rows = HashMap::new();
    for batch in &all.records {
        let statement = batch.statement(RECORDED, []);
        for row in transaction.query_all_raw(statement).await? {
            let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            rows.insert(key, row.try_get_by_index(2)?);
        }
    }
    Ok(rows)
}

/// The jobs of the ticks of the records `b`.
const QUEUED: &str = "SELECT j.schedule_id, j.scheduled_for, j.id FROM {batch} AS b
    JOIN jobs AS j ON j.schedule_id = b.schedule_id AND j.scheduled_for = b.scheduled_for AND j.request = 0
    WHERE b.outcome IN ('fired', 'buffered')";

async fn queued_jobs(all: &Batches, transaction: &Transaction<'_>) -> Result<HashMap<Key, Uuid>, WriteError> {
    let mut rows = HashMap::new();
    for batch in &all.records {
        let statement = batch.statement(QUEUED, []);
        for row in transaction.query_all_raw(statement).await? {
            let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            rows.insert(key, row.try_get_by_index(2)?);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::*;
    use crate::batch::{Batch, Cell};
    use crate::query_plan::steps_on;
    use crate::row::tick;

    #[tokio::test]
    async fn what_exists_is_found_by_keys() {
        let mut records = Batch::new(DbBackend::Sqlite, tick::COLUMNS);
        records.push([const { Cell::Null }; tick::COLUMNS.len()]);
        assert_eq!(
            steps_on("t", records.statement(RECORDED, [])).await,
            [
                "SEARCH t USING PRIMARY KEY (schedule_id=? AND scheduled_for=? AND request=?)",
                "SEARCH t USING INDEX ticks_ranges (schedule_id=? AND through>?)"
            ]
        );
        assert_eq!(
            steps_on("j", records.statement(QUEUED, [])).await,
            [
                "SEARCH j USING COVERING INDEX jobs_schedule_id_scheduled_for_request_key (schedule_id=? AND scheduled_for=? AND request=?)"
            ]
        );
    }
}
