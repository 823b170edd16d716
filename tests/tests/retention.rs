//! The ledger is kept as long as it is to be kept, and who asks about what was before is told so.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratchet_interfaces::{
    Clock, ManualClock, OverlapPolicy, SchedulePolicies, SchedulerService, TickVerdict, UnifiedSchedule,
};
use ratchet_scheduler::{AuditRange, SchedulerConfig, TokioCronSchedulerService};
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::store_task;

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_older_than_the_retention_go_and_the_others_stay() {
    for database in TestDatabase::each().await {
        let begin: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 30).unwrap();
        let clock = Arc::new(ManualClock::at(begin));
        let repositories = database.repositories();
        let task = store_task(&*repositories, begin).await;
        let config = SchedulerConfig {
            ledger_retention_days: 2,
            ..SchedulerConfig::default()
        };
        let service = TokioCronSchedulerService::new(Arc::clone(&repositories), config)
            .unwrap()
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let hourly = UnifiedSchedule {
            policies: SchedulePolicies {
                overlap: OverlapPolicy::Allow,
                ..SchedulePolicies::default()
            },
            ..UnifiedSchedule::new("hourly", task, "0 * * * *", begin)
        };
        let id = service.add_schedule(hourly).await.unwrap().id;
        service.start().await.unwrap();
        let oldest = async || {
            let rows = repositories.ticks().tick_scan(id, begin, None, 1).await.unwrap();
            rows.first().map(|tick| tick.record.scheduled_for)
        };
        let fired = |instant: DateTime<Utc>| {
            let schedules = repositories.schedules();
            async move {
                while schedules.schedule_find(id).await.unwrap().unwrap().last_run < Some(instant) {
                    tokio::task::yield_now().await;
                }
            }
        };
        let kept = async {
            for hour in 1..=96 {
                let instant = begin + TimeDelta::hours(hour) - TimeDelta::seconds(30);
                clock.advance_to(instant);
                fired(instant).await;
            }
            let cutoff = clock.now() - TimeDelta::days(2) - TimeDelta::hours(2);
            while oldest().await.is_none_or(|oldest| oldest < cutoff) {
                clock.advance(TimeDelta::seconds(30));
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), kept)
            .await
            .expect("old rows stay");
        let oldest = oldest().await.unwrap();
        assert!(oldest >= clock.now() - TimeDelta::days(2) - TimeDelta::hours(2));
        assert!(
            oldest <= begin + TimeDelta::days(3),
            "rows went that were to stay: {oldest}"
        );

        let first = begin + TimeDelta::hours(1) - TimeDelta::seconds(30);
        let account = service.why(id, first).await.unwrap();
        assert_eq!(account.verdict, TickVerdict::Pruned, "{}", account.words);
        let everything = AuditRange { from: None, to: None };
        let report = service.audit(everything, |_| ()).await.unwrap();
        assert!(report.is_sound(), "{:#?}", report.faults);
        service.stop().await.unwrap();
    }
}
