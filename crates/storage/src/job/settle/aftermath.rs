//! What ends of jobs mean for their schedules: who waited goes into the queue, failures in a row are counted, and a
//! schedule with too many of them is paused. Jobs without a schedule cost nothing here.

use std::collections::{BTreeMap, HashMap, HashSet};

use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, JobOrigin, JobStatus, ScheduleId, SettleOutcome, Settlement,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};
use serde::Deserialize;
use uuid::Uuid;

use crate::batch::{Batch, Cell, Column, Kind};
use crate::job::changed::Changed;
use crate::job::release::Ended;
use crate::row::micros;
use crate::writer::{Transaction, WriteError};

/// Who pauses a schedule after failures.
const BY: &str = "ratchet";

const COUNT: &[Column] = &[
    ("schedule_id", Kind::Id),
    ("succeeded", Kind::Bool),
    ("failures", Kind::Int),
];

/// Most jobs succeed after one that did: then nothing is written.
const COUNT_FAILURES: &str = "UPDATE schedules AS s SET
        consecutive_failures = CASE WHEN b.succeeded THEN 0 ELSE s.consecutive_failures END + b.failures
    FROM {batch} AS b WHERE s.id = b.schedule_id AND (b.failures > 0 OR b.succeeded AND s.consecutive_failures > 0)
    RETURNING id, consecutive_failures,
        CASE WHEN consecutive_failures >= pause_after_failures AND enabled AND state = 'active'
                  AND paused_at IS NULL THEN 1 ELSE 0 END";

const PAUSE: &[Column] = &[("schedule_id", Kind::Id), ("at", Kind::Int), ("note", Kind::Text)];

const PAUSE_SCHEDULES: &str = "UPDATE schedules AS s SET
        paused_at = b.at, paused_by = $2, pause_note = b.note, resume_at = NULL, version = s.version + 1,
        timing_version = s.timing_version + 1
    FROM {batch} AS b WHERE s.id = b.schedule_id";

/// How an attempt ended, as far as it concerns a schedule.
#[derive(Debug)]
pub(super) struct End {
    job: Uuid,
    at: i64,
    /// The first line of the error.
    error: String,
}

/// By the job.
pub(super) type Ends = Vec<End>;

/// What was done besides what the outcomes say.
#[derive(Debug, Default)]
pub(super) struct Aftermath {
    changed: Changed,
    /// The jobs that were asked to stop, and so have been cancelled.
    called_off: HashSet<Uuid>,
    paused: Vec<ScheduleId>,
}

/// What the ends of a schedule's jobs come to.
#[derive(Debug, Default)]
struct Tally {
    succeeded: bool,
    /// Since the last success.
    failures: i64,
    last_error: String,
    last_end: i64,
}

impl End {
    pub(super) fn of(outcome: &AttemptOutcome) -> Self {
        let error = match &outcome.result {
            AttemptResult::Failed { error } => error.lines().next().unwrap_or_default().to_owned(),
            AttemptResult::Succeeded { .. }
            | AttemptResult::Retry { .. }
            | AttemptResult::Cancelled { .. }
            | AttemptResult::HandedBack { .. } => String::new(),
        };
        Self {
            job: outcome.job_id.as_uuid(),
            at: micros(outcome.ended_at),
            error,
        }
    }
}

impl Aftermath {
    /// `outcomes` is what became of these attempts.
    pub(super) fn with(self, mut outcomes: Vec<SettleOutcome>, attempts: &[AttemptOutcome]) -> Settlement {
        let Self {
            changed: Changed { released, events },
            called_off,
            paused,
        } = self;
        if !called_off.is_empty() {
            for (outcome, attempt) in outcomes.iter_mut().zip(attempts) {
                let would_run_again = matches!(
                    attempt.result,
                    AttemptResult::Retry { .. } | AttemptResult::HandedBack { .. }
                );
                if *outcome == SettleOutcome::Settled
                    && would_run_again
                    && called_off.contains(&attempt.job_id.as_uuid())
                {
                    *outcome = SettleOutcome::CalledOff;
                }
            }
        }
        Settlement {
            outcomes,
            released,
            changed: events,
            paused,
        }
    }
}

