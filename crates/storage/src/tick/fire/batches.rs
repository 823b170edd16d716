use ratchet_interfaces::{TickFiring, TickRecord, asks_for_overlap};
use sea_orm::{ConnectionTrait, DbBackend};

use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::{micros, tick};
use crate::tick::lock;
use crate::writer::{Transaction, WriteError};

/// A firing but for its ledger rows.
pub(super) const FIRING: &[Column] = &[
    ("schedule_id", Kind::Id),
    ("timing_version", Kind::Int),
    ("expected_run", Kind::Int),
    ("next_run", Kind::Int),
    ("last_run", Kind::Int),
    ("runs", Kind::Int),
    ("completion", Kind::Text),
    ("resumes", Kind::Bool),
    ("asks", Kind::Bool),
];

/// Ledger rows at ticks that a specification excluded once and does not any more give way to what became of them.
pub(in crate::tick) const REPLACE_EXCLUDED: &str = "DELETE FROM ticks WHERE outcome = 'excluded'
    AND (schedule_id, scheduled_for, request) IN (
        SELECT b.schedule_id, b.scheduled_for, b.request FROM {batch} AS b WHERE b.outcome <> 'excluded'
    )";

/// Firings in the form in which they are written.
#[derive(Debug)]
pub(super) struct Batches {
    pub(super) firings: Vec<Batch>,
    /// The ledger rows; those of the outcomes fired and buffered become jobs.
    pub(super) records: Vec<Batch>,
    /// Ledger rows whose jobs there are already.
    pub(super) aside: Vec<Batch>,
    pub(super) jobs: u64,
}

impl Batches {
    /// Of firings, and of the records of each that become no job because there is one.
    pub(super) fn of<'a>(
        backend: DbBackend,
        firings: impl IntoIterator<Item = (&'a TickFiring, &'a [TickRecord])>,
    ) -> Self {
        // In the order of the ids, in which PostgreSQL locks the rows as well.
        let mut sorted: Vec<(&TickFiring, &[TickRecord])> = firings.into_iter().collect();
        sorted.sort_unstable_by_key(|(firing, _)| firing.schedule_id);
        let records = sorted
            .iter()
            .flat_map(|(firing, _)| firing.records.iter().map(|record| (firing.schedule_id, record)));
        let aside = sorted
            .iter()
            .flat_map(|(firing, aside)| aside.iter().map(|record| (firing.schedule_id, record)));
        Self {
            records: Batch::all(backend, tick::COLUMNS, records, |batch, (schedule_id, record)| {
                tick::push(batch, schedule_id, 0, record);
            }),
            aside: Batch::all(backend, tick::COLUMNS, aside, |batch, (schedule_id, record)| {
                tick::push(batch, schedule_id, 0, record);
            }),
            jobs: sorted
                .iter()
                .map(|(firing, _)| firing.jobs().count() as u64)
                .sum(),
            firings: Batch::all(backend, FIRING, sorted, |batch, (firing, _)| push(batch, firing)),
        }
    }

    pub(super) async fn lock_schedules(&self, transaction: &Transaction<'_>) -> Result<(), WriteError> {
        for batch in &self.firings {
            lock(batch, transaction).await?;
        }
        Ok(())
    }

    pub(super) async fn replace_excluded(&self, transaction: &Transaction<'_>) -> Result<(), WriteError> {
        for batch in self.records.iter().chain(&self.aside) {
            transaction
                .execute_raw(batch.statement(REPLACE_EXCLUDED, []))
                .await?;
        }
        Ok(())
    }
}

fn push(batch: &mut Batch, firing: &TickFiring) {
    let TickFiring {
        schedule_id,
        expected_timing_version,
        expected_next_run,
        policies: _,
        records: _,
        next_run,
        completion,
        resumes,
        decided_at: _,
    } = firing;
    let runs = firing.jobs().count();
    let last_run = firing.jobs().map(|record| record.scheduled_for).max();
    batch.push([
        Cell::Id(schedule_id.as_uuid()),
        Cell::Int((*expected_timing_version).into()),
        Cell::Int(micros(*expected_next_run)),
        Cell::int(next_run.map(micros)),
        Cell::int(last_run.map(micros)),
        Cell::Int(runs as i64),
        Cell::text(completion.as_deref()),
        Cell::bool(*resumes),
        Cell::bool(asks_for_overlap(firing)),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn excluded_rows_are_found_by_their_key() {
        let mut records = Batch::new(DbBackend::Sqlite, tick::COLUMNS);
        records.push([const { Cell::Null }; tick::COLUMNS.len()]);
        assert_eq!(
            steps_on("ticks", records.statement(REPLACE_EXCLUDED, [])).await,
            ["SEARCH ticks USING PRIMARY KEY (schedule_id=? AND scheduled_for=? AND request=?)"]
        );
    }
}
