//! Schedules that follow others: where a job of a leader is made, its followers' jobs are made with it.
//!
//! A follower has no ticks of its own. In the transaction that makes a job of its leader it gets a ledger row under the
//! same nominal instant, and a job that is after the leader's (see `job::dependents`). Its job is made like any other, and
//! so those that follow the follower get theirs, level by level.
//!
//! | the follower | what it gets |
//! |---|---|
//! | is enabled and active | a job in the state `blocked`, and a row: `fired`, or `triggered` or `backfilled` like the leader's |
//! | is paused | the row `skipped_paused`; who follows it gets nothing, for there is no job |
//! | is paused until an instant that is past | as if it were not paused, which it is not from then on |
//! | is disabled | nothing, as it has no ticks then |
//! | has decided on a tick at the same instant, under another leader or specification | nothing: that row stays |
//!
//! On PostgreSQL the followers are found first and locked together with the leaders, in the order of their ids, in which
//! everybody locks schedules. One that came to follow in between is found too late, as if it had come after the commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ratchet_interfaces::{FollowerTick, JobId, JobOrigin, ScheduleId, TickOutcome, TickRecord};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::fire::REPLACE_EXCLUDED;
use super::{RESUME, lock};
use crate::batch::{Batch, Cell, Column, Kind};
use crate::job::have_wait;
use crate::row::{Reading, micros, tick};
use crate::writer::{Transaction, WriteError};

/// A job of a schedule that was made, by what the ledger has of it.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) schedule_id: ScheduleId,
    pub(super) request: u32,
    pub(super) record: TickRecord,
}

/// The schedules that may get jobs in a transaction because others do.
pub(super) struct Followers {
    /// Those that are locked; `None` where the transaction has the database to itself.
    locked: Option<BTreeSet<Uuid>>,
}

/// A follower of a schedule of which a job was made.
struct Follower {
    id: Uuid,
    /// The place of the leader's job.
    place: usize,
    leader: String,
    is_paused: bool,
    /// Whether it was paused until an instant that is past.
    resumes: bool,
}

const ANY: &str = "SELECT 1 FROM schedules WHERE follows_id IS NOT NULL LIMIT 1";

const SCHEDULE: &[Column] = &[("schedule_id", Kind::Id)];

const FOLLOWERS: &str = "SELECT f.id FROM {batch} AS b JOIN schedules AS f ON f.follows_id = b.schedule_id";

const MADE: &[Column] = &[
    ("place", Kind::Int),
    ("schedule_id", Kind::Id),
    ("scheduled_for", Kind::Int),
    ("decided_at", Kind::Int),
];

const FIND: &str = "SELECT b.place, f.id, l.name,
        CASE WHEN f.paused_at IS NOT NULL AND (f.resume_at IS NULL OR f.resume_at > b.decided_at) THEN 1 ELSE 0 END,
        CASE WHEN f.paused_at IS NOT NULL AND f.resume_at <= b.decided_at THEN 1 ELSE 0 END
    FROM {batch} AS b JOIN schedules AS f ON f.follows_id = b.schedule_id JOIN schedules AS l ON l.id = b.schedule_id
    WHERE f.enabled AND f.state = 'active'";

/// That the follower `f` has decided on no tick, and has no job, under the instant of the leader's job `b`. The plus keeps
/// SQLite from going through all that its ledger has of before, instead of the ranges.
const UNDECIDED: &str = "NOT EXISTS (SELECT 1 FROM ticks AS t WHERE t.schedule_id = f.id
        AND t.scheduled_for = b.scheduled_for AND t.request = 0 AND t.outcome <> 'excluded')
    AND NOT EXISTS (SELECT 1 FROM ticks AS r WHERE r.schedule_id = f.id AND r.through > r.scheduled_for
        AND r.through >= b.scheduled_for AND +r.scheduled_for < b.scheduled_for AND r.outcome <> 'excluded')
    AND NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.schedule_id = f.id AND j.scheduled_for = b.scheduled_for
        AND j.request = 0)";