/// `settled` has a row of [`returned`] for each job.
pub(super) async fn write(
    ends: &Ends,
    settled: &[QueryResult],
    transaction: &Transaction<'_>,
) -> Result<Aftermath, WriteError> {
    let mut jobs: HashMap<Uuid, Settled> = HashMap::new();
    let mut aftermath = Aftermath::default();
    for row in settled {
        let Some(told) = row.try_get_by_index::<Option<String>>(0)? else {
            continue;
        };
        let told: Told = serde_json::from_str(&told).map_err(|error| DbErr::Json(error.to_string()))?;
        aftermath.changed.released += u64::from(told.passed_gate == 1);
        if told.status == JobStatus::Cancelled.as_str() {
            aftermath.called_off.insert(told.id);
        }
        if let Some(settled) = Settled::of(&told) {
            jobs.insert(told.id, settled);
        }
    }
    if jobs.is_empty() {
        return Ok(aftermath);
    }
    let mut in_time: Vec<&End> = ends.iter().collect();
    in_time.sort_by_key(|end| end.at);
    let mut ended = Ended::default();
    let mut tallies: BTreeMap<Uuid, Tally> = BTreeMap::new();
    for end in in_time {
        let Some(settled) = jobs.get(&end.job) else {
            continue;
        };
        if settled.is_awaited {
            ended.awaited(end.job, end.at);
        }
        let Some(schedule) = settled.schedule else {
            continue;
        };
        ended.job_of(schedule, end.at);
        let tally = tallies.entry(schedule).or_default();
        match settled.status {
            JobStatus::Completed => {
                *tally = Tally {
                    succeeded: true,
                    ..Tally::default()
                };
            }
            JobStatus::Failed => {
                tally.failures += 1;
                tally.last_error.clone_from(&end.error);
                tally.last_end = end.at;
            }
            _ => {}
        }
    }
    aftermath.changed.append(ended.release_locked(transaction).await?);
    aftermath.paused = count_failures(&tallies, transaction).await?;
    Ok(aftermath)
}

/// What is told of a settled job, in SQL: [`Told`] as JSON, or null where its end concerns nobody else. That is so of most
/// jobs, and then one empty column is read instead of six.
pub(super) fn returned(backend: DbBackend) -> String {
    let (id, schedule, array, end) = match backend {
        DbBackend::Postgres => ("id", "schedule_id", "json_build_array", "::text"),
        _ => ("hex(id)", "NULLIF(hex(schedule_id), '')", "json_array", ""),
    };
    format!(
        "CASE WHEN schedule_id IS NULL AND gate IS NULL AND NOT has_dependents AND stop_requested_at IS NULL
             THEN NULL ELSE {array}(
             {id}, {schedule}, status, origin, CASE WHEN has_dependents THEN 1 ELSE 0 END,
             CASE WHEN gate IS NULL THEN 0 ELSE 1 END){end} END"
    )
}

/// A settled job as it is now.
#[derive(Debug, Deserialize)]
struct Told {
    id: Uuid,
    schedule: Option<Uuid>,
    status: String,
    origin: String,
    is_awaited: u8,
    passed_gate: u8,
}

/// A job that has ended and that others may wait for.
struct Settled {
    status: JobStatus,
    /// Its schedule, if its end counts there.
    schedule: Option<Uuid>,
    /// Whether others are after it.
    is_awaited: bool,
}

impl Settled {
    /// `None` where nobody waits for the job, or it has not ended.
    fn of(told: &Told) -> Option<Self> {
        let is_awaited = told.is_awaited == 1;
        if told.schedule.is_none() && !is_awaited {
            return None;
        }
        let status = [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled]
            .into_iter()
            .find(|last| last.as_str() == told.status)?;
        let counts = [JobOrigin::Tick, JobOrigin::Trigger]
            .into_iter()
            .any(|counted| counted.as_str() == told.origin);
        Some(Self {
            status,
            schedule: told.schedule.filter(|_| counts),
            is_awaited,
        })
    }
}

async fn count_failures(
    tallies: &BTreeMap<Uuid, Tally>,
    transaction: &Transaction<'_>,
) -> Result<Vec<ScheduleId>, WriteError> {
    let backend = transaction.get_database_backend();
    let told = tallies
        .iter()
        .filter(|(_, tally)| tally.succeeded || tally.failures > 0);
    let mut paused: Vec<(Uuid, i64)> = Vec::new();
    for batch in &Batch::all(backend, COUNT, told, |batch, (schedule, tally)| {
        batch.push([
            Cell::Id(*schedule),
            Cell::bool(tally.succeeded),
            Cell::Int(tally.failures),
        ]);
    }) {
        for row in transaction
            .query_all_raw(batch.statement(COUNT_FAILURES, []))
            .await?
        {
            let schedule: Uuid = row.try_get_by_index(0)?;
            let pauses: i32 = row.try_get_by_index(2)?;
            // A row is told of for its success as well, and that pauses nothing.
            if pauses == 1 && tallies.get(&schedule).is_some_and(|tally| tally.failures > 0) {
                paused.push((schedule, row.try_get_by_index(1)?));
            }
        }
    }
    paused.sort_unstable();
    for batch in &Batch::all(backend, PAUSE, &paused, |batch, (schedule, failures)| {
        let tally = &tallies[schedule];
        let note = note(*failures, &tally.last_error);
        batch.push([Cell::Id(*schedule), Cell::Int(tally.last_end), Cell::Text(&note)]);
    }) {
        transaction
            .execute_raw(batch.statement(PAUSE_SCHEDULES, [BY.into()]))
            .await?;
    }
    Ok(paused
        .into_iter()
        .map(|(schedule, _)| ScheduleId::from_uuid(schedule))
        .collect())
}

/// Why a schedule is paused, in words.
fn note(failures: i64, error: &str) -> String {
    if failures == 1 {
        format!("a job failed for good: {error}")
    } else {
        format!("{failures} jobs in a row failed for good, the last with: {error}")
    }
}
