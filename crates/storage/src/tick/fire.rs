//! The hot path: due ticks become jobs.
//!
//! A call is first tried as if nothing stood against it: one statement moves the schedules on, one makes the jobs,
//! one writes the ledger, and each says how many rows it wrote. Where that is not as many as were asked for,
//! everything is undone and done again from what the rows really say. That is rare (an edit, a second node, a clock
//! that was set back), and so it costs the rule nothing.
//!
//! | what the rows say | what becomes of the firing |
//! |---|---|
//! | the schedule is disabled, gone, or has another version or `next_run` | stale: nothing is written |
//! | the ledger has one of its ticks already, on its own or within a range | that row stays; the others are written |
//! | the ledger or the queue has the tick of its job already | no second job: the records name the first one, and the schedule moves on without counting a run |

use std::collections::{HashMap, HashSet};

use ratchet_interfaces::{FiringOutcome, JobId, RepositoryError, TickFiring, TickRecord};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};
use uuid::Uuid;

use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::{micros, tick};
use crate::schedule::NO_FURTHER_INSTANT;
use crate::writer::{WriteError, Writer};

/// A firing but for its ledger rows.
const FIRING: &[Column] = &[
    ("schedule_id", Kind::Id),
    ("version", Kind::Int),
    ("expected_run", Kind::Int),
    ("next_run", Kind::Int),
    ("fired_for", Kind::Int),
    ("job_id", Kind::Id),
    ("decided_at", Kind::Int),
];

/// That the schedule `s` is what the firing `b` expects.
const HOLDS: &str =
    "s.id = b.schedule_id AND s.enabled AND s.version = b.version AND s.next_run = b.expected_run";

/// That no range of the ledger reaches to the ticks of the firing `b`. A tick within one is in the ledger though no
/// row begins with it, so that nothing else would refuse it: it comes up when the clock was set back and the schedule
/// edited. The partial index `ticks_ranges` holds the ranges only, which are few.
const BEYOND_RANGES: &str = "NOT EXISTS (SELECT 1 FROM ticks AS t WHERE t.schedule_id = b.schedule_id
    AND t.through > t.scheduled_for AND t.through >= b.expected_run)";

/// How often a call is done again that met somebody else's rows.
const ATTEMPTS: u32 = 4;

/// Firings in the form in which they are written.
#[derive(Debug)]
struct Batches {
    firings: Vec<Batch>,
    records: Vec<Batch>,
    jobs: u64,
}

pub(super) async fn fire(
    writer: &Writer,
    firings: &[TickFiring],
) -> Result<Vec<FiringOutcome>, RepositoryError> {
    const DURING: &str = "making ticks durable";
    if firings.is_empty() {
        return Ok(Vec::new());
    }
    let batches = Batches::of(writer.backend(), firings);
    match writer
        .write(batches, |batches, transaction| {
            Box::pin(write_if_nothing_stands_against_it(batches, transaction))
        })
        .await
    {
        Ok(()) => return Ok(vec![FiringOutcome::Committed; firings.len()]),
        Err(WriteError::Conflict) => {}
        Err(error) => return Err(error.during(DURING)),
    }
    let mut attempts = 1;
    loop {
        let outcome = writer
            .write(firings.to_vec(), |firings, transaction| {
                Box::pin(write_what_holds(firings, transaction))
            })
            .await;
        attempts += 1;
        match outcome {
            Ok(outcomes) => return Ok(outcomes),
            Err(WriteError::Conflict) if attempts < ATTEMPTS => {}
            Err(error) => return Err(error.during(DURING)),
        }
    }
}

impl Batches {
    fn of(backend: DbBackend, firings: &[TickFiring]) -> Self {
        // In the order of the ids, in which PostgreSQL locks the rows as well.
        let mut sorted: Vec<&TickFiring> = firings.iter().collect();
        sorted.sort_unstable_by_key(|firing| firing.schedule_id);
        let records = sorted
            .iter()
            .flat_map(|firing| firing.records.iter().map(|record| (firing.schedule_id, record)));
        Self {
            records: Batch::all(backend, tick::COLUMNS, records, |batch, (schedule_id, record)| {
                tick::push(batch, schedule_id, record);
            }),
            jobs: sorted.iter().filter(|firing| firing.job.is_some()).count() as u64,
            firings: Batch::all(backend, FIRING, sorted, push),
        }
    }
}