const COUNT_REQUESTS: &str = "UPDATE schedules AS s SET requests = s.requests + 1 FROM {batch} AS b
    WHERE s.id = b.schedule_id RETURNING id, requests";

const RUNS: &[Column] = &[
    ("schedule_id", Kind::Id),
    ("runs", Kind::Int),
    ("last_run", Kind::Int),
    ("resumes", Kind::Bool),
];

const JOB: &[Column] = &[
    ("job_id", Kind::Id),
    ("schedule_id", Kind::Id),
    ("scheduled_for", Kind::Int),
    ("request", Kind::Int),
    ("decided_at", Kind::Int),
];

const MAKE_JOBS: &str = "INSERT INTO jobs (
        id, schedule_id, scheduled_for, origin, request, task_id, input, priority, status, attempts, retry_count,
        max_retries, run_after, after_condition, timeout_seconds, output_destinations, queued_at, has_dependents, gate
    )
    SELECT b.job_id, s.id, b.scheduled_for, $2, b.request, s.task_id, s.input, s.priority, 'blocked', 0, 0,
        s.max_retries, b.decided_at, s.follow_condition, s.timeout_seconds, s.output_destinations, b.decided_at, FALSE,
        (SELECT t.gate FROM tasks AS t WHERE t.id = s.task_id)
    FROM {batch} AS b JOIN schedules AS s ON s.id = b.schedule_id";

fn find_sql(by_hand: bool) -> String {
    // A request has a number of its own, under which nothing can have been decided.
    if by_hand {
        FIND.to_owned()
    } else {
        format!("{FIND} AND {UNDECIDED}")
    }
}

fn count_runs_sql() -> String {
    format!(
        "UPDATE schedules AS s SET run_count = s.run_count + b.runs, last_run = COALESCE(b.last_run, s.last_run),
             {RESUME}
         FROM {{batch}} AS b WHERE s.id = b.schedule_id"
    )
}

impl Followers {
    /// Locks schedules together with all that follow them. `None`, and nothing is locked, if no schedule of the database
    /// follows another.
    pub(super) async fn lock(
        leaders: impl IntoIterator<Item = ScheduleId>,
        transaction: &Transaction<'_>,
    ) -> Result<Option<Self>, WriteError> {
        let backend = transaction.get_database_backend();
        let any = Statement::from_string(backend, ANY);
        if transaction.query_one_raw(any).await?.is_none() {
            return Ok(None);
        }
        if backend != DbBackend::Postgres {
            return Ok(Some(Self { locked: None }));
        }
        let mut found: BTreeSet<Uuid> = leaders.into_iter().map(ScheduleId::as_uuid).collect();
        let mut level: Vec<Uuid> = found.iter().copied().collect();
        while !level.is_empty() {
            let mut next = Vec::new();
            for batch in &schedules(backend, &level) {
                for row in transaction.query_all_raw(batch.statement(FOLLOWERS, [])).await? {
                    let id = row.try_get_by_index(0)?;
                    if found.insert(id) {
                        next.push(id);
                    }
                }
            }
            level = next;
        }
        for batch in &schedules(backend, &found) {
            lock(batch, transaction).await?;
        }
        Ok(Some(Self { locked: Some(found) }))
    }

    /// Makes the jobs of those that follow, and of those that follow these. The jobs are all of ticks, or all of requests
    /// by hand. Says what each of them got.
    pub(super) async fn follow(
        &self,
        mut made: Vec<Made>,
        transaction: &Transaction<'_>,
    ) -> Result<Vec<FollowerTick>, WriteError> {
        let mut ticks = Vec::new();
        while !made.is_empty() {
            made = self.follow_once(&made, &mut ticks, transaction).await?;
        }
        Ok(ticks)
    }

