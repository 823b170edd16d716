//! A database that was last used by a binary with other rules of the clock.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    Clock, Fact, ManualClock, PauseRequest, RepositoryFactory, ResumeRequest, ScheduleId, SchedulePolicies,
    SchedulerService, TaskId, TickOutcome, TickRecord, TickVerdict, UnifiedSchedule,
};
use ratchet_metadata_store::MetadataStore;
use ratchet_recurrence::Zone;
use ratchet_repository_bridge::RepositoryBridge;
use ratchet_scheduler::{AuditRange, AuditReport, SchedulerConfig, TokioCronSchedulerService};
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::store_task;

/// The clock of Berlin is two hours ahead of UTC.
const NOW: &str = "2026-06-15T12:00:30Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A database whose next runs were computed by other rules.
struct Stored {
    repositories: Arc<dyn RepositoryFactory>,
    clock: Arc<ManualClock>,
    task: TaskId,
}

impl Stored {
    async fn on_each_database(scenario: impl AsyncFn(&Self)) {
        for database in TestDatabase::each().await {
            let repositories = database.repositories();
            let task = store_task(&*repositories, at("2026-06-14T00:00:00Z")).await;
            let facts = [
                (Fact::ZoneData, "2019a".to_owned()),
                (Fact::ZoneDataSince, "2025-01-01T00:00:00Z".to_owned()),
            ];
            repositories.facts().fact_store(&facts).await.unwrap();
            let stored = Self {
                repositories,
                clock: Arc::new(ManualClock::at(at(NOW))),
                task,
            };
            scenario(&stored).await;
        }
    }