fn push(batch: &mut Batch, firing: &TickFiring) {
    let TickFiring {
        schedule_id,
        expected_version,
        expected_next_run,
        records: _,
        job,
        next_run,
        decided_at,
    } = firing;
    batch.push([
        Cell::Id(schedule_id.as_uuid()),
        Cell::Int((*expected_version).into()),
        Cell::Int(micros(*expected_next_run)),
        Cell::int(next_run.map(micros)),
        Cell::int(job.map(|job| micros(job.scheduled_for))),
        Cell::id(job.map(|job| job.id.as_uuid())),
        Cell::Int(micros(*decided_at)),
    ]);
}

/// The way of almost every call.
async fn write_if_nothing_stands_against_it(
    batches: &Batches,
    transaction: &DatabaseTransaction,
) -> Result<(), WriteError> {
    let holds = format!("{HOLDS} AND {BEYOND_RANGES}");
    write(batches, &holds, transaction).await
}

/// Writes all of it, or finds that something stands against it.
async fn write(batches: &Batches, holds: &str, transaction: &DatabaseTransaction) -> Result<(), WriteError> {
    let backend = transaction.get_database_backend();
    for batch in &batches.firings {
        if backend == DbBackend::Postgres {
            lock(batch, transaction).await?;
        }
        let moved = transaction
            .execute_raw(batch.statement(&move_on(holds), []))
            .await?
            .rows_affected();
        if moved != batch.rows() {
            return Err(WriteError::Conflict);
        }
    }
    let mut made = 0;
    for batch in &batches.firings {
        made += transaction
            .execute_raw(batch.statement(MAKE_JOBS, []))
            .await?
            .rows_affected();
    }
    if made != batches.jobs {
        return Err(WriteError::Conflict);
    }
    for batch in &batches.records {
        let written = transaction
            .execute_raw(batch.insert("ticks", "ON CONFLICT DO NOTHING"))
            .await?
            .rows_affected();
        if written != batch.rows() {
            return Err(WriteError::Conflict);
        }
    }
    Ok(())
}

fn move_on(holds: &str) -> String {
    format!(
        "UPDATE schedules AS s SET
             next_run = b.next_run,
             last_run = COALESCE(b.fired_for, s.last_run),
             run_count = s.run_count + CASE WHEN b.fired_for IS NULL THEN 0 ELSE 1 END,
             state = CASE WHEN b.next_run IS NULL THEN 'completed' ELSE s.state END,
             state_reason = CASE WHEN b.next_run IS NULL THEN '{NO_FURTHER_INSTANT}' ELSE s.state_reason END
         FROM {{batch}} AS b WHERE {holds}"
    )
}

const MAKE_JOBS: &str = "INSERT INTO jobs (
        id, schedule_id, scheduled_for, task_id, input, priority, status, attempts, retry_count, max_retries,
        run_after, timeout_seconds, output_destinations, queued_at
    )
    SELECT b.job_id, s.id, b.fired_for, s.task_id, s.input, s.priority, 'queued', 0, 0, s.max_retries,
        b.decided_at, s.timeout_seconds, s.output_destinations, b.decided_at
    FROM {batch} AS b JOIN schedules AS s ON s.id = b.schedule_id
    WHERE b.job_id IS NOT NULL
    ON CONFLICT DO NOTHING";

/// Two nodes that fire some of the same schedules lock them in the same order, and so do not wait for each other.
async fn lock(batch: &Batch, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    transaction
        .execute_raw(batch.statement(
            "SELECT 1 FROM schedules AS s JOIN {batch} AS b ON s.id = b.schedule_id
             ORDER BY s.id FOR NO KEY UPDATE OF s",
            [],
        ))
        .await
        .map(drop)
}

/// Finds out what the rows say, and writes what of the firings still holds.
async fn write_what_holds(
    firings: &[TickFiring],
    transaction: &DatabaseTransaction,
) -> Result<Vec<FiringOutcome>, WriteError> {
    let all = Batches::of(transaction.get_database_backend(), firings);
    if transaction.get_database_backend() == DbBackend::Postgres {
        for batch in &all.firings {
            lock(batch, transaction).await?;
        }
    }
    let mut holding = schedules_that_hold(&all, transaction).await?;
    let ledger = ledger_rows(&all, transaction).await?;
    let queue = queued_jobs(&all, transaction).await?;

    let mut outcomes = Vec::with_capacity(firings.len());
    let mut fresh = Vec::new();
    for firing in firings {
        // Taken out, so that a second firing of the same schedule in one call is stale, as it would be in a later.
        if holding.remove(&firing.schedule_id.as_uuid()) {
            outcomes.push(FiringOutcome::Committed);
            fresh.push(without_what_exists(firing.clone(), &ledger, &queue));
        } else {
            outcomes.push(FiringOutcome::Stale);
        }
    }
    write(
        &Batches::of(transaction.get_database_backend(), &fresh),
        HOLDS,
        transaction,
    )
    .await?;
    Ok(outcomes)
}

