//! The engine over mocked repositories, on a clock that the tests move.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratchet_interfaces::{
    Clock, FiringOutcome, ManualClock, MisfirePolicy, MockJobRepository, MockRepositoryFactory,
    MockScheduleRepository, MockTickRepository, RepositoryError, ScheduleId, ScheduleTiming, SchedulerError,
    SchedulerService, Signal, TaskId, TickFiring, TickOutcome, UnifiedSchedule,
};
use ratchet_scheduler::{SchedulerConfig, TickObserver, TokioCronSchedulerService};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What the mocked tables hold: rows that are compared and set as the real ones are.
#[derive(Default)]
struct Rows {
    timings: HashMap<ScheduleId, ScheduleTiming>,
    invalidated: Vec<(ScheduleId, String)>,
    calls: usize,
    /// What the next calls answer instead of doing their work.
    failures: Vec<RepositoryError>,
    /// Jobs of this schedule are refused.
    poison: Option<ScheduleId>,
}

impl Rows {
    fn fire(&mut self, firings: &[TickFiring]) -> Result<Vec<FiringOutcome>, RepositoryError> {
        self.calls += 1;
        if let Some(failure) = self.failures.pop() {
            return Err(failure);
        }
        if firings
            .iter()
            .any(|firing| Some(firing.schedule_id) == self.poison && firing.job.is_some())
        {
            return Err(RepositoryError::Refused {
                during: "firing",
                source: "value out of range".into(),
            });
        }
        let outcomes = firings
            .iter()
            .map(|firing| match self.timings.get_mut(&firing.schedule_id) {
                Some(row)
                    if row.version == firing.expected_version
                        && row.next_run == Some(firing.expected_next_run) =>
                {
                    row.next_run = firing.next_run;
                    FiringOutcome::Committed
                }
                _ => FiringOutcome::Stale,
            });
        Ok(outcomes.collect())
    }
}

struct Committed(UnboundedSender<TickFiring>);

impl TickObserver for Committed {
    fn committed(&self, firing: &TickFiring) {
        self.0.send(firing.clone()).unwrap();
    }
}

struct Engine {
    clock: Arc<ManualClock>,
    rows: Arc<Mutex<Rows>>,
    service: TokioCronSchedulerService,
    committed: UnboundedReceiver<TickFiring>,
    jobs_available: Signal,
}

impl Engine {
    fn with(timings: Vec<ScheduleTiming>) -> Self {
        let rows = Rows {
            timings: timings.into_iter().map(|row| (row.id, row)).collect(),
            ..Rows::default()
        };
        let rows = Arc::new(Mutex::new(rows));
        let clock = Arc::new(ManualClock::at(midnight()));
        let jobs_available = Signal::default();
        let (sender, committed) = unbounded_channel();
        let service = TokioCronSchedulerService::new(Arc::new(factory(&rows)), SchedulerConfig::default())
            .unwrap()
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .with_jobs_available(jobs_available.clone())
            .with_observer(Arc::new(Committed(sender)));
        Self {
            clock,
            rows,
            service,
            committed,
            jobs_available,
        }
    }

    async fn next_committed(&mut self) -> TickFiring {
        tokio::time::timeout(Duration::from_secs(20), self.committed.recv())
            .await
            .expect("no tick fired")
            .unwrap()
    }

