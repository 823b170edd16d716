use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratchet_interfaces::{
    ChangedSchedules, Clock, CommittedFirings, Event, EventSink, FiringOutcome, InvalidSchedules, JobEvent,
    JobPruning, ManualClock, MockFactRepository, MockJobRepository, MockRepositoryFactory,
    MockScheduleRepository, MockTickRepository, RepositoryError, ScheduleChange, ScheduleDeletion,
    ScheduleId, SchedulePolicies, ScheduleTiming, SchedulerHealth, SchedulerService, Signal, TaskId,
    TickFiring, TickRecord, UnifiedSchedule,
};
use ratchet_scheduler::{SchedulerConfig, TokioCronSchedulerService};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What the mocked tables hold: rows that are compared and set as the real ones are.
#[derive(Default)]
pub(crate) struct Rows {
    /// What becomes of jobs with the schedule that is deleted next.
    pub(crate) waiting: Vec<JobEvent>,
    /// Which jobs were to be deleted.
    pub(crate) pruned: Vec<JobPruning>,
    pub(crate) timings: HashMap<ScheduleId, ScheduleTiming>,
    /// How often each was edited.
    edits: HashMap<ScheduleId, u32>,
    pub(crate) disabled: HashSet<ScheduleId>,
    pub(crate) invalidated: Vec<(ScheduleId, String)>,
    pub(crate) calls: usize,
    /// How many decisions held.
    pub(crate) fired: usize,
    /// The most ledger rows of one transaction.
    pub(crate) largest_ledger: usize,
    /// What the next calls answer instead of doing their work.
    pub(crate) failures: Vec<RepositoryError>,
    /// What the next readings of single rows answer instead of a row.
    pub(crate) unreadable: Vec<RepositoryError>,
    /// The next change of a row is committed, but the answer does not arrive.
    pub(crate) loses_answers: bool,
    /// The next ticks are committed, but the answer does not arrive.
    pub(crate) loses_ticks: bool,
    /// Jobs of this schedule are refused.
    pub(crate) poison: Option<ScheduleId>,
    /// Everything about this schedule's ticks is refused.
    pub(crate) venom: Option<ScheduleId>,
    /// What the next attempts to disable a schedule answer.
    pub(crate) undisableable: Vec<RepositoryError>,
    /// Somebody edits the row just before the next attempt to disable it.
    pub(crate) edited_before_disabling: bool,
}

impl Rows {
    /// What the engine needs of a schedule that is enabled.
    fn timing(&mut self, id: ScheduleId) -> Result<Option<ScheduleTiming>, RepositoryError> {
        match self.unreadable.pop() {
            Some(failure) => Err(failure),
            None if self.disabled.contains(&id) => Ok(None),
            None => Ok(self.timings.get(&id).cloned()),
        }
    }

    fn invalidate(
        &mut self,
        id: ScheduleId,
        timing_version: u32,
        reason: &str,
    ) -> Result<(), RepositoryError> {
        if let Some(failure) = self.undisableable.pop() {
            return Err(failure);
        }
        let row = self.timings.get_mut(&id).unwrap();
        if std::mem::take(&mut self.edited_before_disabling) {
            (row.timing_version, row.next_run) = (row.timing_version + 1, Some(after(300)));
        }
        if row.timing_version == timing_version {
            self.disabled.insert(id);
            self.invalidated.push((id, reason.to_owned()));
        }
        Ok(())
    }

    fn update(&mut self, schedule: &UnifiedSchedule) -> Result<UnifiedSchedule, RepositoryError> {
        let row = self.timings.get_mut(&schedule.id).unwrap();
        row.timing_version += 1;
        row.specification = schedule.specification.clone();
        row.next_run = schedule.next_run;
        if schedule.enabled {
            self.disabled.remove(&schedule.id);
        } else {
            self.disabled.insert(schedule.id);
        }
        if std::mem::take(&mut self.loses_answers) {
            return Err(unavailable());
        }
        let timing_version = row.timing_version;
        Ok(UnifiedSchedule {
            version: self.edited(schedule.id),
            timing_version,
            ..schedule.clone()
        })
    }

    /// Counts an edit.
    fn edited(&mut self, id: ScheduleId) -> u32 {
        *self.edits.entry(id).or_default() += 1;
        self.version(id)
    }

    fn version(&self, id: ScheduleId) -> u32 {
        1 + self.edits.get(&id).copied().unwrap_or_default()
    }

    fn update_details(&mut self, schedule: &UnifiedSchedule) -> UnifiedSchedule {
        let version = self.edited(schedule.id);
        let row = &self.timings[&schedule.id];
        UnifiedSchedule {
            version,
            timing_version: row.timing_version,
            next_run: row.next_run,
            ..schedule.clone()
        }
    }

