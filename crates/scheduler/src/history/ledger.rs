//! A bridge to schedules and ledger rows that stand in memory, for the tests of what reads them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    CommittedRuns, Fact, JobId, ManualRuns, MockFactRepository, MockJobRepository, MockRepositoryFactory,
    MockScheduleRepository, MockTickRepository, RepositoryError, ScheduleId, SchedulePeriod, TaskId, Tick,
    TickOutcome, TickRecord, UnifiedJob, UnifiedSchedule,
};
use ratchet_repository_bridge::RepositoryBridge;
use serde_json::json;

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A schedule that has been in force since the last day of 2025.
pub(crate) fn schedule(name: &str, specification: &str) -> UnifiedSchedule {
    UnifiedSchedule::new(name, TaskId::new(), specification, at("2025-12-31T00:00:00Z"))
}

/// A row of one tick that was decided on in time; runs have a job.
pub(crate) fn row(id: ScheduleId, instant: &str, outcome: TickOutcome) -> Tick {
    range(id, instant, instant, 1, outcome)
}

pub(crate) fn range(id: ScheduleId, first: &str, last: &str, count: u64, outcome: TickOutcome) -> Tick {
    let has_job = outcome.is_run() || outcome == TickOutcome::Coalesced;
    Tick {
        schedule_id: id,
        request: 0,
        record: TickRecord {
            scheduled_for: at(first),
            through: at(last),
            count,
            outcome,
            reason: None,
            job_id: has_job.then(JobId::new),
            lateness: TimeDelta::milliseconds(12),
            decided_at: at(last) + TimeDelta::milliseconds(12),
        },
    }
}

pub(crate) fn by_hand(mut tick: Tick, request: u32, reason: &str) -> Tick {
    tick.request = request;
    tick.record.reason = Some(reason.into());
    tick.record.job_id = Some(JobId::new());
    tick
}

/// What the bridge finds. Every job that a row names exists, but for those in `lost_jobs`.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) schedules: Vec<UnifiedSchedule>,
    pub(crate) periods: Vec<SchedulePeriod>,
    pub(crate) ticks: Vec<Tick>,
    pub(crate) facts: BTreeMap<Fact, String>,
    pub(crate) lost_jobs: Vec<JobId>,
    /// How many jobs there are to prune.
    pub(crate) ended_jobs: u64,
    /// After so many batches of jobs the database is gone.
    pub(crate) fails_to_prune_after: Option<u32>,
    /// What was asked for by hand.
    pub(crate) asked: Arc<Mutex<Vec<ManualRuns>>>,
    /// What was stored and deleted, in words.
    pub(crate) done: Arc<Mutex<Vec<String>>>,
}

impl Ledger {
    pub(crate) fn of(schedules: &[UnifiedSchedule]) -> Self {
        Self {
            schedules: schedules.to_vec(),
            ..Self::default()
        }
    }

    pub(crate) fn with(schedule: &UnifiedSchedule, ticks: Vec<Tick>) -> Self {
        Self {
            ticks,
            ..Self::of(std::slice::from_ref(schedule))
        }
    }

    pub(crate) fn bridge(&self) -> RepositoryBridge {
        let mut stored = self.clone();
        stored.schedules.sort_by_key(|schedule| schedule.id);
        stored
            .ticks
            .sort_by_key(|tick| (tick.record.scheduled_for, tick.request));
        let stored = Arc::new(stored);
        let mut factory = MockRepositoryFactory::new();
        let schedules = Arc::new(schedules(&stored));
        factory.expect_schedules().returning(move || schedules.clone());
        let ticks = Arc::new(ticks(&stored));
        factory.expect_ticks().returning(move || ticks.clone());
        let jobs = Arc::new(jobs(&stored));
        factory.expect_jobs().returning(move || jobs.clone());
        let facts = Arc::new(facts(&stored));
        factory.expect_facts().returning(move || facts.clone());
        RepositoryBridge::new(&factory)
    }
}