    /// Moves the clock only when somebody waits on it for `instant`: then everything due before is done.
    async fn waits_for(&self, instant: DateTime<Utc>) {
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
                .filter(|row| Some(row.id) > after)
                .cloned()
                .collect();
            rows.sort_by_key(|row| row.id);
            rows.truncate(limit as usize);
            Ok(rows)
        });
    let table = Arc::clone(rows);
    schedules
        .expect_schedule_find_timing()
        .returning(move |id| Ok(table.lock().unwrap().timings.get(&id).cloned()));
    let table = Arc::clone(rows);
    schedules.expect_schedule_set_first_runs().returning(move |runs| {
        let mut table = table.lock().unwrap();
        for (row, next) in runs {
            if let Some(row) = table.timings.get_mut(&row.id) {
                row.next_run = *next;
            }
        }
        Ok(())
    });
    let table = Arc::clone(rows);
    schedules
        .expect_schedule_invalidate()
        .returning(move |id, _, reason| {
            let mut table = table.lock().unwrap();
            table.timings.remove(&id);
            table.invalidated.push((id, reason.to_owned()));
            Ok(())
        });
    let table = Arc::clone(rows);
    schedules.expect_schedule_find().returning(move |id| {
        Ok(table.lock().unwrap().timings.get(&id).map(|row| UnifiedSchedule {
            id,
            version: row.version,
            timezone: row.timezone.clone(),
            next_run: row.next_run,
            ..UnifiedSchedule::new("found", TaskId::new(), row.cron_expression.clone(), midnight())
        }))
    });
    let table = Arc::clone(rows);
    schedules.expect_schedule_update().returning(move |schedule| {
        let mut table = table.lock().unwrap();
        let row = table.timings.get_mut(&schedule.id).unwrap();
        row.version += 1;
        row.cron_expression = schedule.cron_expression.clone();
        row.next_run = schedule.next_run;
        Ok(UnifiedSchedule {
            version: row.version,
            ..schedule.clone()
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
    factory
        .expect_jobs()
        .returning(|| Arc::new(MockJobRepository::new()));
    factory
}

fn midnight() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    midnight() + TimeDelta::seconds(seconds)
}

fn every_minute(next_run: Option<DateTime<Utc>>) -> ScheduleTiming {
    ScheduleTiming {
        id: ScheduleId::new(),
        version: 1,
        cron_expression: "* * * * *".to_owned(),
        timezone: "UTC".to_owned(),
        misfire_policy: MisfirePolicy::Coalesce,
        next_run,
    }
}

fn unavailable() -> RepositoryError {
    RepositoryError::Unavailable {
        during: "firing",
        source: "disk full".into(),
    }
}

#[tokio::test]
async fn a_due_tick_is_fired_and_the_executor_is_told() {
    let mut engine = Engine::with(vec![every_minute(None)]);
    let told = engine.jobs_available.arm();
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.advance_to(after(60));
    let firing = engine.next_committed().await;
    assert_eq!(firing.job.unwrap().scheduled_for, after(60));
    assert_eq!(firing.next_run, Some(after(120)));
    told.await;
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn ticks_missed_while_down_become_one_job_at_the_start() {
    let mut engine = Engine::with(vec![every_minute(Some(midnight() - TimeDelta::minutes(3)))]);
    engine.service.start().await.unwrap();
    let firing = engine.next_committed().await;
    assert_eq!(firing.job.unwrap().scheduled_for, midnight());
    let merged = firing
        .records
        .iter()
        .filter(|record| record.outcome == TickOutcome::Coalesced);
    assert_eq!(merged.count(), 3);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn while_the_database_is_away_ticks_wait_and_are_decided_as_of_its_return() {
    let mut engine = Engine::with(vec![every_minute(None)]);
    engine.rows.lock().unwrap().failures = vec![unavailable(), unavailable()];
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.advance_to(after(60));
    while engine.rows.lock().unwrap().calls == 0 {
        tokio::task::yield_now().await;
    }
    engine.clock.advance_to(after(120));
    let firing = loop {
        tokio::select! {
            biased;
            firing = engine.committed.recv() => break firing.unwrap(),
            // The pauses end only because time passes here.
            () = tokio::task::yield_now() => engine.clock.advance(TimeDelta::milliseconds(10)),
        }
    };
    assert_eq!(firing.job.unwrap().scheduled_for, after(120));
    assert_eq!(
        firing.records.len(),
        2,
        "the tick of the outage is merged into the latest"
    );
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_tick_that_the_database_refuses_stands_in_the_ledger_and_in_nobodys_way() {
    let rows: Vec<_> = (0..9).map(|_| every_minute(Some(midnight()))).collect();
    let poisoned = rows[4].id;
    let mut engine = Engine::with(rows);
    engine.rows.lock().unwrap().poison = Some(poisoned);
    engine.service.start().await.unwrap();
    let mut fired = 0;
    for _ in 0..9 {
        let firing = engine.next_committed().await;
        if firing.schedule_id == poisoned {
            assert!(firing.job.is_none());
            assert_eq!(firing.records[0].outcome, TickOutcome::FailedToCreate);
            assert!(
                firing.records[0]
                    .reason
                    .as_ref()
                    .unwrap()
                    .contains("value out of range")
            );
        } else {
            fired += usize::from(firing.job.is_some());
        }
    }
    assert_eq!(fired, 8);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_schedule_that_was_fired_elsewhere_is_read_again_and_fires_its_next_tick() {
    let row = every_minute(Some(after(60)));
    let id = row.id;
    let mut engine = Engine::with(vec![row]);
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.rows.lock().unwrap().timings.get_mut(&id).unwrap().next_run = Some(after(120));
    engine.clock.advance_to(after(60));
    engine.waits_for(after(120)).await;
    engine.clock.advance_to(after(120));
    assert_eq!(
        engine.next_committed().await.job.unwrap().scheduled_for,
        after(120)
    );
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_clock_set_back_refires_nothing() {
    let mut engine = Engine::with(vec![every_minute(Some(after(60)))]);
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.advance_to(after(60));
    engine.next_committed().await;
    engine.waits_for(after(120)).await;
    engine.clock.step_to(midnight() - TimeDelta::hours(1));
    engine.waits_for(after(120)).await;
    engine.clock.advance_to(after(120));
    assert_eq!(
        engine.next_committed().await.job.unwrap().scheduled_for,
        after(120)
    );
    assert_eq!(engine.rows.lock().unwrap().calls, 2);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_clock_set_forward_merges_what_it_jumped_over() {
    let mut engine = Engine::with(vec![every_minute(Some(after(60)))]);
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.step_to(midnight() + TimeDelta::minutes(10));
    let firing = engine.next_committed().await;
    assert_eq!(
        firing.job.unwrap().scheduled_for,
        midnight() + TimeDelta::minutes(10)
    );
    assert_eq!(firing.records.iter().map(|record| record.count).sum::<u64>(), 10);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn an_edit_does_not_make_the_tick_vanish_that_was_due_before_it() {
    let row = every_minute(Some(midnight() - TimeDelta::seconds(1)));
    let id = row.id;
    let engine = Engine::with(vec![row]);
    let mut schedule = UnifiedSchedule::new("nightly", TaskId::new(), "0 3 * * *", midnight());
    schedule.id = id;
    let updated = engine.service.update_schedule(schedule).await.unwrap();
    assert_eq!(
        engine.rows.lock().unwrap().calls,
        1,
        "the due tick was fired first"
    );
    assert_eq!(updated.next_run, Some(midnight() + TimeDelta::hours(3)));
}

#[tokio::test]
async fn an_edit_that_leaves_the_specification_alone_keeps_the_next_run() {
    let row = every_minute(Some(after(600)));
    let (id, cron) = (row.id, row.cron_expression.clone());
    let engine = Engine::with(vec![row]);
    let mut schedule = UnifiedSchedule::new("renamed", TaskId::new(), cron, midnight());
    schedule.id = id;
    assert_eq!(
        engine.service.update_schedule(schedule).await.unwrap().next_run,
        Some(after(600))
    );
}

#[tokio::test]
async fn a_schedule_that_would_never_fire_is_refused() {
    let engine = Engine::with(Vec::new());
    let schedule = UnifiedSchedule::new("late", TaskId::new(), "0 0 0 1 1 * 2020", midnight());
    let refused = engine.service.add_schedule(schedule).await.unwrap_err();
    assert!(matches!(
        refused,
        SchedulerError::InvalidSchedule {
            field: "cronExpression",
            ..
        }
    ));
}

#[tokio::test]
async fn a_row_that_cannot_be_understood_is_disabled_and_the_others_fire() {
    let mut broken = every_minute(Some(midnight()));
    broken.cron_expression = "every now and then".to_owned();
    let id = broken.id;
    let mut engine = Engine::with(vec![broken, every_minute(Some(midnight()))]);
    engine.service.start().await.unwrap();
    engine.next_committed().await;
    {
        let rows = engine.rows.lock().unwrap();
        assert_eq!(rows.invalidated.len(), 1);
        assert_eq!(rows.invalidated[0].0, id);
        assert!(rows.invalidated[0].1.contains("every now and then"));
    }
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_herd_larger_than_any_channel_fires_completely() {
    const HERD: usize = 20_000;
    let mut engine = Engine::with((0..HERD).map(|_| every_minute(Some(midnight()))).collect());
    engine.service.start().await.unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..HERD {
        assert!(
            seen.insert(engine.next_committed().await.schedule_id),
            "a schedule fired twice"
        );
    }
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn start_and_stop_can_come_in_any_order_and_number() {
    let mut engine = Engine::with(vec![every_minute(Some(after(60)))]);
    engine.service.stop().await.unwrap();
    for round in 1..4 {
        engine.service.start().await.unwrap();
        engine.service.start().await.unwrap();
        engine.waits_for(after(60 * round)).await;
        engine.clock.advance_to(after(60 * round));
        engine.next_committed().await;
        engine.service.stop().await.unwrap();
        engine.service.stop().await.unwrap();
    }
    assert_eq!(engine.rows.lock().unwrap().calls, 3);
}