    async fn follow_once(
        &self,
        made: &[Made],
        ticks: &mut Vec<FollowerTick>,
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Made>, WriteError> {
        let backend = transaction.get_database_backend();
        let by_hand = made.iter().any(|job| job.request > 0);
        let followers = self.find(made, by_hand, transaction).await?;
        let requests = if by_hand {
            count_requests(&followers, transaction).await?
        } else {
            HashMap::new()
        };
        let mut jobs = Vec::new();
        let mut pairs = Vec::new();
        let mut ledger = Vec::with_capacity(followers.len());
        let mut resumed = BTreeSet::new();
        let mut runs: BTreeMap<Uuid, (i64, Option<i64>, bool)> = BTreeMap::new();
        for follower in &followers {
            let leader = &made[follower.place];
            let schedule_id = ScheduleId::from_uuid(follower.id);
            let request = requests.get(&follower.id).copied().unwrap_or_default();
            let record = follower.record(leader);
            ticks.extend(leader.record.job_id.map(|after| FollowerTick {
                schedule_id,
                record: record.clone(),
                after,
                resumes: resumed.insert(schedule_id) && follower.resumes,
            }));
            if let (Some(job), Some(after)) = (record.job_id, leader.record.job_id) {
                pairs.push((after.as_uuid(), job.as_uuid()));
                let (count, last, resumes) = runs.entry(follower.id).or_default();
                if !by_hand {
                    *count += 1;
                    *last = (*last).max(Some(micros(record.scheduled_for)));
                }
                *resumes |= follower.resumes;
                jobs.push(Made {
                    schedule_id,
                    request,
                    record: record.clone(),
                });
            }
            ledger.push((schedule_id, request, record));
        }
        let origin = match jobs.first().map(|job| job.record.outcome) {
            Some(TickOutcome::Triggered) => JobOrigin::Trigger,
            Some(TickOutcome::Backfilled) => JobOrigin::Backfill,
            _ => JobOrigin::Tick,
        };
        for batch in &job_batches(backend, &jobs) {
            let values = [origin.as_str().into()];
            transaction
                .execute_raw(batch.statement(MAKE_JOBS, values))
                .await?;
        }
        have_wait(pairs, transaction).await?;
        for batch in &Batch::all(backend, tick::COLUMNS, &ledger, |batch, (id, request, record)| {
            tick::push(batch, *id, *request, record);
        }) {
            transaction
                .execute_raw(batch.statement(REPLACE_EXCLUDED, []))
                .await?;
            transaction.execute_raw(batch.insert("ticks", "")).await?;
        }
        for batch in &Batch::all(backend, RUNS, runs, |batch, (id, (count, last, resumes))| {
            batch.push([
                Cell::Id(id),
                Cell::Int(count),
                Cell::int(last),
                Cell::bool(resumes),
            ]);
        }) {
            transaction
                .execute_raw(batch.statement(&count_runs_sql(), []))
                .await?;
        }
        Ok(jobs)
    }

    async fn find(
        &self,
        made: &[Made],
        by_hand: bool,
        transaction: &Transaction<'_>,
    ) -> Result<Vec<Follower>, WriteError> {
        let sql = find_sql(by_hand);
        let mut followers = Vec::new();
        for batch in &made_batches(transaction.get_database_backend(), made) {
            for row in transaction.query_all_raw(batch.statement(&sql, [])).await? {
                let place: i64 = row.try_get_by_index(0)?;
                followers.push(Follower {
                    // The statement answers with the places that it was given.
                    place: place as usize,
                    id: row.try_get_by_index(1)?,
                    leader: row.try_get_by_index(2)?,
                    is_paused: row.try_get_by_index::<i32>(3)? == 1,
                    resumes: row.try_get_by_index::<i32>(4)? == 1,
                });
            }
        }
        if let Some(locked) = &self.locked {
            followers.retain(|follower| locked.contains(&follower.id));
        }
        followers.sort_unstable_by_key(|follower| (follower.id, follower.place));
        Ok(followers)
    }
}

impl Follower {
    /// What its ledger says, given what the leader's does.
    fn record(&self, leader: &Made) -> TickRecord {
        let is_by_hand = leader.request > 0;
        let (outcome, reason) = match &leader.record.reason {
            _ if self.is_paused => (
                TickOutcome::SkippedPaused,
                format!(
                    "the schedule was paused when a job of \"{}\" was made",
                    self.leader
                ),
            ),
            Some(reason) if is_by_hand => (
                leader.record.outcome,
                format!("after \"{}\", which was {reason}", self.leader),
            ),
            _ if is_by_hand => (leader.record.outcome, format!("after \"{}\"", self.leader)),
            _ => (TickOutcome::Fired, format!("after \"{}\"", self.leader)),
        };
        TickRecord {
            through: leader.record.scheduled_for,
            count: 1,
            outcome,
            reason: Some(Arc::from(reason)),
            job_id: (!self.is_paused).then(JobId::new),
            ..leader.record.clone()
        }
    }
}

fn schedules<'a>(backend: DbBackend, ids: impl IntoIterator<Item = &'a Uuid>) -> Vec<Batch> {
    Batch::all(backend, SCHEDULE, ids, |batch, id| batch.push([Cell::Id(*id)]))
}