    fn change(&mut self, changes: &[ScheduleChange]) -> Result<Vec<UnifiedSchedule>, RepositoryError> {
        let mut written = Vec::new();
        for change in changes {
            match change {
                ScheduleChange::Create(schedule) => {
                    let row = ScheduleTiming {
                        id: schedule.id,
                        specification: schedule.specification.clone(),
                        ..every_minute(schedule.next_run)
                    };
                    if schedule.follows().is_none() {
                        self.timings.insert(schedule.id, row);
                    }
                    written.push(schedule.clone());
                }
                ScheduleChange::Replace(schedule) => written.push(self.update(schedule)?),
                ScheduleChange::ReplaceDetails(schedule) => written.push(self.update_details(schedule)),
                ScheduleChange::Delete { id, .. } => {
                    self.timings.remove(id);
                }
            }
        }
        Ok(written)
    }

    fn fire(&mut self, firings: &[TickFiring]) -> Result<CommittedFirings, RepositoryError> {
        self.calls += 1;
        let ledger = firings.iter().map(|firing| firing.records.len()).sum();
        self.largest_ledger = self.largest_ledger.max(ledger);
        if let Some(failure) = self.failures.pop() {
            return Err(failure);
        }
        if firings.iter().any(|firing| {
            (Some(firing.schedule_id) == self.poison && firing.jobs().next().is_some())
                || Some(firing.schedule_id) == self.venom
        }) {
            return Err(refused());
        }
        let outcomes = firings
            .iter()
            .map(|firing| match self.timings.get_mut(&firing.schedule_id) {
                Some(row)
                    if row.timing_version == firing.expected_timing_version
                        && row.next_run == Some(firing.expected_next_run) =>
                {
                    row.next_run = firing.next_run;
                    self.fired += 1;
                    FiringOutcome::Committed
                }
                _ => FiringOutcome::Stale,
            });
        let outcomes = outcomes.collect();
        if std::mem::take(&mut self.loses_ticks) {
            return Err(unavailable());
        }
        Ok(CommittedFirings {
            outcomes,
            ..CommittedFirings::default()
        })
    }
}

/// What was told of one schedule's due ticks.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) schedule_id: ScheduleId,
    pub(crate) records: Vec<TickRecord>,
}

impl Told {
    pub(crate) fn jobs(&self) -> impl DoubleEndedIterator<Item = &TickRecord> {
        self.records.iter().filter(|record| record.outcome.is_run())
    }
}

struct Committed(UnboundedSender<Told>);

impl EventSink for Committed {
    fn emit(&self, events: &[Event]) {
        let ticks: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Tick(tick) => Some(tick),
                _ => None,
            })
            .collect();
        for ticks in ticks.chunk_by(|one, next| one.schedule_id == next.schedule_id) {
            let told = Told {
                schedule_id: ticks[0].schedule_id,
                records: ticks.iter().map(|tick| tick.record.clone()).collect(),
            };
            self.0.send(told).unwrap();
        }
    }
}

pub(crate) struct Engine {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) rows: Arc<Mutex<Rows>>,
    pub(crate) service: TokioCronSchedulerService,
    pub(crate) committed: UnboundedReceiver<Told>,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) jobs_available: Signal,
}

impl Engine {
    pub(crate) fn with(timings: Vec<ScheduleTiming>) -> Self {
        let rows = Rows {
            timings: timings.into_iter().map(|row| (row.id, row)).collect(),
            ..Rows::default()
        };
        let rows = Arc::new(Mutex::new(rows));
        let clock = Arc::new(ManualClock::at(midnight()));
        let jobs_available = Signal::default();
        let (sender, committed) = unbounded_channel();
        let events: Arc<dyn EventSink> = Arc::new(Committed(sender));
        let service = TokioCronSchedulerService::new(Arc::new(factory(&rows)), SchedulerConfig::default())
            .unwrap()
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .with_jobs_available(jobs_available.clone())
            .with_events(Arc::clone(&events));
        Self {
            clock,
            rows,
            service,
            committed,
            events,
            jobs_available,
        }
    }

    pub(crate) async fn next_committed(&mut self) -> Told {
        tokio::time::timeout(Duration::from_secs(20), self.committed.recv())
            .await
            .expect("no tick fired")
            .unwrap()
    }

    /// Lets time pass until the engine is as wanted.
    pub(crate) async fn passes_until(&self, mut wanted: impl FnMut(&Rows, SchedulerHealth) -> bool) {
        let passing = async {
            loop {
                let health = self.service.health().await.unwrap();
                if wanted(&self.rows.lock().unwrap(), health) {
                    return;
                }
                self.clock.advance(TimeDelta::milliseconds(50));
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), passing)
            .await
            .expect("the engine never became as the test wants it");
    }