fn schedules(stored: &Arc<Ledger>) -> MockScheduleRepository {
    let mut mock = MockScheduleRepository::new();
    let of = Arc::clone(stored);
    mock.expect_schedule_find()
        .returning(move |id| Ok(of.schedules.iter().find(|schedule| schedule.id == id).cloned()));
    let of = Arc::clone(stored);
    mock.expect_schedule_scan().returning(move |after, limit| {
        let later = of
            .schedules
            .iter()
            .filter(|schedule| after.is_none_or(|after| schedule.id > after));
        Ok(later.take(limit as usize).cloned().collect())
    });
    let of = Arc::clone(stored);
    mock.expect_schedule_list_periods().returning(move |id| {
        let periods = of.periods.iter().filter(|period| period.schedule_id == id);
        Ok(periods.cloned().collect())
    });
    mock
}

fn ticks(stored: &Arc<Ledger>) -> MockTickRepository {
    let mut mock = MockTickRepository::new();
    let of = Arc::clone(stored);
    mock.expect_tick_find().returning(move |id, instant| {
        let over = of.ticks.iter().filter(|tick| {
            tick.schedule_id == id && (tick.record.scheduled_for..=tick.record.through).contains(&instant)
        });
        Ok(over.cloned().collect())
    });
    let of = Arc::clone(stored);
    mock.expect_tick_scan().returning(move |id, from, after, limit| {
        let rows = of.ticks.iter().filter(|tick| {
            let key = (tick.record.scheduled_for, tick.request);
            tick.schedule_id == id && tick.record.through >= from && after.is_none_or(|after| key > after)
        });
        Ok(rows.take(limit as usize).cloned().collect())
    });
    let of = Arc::clone(stored);
    mock.expect_tick_add_manual().returning(move |runs| {
        of.asked.lock().unwrap().push(runs.clone());
        Ok(CommittedRuns {
            request: 1,
            followers: Vec::new(),
        })
    });
    let of = Arc::clone(stored);
    let left = Mutex::new(None);
    mock.expect_tick_prune().returning(move |ids, before, limit| {
        let mut left = left.lock().unwrap();
        let ended = of
            .ticks
            .iter()
            .filter(|tick| ids.contains(&tick.schedule_id) && tick.record.through < before)
            .count() as u64;
        let pruned = left.unwrap_or(ended).min(u64::from(limit));
        *left = Some(left.unwrap_or(ended) - pruned);
        of.done.lock().unwrap().push(format!("pruned {pruned}"));
        Ok(pruned)
    });
    mock
}

fn jobs(stored: &Arc<Ledger>) -> MockJobRepository {
    let mut mock = MockJobRepository::new();
    let of = Arc::clone(stored);
    mock.expect_job_find().returning(move |id| {
        if of.lost_jobs.contains(&id) {
            return Ok(None);
        }
        let mut job = UnifiedJob::new(TaskId::new(), json!({}), at("2026-01-01T00:00:00Z"));
        job.id = id;
        if let Some(tick) = of.ticks.iter().find(|tick| tick.record.job_id == Some(id)) {
            job.schedule_id = Some(tick.schedule_id);
            job.scheduled_for = Some(tick.record.scheduled_for);
            job.request = tick.request;
        }
        Ok(Some(job))
    });
    let of = Arc::clone(stored);
    let left = Mutex::new(stored.ended_jobs);
    let failing = Mutex::new(stored.fails_to_prune_after);
    mock.expect_job_prune().returning(move |pruning| {
        let mut left = left.lock().unwrap();
        if let Some(batches) = failing.lock().unwrap().as_mut() {
            let Some(fewer) = batches.checked_sub(1) else {
                return Err(RepositoryError::Unavailable {
                    during: "pruning",
                    source: "gone".into(),
                });
            };
            *batches = fewer;
        }
        let pruned = (*left).min(u64::from(pruning.limit));
        *left -= pruned;
        of.done.lock().unwrap().push(format!("pruned {pruned} jobs"));
        Ok(pruned)
    });
    mock
}

fn facts(stored: &Arc<Ledger>) -> MockFactRepository {
    let mut mock = MockFactRepository::new();
    let of = Arc::clone(stored);
    mock.expect_fact_find()
        .returning(move |fact| Ok(of.facts.get(&fact).cloned()));
    let of = Arc::clone(stored);
    mock.expect_fact_store().returning(move |facts| {
        for (fact, value) in facts {
            of.done.lock().unwrap().push(format!("stored {fact} {value}"));
        }
        Ok(())
    });
    mock
}