fn made_batches(backend: DbBackend, made: &[Made]) -> Vec<Batch> {
    Batch::all(backend, MADE, made.iter().zip(0..), |batch, (job, place)| {
        batch.push([
            Cell::Int(place),
            Cell::Id(job.schedule_id.as_uuid()),
            Cell::Int(micros(job.record.scheduled_for)),
            Cell::Int(micros(job.record.decided_at)),
        ]);
    })
}

fn job_batches(backend: DbBackend, jobs: &[Made]) -> Vec<Batch> {
    Batch::all(backend, JOB, jobs, |batch, job| {
        batch.push([
            Cell::id(job.record.job_id.map(JobId::as_uuid)),
            Cell::Id(job.schedule_id.as_uuid()),
            Cell::Int(micros(job.record.scheduled_for)),
            Cell::Int(job.request.into()),
            Cell::Int(micros(job.record.decided_at)),
        ]);
    })
}

/// Gives each follower the number of a request of its own.
async fn count_requests(
    followers: &[Follower],
    transaction: &Transaction<'_>,
) -> Result<HashMap<Uuid, u32>, WriteError> {
    let ids: BTreeSet<Uuid> = followers.iter().map(|follower| follower.id).collect();
    let mut requests = HashMap::with_capacity(ids.len());
    for batch in &schedules(transaction.get_database_backend(), &ids) {
        for row in transaction
            .query_all_raw(batch.statement(COUNT_REQUESTS, []))
            .await?
        {
            let id: Uuid = row.try_get_by_index(0)?;
            let request: i64 = row.try_get_by_index(1)?;
            requests.insert(id, Reading::of("schedule", &id).number("requests", request)?);
        }
    }
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::{steps, steps_on};

    fn one_made() -> Batch {
        let mut made = Batch::new(DbBackend::Sqlite, MADE);
        made.push([const { Cell::Null }; MADE.len()]);
        made
    }

    #[tokio::test]
    async fn whether_anybody_follows_is_asked_of_an_index_of_followers_alone() {
        assert_eq!(
            steps(Statement::from_string(DbBackend::Sqlite, ANY)).await,
            ["SEARCH schedules USING COVERING INDEX schedules_follows_id (follows_id>?)"]
        );
    }

    #[tokio::test]
    async fn followers_are_found_by_their_leader_and_what_they_have_by_keys() {
        let sql = find_sql(false);
        for (table, step) in [
            ("f", "SEARCH f USING INDEX schedules_follows_id (follows_id=?)"),
            (
                "t",
                "SEARCH t USING PRIMARY KEY (schedule_id=? AND scheduled_for=? AND request=?)",
            ),
            (
                "r",
                "SEARCH r USING COVERING INDEX ticks_ranges (schedule_id=? AND through>?)",
            ),
            (
                "j",
                "SEARCH j USING COVERING INDEX jobs_schedule_id_scheduled_for_request_key (schedule_id=? AND \
                 scheduled_for=? AND request=?)",
            ),
        ] {
            assert_eq!(steps_on(table, one_made().statement(&sql, [])).await, [step]);
        }
    }
}