    /// Moves the clock only when somebody waits on it for `instant`: then everything due before is done.
    pub(crate) async fn waits_for(&self, instant: DateTime<Utc>) {
        let waiting = async {
            while self.clock.earliest_waiter() != Some(instant) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .expect("nobody waits for the instant");
    }
}

fn factory(rows: &Arc<Mutex<Rows>>) -> MockRepositoryFactory {
    let mut schedules = MockScheduleRepository::new();
    let table = Arc::clone(rows);
    schedules
        .expect_schedule_list_timings()
        .returning(move |after, limit| {
            let table = table.lock().unwrap();
            let mut rows: Vec<_> = table
                .timings
                .values()
                .filter(|row| Some(row.id) > after && !table.disabled.contains(&row.id))
                .cloned()
                .collect();
            rows.sort_by_key(|row| row.id);
            rows.truncate(limit as usize);
            Ok(rows)
        });
    let table = Arc::clone(rows);
    schedules
        .expect_schedule_find_timing()
        .returning(move |id| table.lock().unwrap().timing(id));
    let table = Arc::clone(rows);
    schedules.expect_schedule_set_first_runs().returning(move |runs| {
        let mut table = table.lock().unwrap();
        for (row, next) in runs {
            if let Some(row) = table.timings.get_mut(&row.id) {
                row.next_run = next.clone().ok();
            }
        }
        Ok(())
    });
    let table = Arc::clone(rows);
    schedules
        .expect_schedule_invalidate()
        .returning(move |id, version, reason| table.lock().unwrap().invalidate(id, version, reason));
    let table = Arc::clone(rows);
    schedules.expect_schedule_find().returning(move |id| {
        let table = table.lock().unwrap();
        Ok(table.timings.get(&id).map(|row| UnifiedSchedule {
            id,
            version: table.version(id),
            timing_version: row.timing_version,
            enabled: !table.disabled.contains(&id),
            timezone: row.timezone.clone(),
            next_run: row.next_run,
            ..UnifiedSchedule::new("found", TaskId::new(), row.specification.clone(), midnight())
        }))
    });
    let table = Arc::clone(rows);
    schedules
        .expect_schedule_update()
        .returning(move |schedule| table.lock().unwrap().update(schedule));
    let table = Arc::clone(rows);
    schedules
        .expect_schedule_update_details()
        .returning(move |schedule| Ok(table.lock().unwrap().update_details(schedule)));
    let table = Arc::clone(rows);
    schedules.expect_schedule_change_many().returning(move |changes| {
        let schedules = table.lock().unwrap().change(changes)?;
        Ok(ChangedSchedules {
            schedules,
            changed: Vec::new(),
        })
    });
    schedules.expect_schedule_find_by_name().returning(|_| Ok(None));
    schedules.expect_schedule_scan().returning(|_, _| Ok(Vec::new()));
    schedules.expect_schedule_list_invalid().returning(|_| {
        Ok(InvalidSchedules {
            total: 0,
            first: Vec::new(),
        })
    });
    let table = Arc::clone(rows);
    schedules.expect_schedule_delete().returning(move |id| {
        let mut table = table.lock().unwrap();
        Ok(ScheduleDeletion {
            existed: table.timings.remove(&id).is_some(),
            changed: std::mem::take(&mut table.waiting),
        })
    });
    let mut ticks = MockTickRepository::new();
    let table = Arc::clone(rows);
    ticks
        .expect_tick_fire_many()
        .returning(move |firings| table.lock().unwrap().fire(firings));

    let (schedules, ticks) = (Arc::new(schedules), Arc::new(ticks));
    let mut factory = MockRepositoryFactory::new();
    factory
        .expect_schedules()
        .returning(move || Arc::clone(&schedules) as _);
    factory.expect_ticks().returning(move || Arc::clone(&ticks) as _);
    factory.expect_facts().returning(|| {
        let mut facts = MockFactRepository::new();
        facts.expect_fact_find().returning(|_| Ok(None));
        facts.expect_fact_store().returning(|_| Ok(()));
        Arc::new(facts)
    });
    let mut jobs = MockJobRepository::new();
    let table = Arc::clone(rows);
    jobs.expect_job_prune().returning(move |pruning| {
        table.lock().unwrap().pruned.push(pruning);
        Ok(0)
    });
    let jobs = Arc::new(jobs);
    factory.expect_jobs().returning(move || Arc::clone(&jobs) as _);
    factory
}

pub(crate) fn midnight() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

pub(crate) fn after(seconds: i64) -> DateTime<Utc> {
    midnight() + TimeDelta::seconds(seconds)
}

pub(crate) fn every_minute(next_run: Option<DateTime<Utc>>) -> ScheduleTiming {
    ScheduleTiming {
        id: ScheduleId::new(),
        timing_version: 1,
        specification: "* * * * *".to_owned(),
        timezone: "UTC".to_owned(),
        policies: SchedulePolicies::default(),
        next_run,
        resume_at: None,
        effective_from: midnight(),
    }
}

pub(crate) fn every_second(next_run: DateTime<Utc>) -> ScheduleTiming {
    ScheduleTiming {
        specification: "* * * * * *".to_owned(),
        ..every_minute(Some(next_run))
    }
}

pub(crate) fn unavailable() -> RepositoryError {
    RepositoryError::Unavailable {
        during: "firing",
        source: "disk full".into(),
    }
}

pub(crate) fn refused() -> RepositoryError {
    RepositoryError::Refused {
        during: "firing",
        source: "value out of range".into(),
    }
}