/// A tick: its schedule and its nominal time.
type Key = (Uuid, i64);

/// Takes out of a firing whatever is on disk already.
fn without_what_exists(
    mut firing: TickFiring,
    ledger: &HashMap<Key, Option<Uuid>>,
    queue: &HashMap<Key, Uuid>,
) -> TickFiring {
    let schedule = firing.schedule_id.as_uuid();
    if let Some(job) = firing.job {
        let key = (schedule, micros(job.scheduled_for));
        let earlier = match (ledger.get(&key), queue.get(&key)) {
            (Some(recorded), queued) => Some(recorded.or(queued.copied())),
            (None, Some(queued)) => Some(Some(*queued)),
            (None, None) => None,
        };
        if let Some(earlier) = earlier {
            firing.job = None;
            for record in &mut firing.records {
                if record.job_id == Some(job.id) {
                    record.job_id = earlier.map(JobId::from_uuid);
                }
            }
        }
    }
    let mut seen = HashSet::new();
    let new = |record: &TickRecord| {
        let at = micros(record.scheduled_for);
        !ledger.contains_key(&(schedule, at)) && seen.insert(at)
    };
    firing.records.retain(new);
    firing
}

async fn schedules_that_hold(
    all: &Batches,
    transaction: &DatabaseTransaction,
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

/// What the ledger has of the ticks of the records `b`: a row that begins with it, or a range that holds it. The plus
/// keeps SQLite from going through all that the schedule's ledger has of before, instead of the ranges.
const RECORDED: &str = "SELECT b.schedule_id, b.scheduled_for, t.job_id FROM {batch} AS b
        JOIN ticks AS t ON t.schedule_id = b.schedule_id AND t.scheduled_for = b.scheduled_for
    UNION ALL
    SELECT b.schedule_id, b.scheduled_for, t.job_id FROM {batch} AS b
        JOIN ticks AS t ON t.schedule_id = b.schedule_id AND t.through > t.scheduled_for
            AND t.through >= b.scheduled_for AND +t.scheduled_for < b.scheduled_for";

async fn ledger_rows(
    all: &Batches,
    transaction: &DatabaseTransaction,
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

async fn queued_jobs(
    all: &Batches,
    transaction: &DatabaseTransaction,
) -> Result<HashMap<Key, Uuid>, WriteError> {
    const SQL: &str = "SELECT j.schedule_id, j.scheduled_for, j.id FROM {batch} AS b
        JOIN jobs AS j ON j.schedule_id = b.schedule_id AND j.scheduled_for = b.fired_for";
    let mut rows = HashMap::new();
    for batch in &all.firings {
        let statement = batch.statement(SQL, []);
        for row in transaction.query_all_raw(statement).await? {
            let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            rows.insert(key, row.try_get_by_index(2)?);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    /// The steps on the tables of the database: how a batch is unpacked is another matter.
    async fn steps_on(table: &str, statement: sea_orm::Statement) -> Vec<String> {
        let mut steps = steps(statement).await;
        steps.retain(|step| step.split(' ').nth(1) == Some(table));
        steps
    }

    #[tokio::test]
    async fn the_ranges_of_the_ledger_are_found_by_their_own_index() {
        let mut firings = Batch::new(DbBackend::Sqlite, FIRING);
        firings.push([const { Cell::Null }; 7]);
        let holds = format!("{HOLDS} AND {BEYOND_RANGES}");
        let range = "SEARCH t USING COVERING INDEX ticks_ranges (schedule_id=? AND through>?)";
        assert_eq!(
            steps_on("t", firings.statement(&move_on(&holds), [])).await,
            [range]
        );
        assert_eq!(
            steps_on("s", firings.statement(&move_on(&holds), [])).await,
            ["SEARCH s USING INDEX sqlite_autoindex_schedules_1 (id=?)"]
        );
        let mut records = Batch::new(DbBackend::Sqlite, tick::COLUMNS);
        records.push([const { Cell::Null }; 9]);
        assert_eq!(
            steps_on("t", records.statement(RECORDED, [])).await,
            [
                "SEARCH t USING PRIMARY KEY (schedule_id=? AND scheduled_for=?)",
                "SEARCH t USING INDEX ticks_ranges (schedule_id=? AND through>?)"
            ]
        );
    }
}