    fn service(&self) -> TokioCronSchedulerService {
        TokioCronSchedulerService::new(Arc::clone(&self.repositories), SchedulerConfig::default())
            .unwrap()
            .with_clock(Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    fn store(&self) -> MetadataStore {
        let bridge = Arc::new(RepositoryBridge::new(&*self.repositories));
        MetadataStore::new(bridge, Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// Each day at nine in Berlin, since the beginning of a June.
    async fn daily(&self, name: &str, next_run: &str) -> ScheduleId {
        let schedule = UnifiedSchedule {
            next_run: Some(at(next_run)),
            timezone: "Europe/Berlin".to_owned(),
            ..UnifiedSchedule::new(name, self.task, "0 9 * * *", at("2026-06-14T12:00:00Z"))
        };
        let schedules = self.repositories.schedules();
        schedules.schedule_create(&schedule).await.unwrap();
        schedule.id
    }

    async fn next_run(&self, id: ScheduleId) -> DateTime<Utc> {
        let found = self.repositories.schedules().schedule_find(id).await.unwrap();
        found.unwrap().next_run.unwrap()
    }

    async fn audited(&self) -> AuditReport {
        self.service().audit(AuditRange::default(), |_| ()).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_run_that_is_an_hour_off_is_mended_and_told_once() {
    Stored::on_each_database(async |stored| {
        // Whoever thought that summer time had been abolished.
        let wrong = stored.daily("wrong", "2026-06-16T08:00:00Z").await;
        let right = stored.daily("right", "2026-06-16T07:00:00Z").await;
        for (id, before) in [(wrong, "2026-06-16T08:00:00Z"), (right, "2026-06-16T07:00:00Z")] {
            decided(stored, id, "2026-06-15T07:00:00Z").await;
            assert_eq!(stored.next_run(id).await, at(before));
        }
        let report = stored.store().load(|_| ()).await.unwrap();
        let change = report.zone_data.expect("the data are others");
        assert_eq!((&*change.before, change.changed), ("2019a", 1));
        let told: Vec<_> = change
            .first
            .iter()
            .map(|change| (change.id, change.before, change.after.clone()))
            .collect();
        let (before, after) = (at("2026-06-16T08:00:00Z"), at("2026-06-16T07:00:00Z"));
        assert_eq!(told, [(wrong, before, Ok(after))]);
        assert_eq!(stored.next_run(wrong).await, after);
        assert_eq!(stored.next_run(right).await, after);
        let facts = stored.repositories.facts();
        let version = facts.fact_find(Fact::ZoneData).await.unwrap();
        assert_eq!(version.as_deref(), Some(Zone::database_version()));

        let again = stored.store().load(|_| ()).await.unwrap();
        assert_eq!(again.zone_data, None);
        assert_eq!((again.schedules, stored.next_run(wrong).await), (2, after));
        let report = stored.audited().await;
        assert!(report.is_sound(), "{:#?}", report.faults);
        assert_eq!((report.ticks, report.under_other_zone_data), (2, 0));
    })
    .await;
}

/// The scheduler of then has decided on a tick.
async fn decided(stored: &Stored, id: ScheduleId, instant: &str) {
    let instant = at(instant);
    let schedules = stored.repositories.schedules();
    let schedule = schedules.schedule_find(id).await.unwrap().unwrap();
    let firing = ratchet_interfaces::TickFiring {
        schedule_id: id,
        expected_timing_version: schedule.timing_version,
        expected_next_run: schedule.next_run.unwrap(),
        policies: schedule.policies,
        records: vec![TickRecord {
            scheduled_for: instant,
            through: instant,
            count: 1,
            outcome: TickOutcome::SkippedMisfire,
            reason: None,
            job_id: None,
            lateness: TimeDelta::zero(),
            decided_at: instant,
        }],
        next_run: schedule.next_run,
        completion: None,
        resumes: false,
        decided_at: instant,
    };
    let ticks = stored.repositories.ticks();
    let outcomes = ticks.tick_fire_many(&[firing]).await.unwrap().outcomes;
    assert_eq!(outcomes, [ratchet_interfaces::FiringOutcome::Committed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_tick_is_kept_if_it_is_a_tick_still_and_else_what_follows_the_last_decision_is_due() {
    Stored::on_each_database(async |stored| {
        let kept = stored.daily("kept", "2026-06-15T07:00:00Z").await;
        let moved = stored.daily("moved", "2026-06-15T08:00:00Z").await;
        let report = stored.store().load(|_| ()).await.unwrap();
        assert_eq!(report.zone_data.unwrap().changed, 1);
        let due = at("2026-06-15T07:00:00Z");
        assert_eq!(
            (stored.next_run(kept).await, stored.next_run(moved).await),
            (due, due)
        );

        let service = stored.service();
        service.start().await.unwrap();
        for id in [kept, moved] {
            while stored.next_run(id).await == due {
                tokio::task::yield_now().await;
            }
            let account = service.why(id, due).await.unwrap();
            assert_eq!(account.verdict, TickVerdict::Recorded, "{}", account.words);
            let wrong = service.why(id, at("2026-06-15T08:00:00Z")).await.unwrap();
            assert_eq!(wrong.verdict, TickVerdict::NotDue, "{}", wrong.words);
        }
        service.stop().await.unwrap();
        let report = stored.audited().await;
        assert!(report.is_sound(), "{:#?}", report.faults);
        assert_eq!((report.ticks, report.under_other_zone_data), (2, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_by_other_rules_is_counted_and_is_no_fault() {
    Stored::on_each_database(async |stored| {
        let id = stored.daily("decided an hour late", "2026-06-16T08:00:00Z").await;
        decided(stored, id, "2026-06-15T08:00:00Z").await;
        let service = stored.service();
        service.start().await.unwrap();
        service.stop().await.unwrap();
        assert_eq!(stored.next_run(id).await, at("2026-06-16T07:00:00Z"));
        let report = stored.audited().await;
        assert!(report.is_sound(), "{:#?}", report.faults);
        // The row at an instant that is no tick, and the tick without a row.
        assert_eq!(report.under_other_zone_data, 2);
        let account = service.why(id, at("2026-06-15T08:00:00Z")).await.unwrap();
        assert_eq!(account.verdict, TickVerdict::Recorded);
        assert!(account.words.contains("time-zone data"), "{}", account.words);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_paused_when_the_rules_change_goes_on_by_those_of_now() {
    Stored::on_each_database(async |stored| {
        let id = stored.daily("paused", "2026-06-16T08:00:00Z").await;
        decided(stored, id, "2026-06-15T07:00:00Z").await;
        let pause = PauseRequest {
            by: "ada".to_owned(),
            note: None,
            resume_at: None,
        };
        stored.service().pause_schedule(id, pause).await.unwrap();

        let service = stored.service();
        service.start().await.unwrap();
        assert_eq!(stored.next_run(id).await, at("2026-06-16T07:00:00Z"));
        stored.clock.advance(TimeDelta::days(2));
        let resume = ResumeRequest {
            by: "ada".to_owned(),
            skip_missed: false,
        };
        service.resume_schedule(id, resume).await.unwrap();
        let due = at("2026-06-18T07:00:00Z");
        while stored.next_run(id).await != due {
            tokio::task::yield_now().await;
        }
        service.stop().await.unwrap();
        let report = stored.audited().await;
        assert!(report.is_sound(), "{:#?}", report.faults);
        assert_eq!(report.ticks, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spread_schedule_keeps_a_tick_that_is_nominally_past_and_not_due_yet() {
    Stored::on_each_database(async |stored| {
        let schedule = UnifiedSchedule {
            next_run: Some(at("2026-06-15T12:00:00Z")),
            timezone: "Europe/Berlin".to_owned(),
            policies: SchedulePolicies {
                spread: TimeDelta::hours(1),
                ..SchedulePolicies::default()
            },
            ..UnifiedSchedule::new("spread", stored.task, "0 * * * *", at("2026-06-15T11:30:00Z"))
        };
        stored
            .repositories
            .schedules()
            .schedule_create(&schedule)
            .await
            .unwrap();
        let report = stored.store().load(|_| ()).await.unwrap();
        assert_eq!(report.zone_data.unwrap().changed, 0);
        assert_eq!(stored.next_run(schedule.id).await, at("2026-06-15T12:00:00Z"));
    })
    .await;
}
