//! The ledger is kept as long as it is to be kept, and who asks about what was before is told so.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimRequest, Clock, ManualClock, NodeId, OverlapPolicy, SchedulePolicies,
    SchedulerService, TickVerdict, UnifiedSchedule,
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

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_ended_long_ago_go_and_the_audit_does_not_miss_them() {
    for database in TestDatabase::each().await {
        let begin: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 30).unwrap();
        let clock = Arc::new(ManualClock::at(begin));
        let repositories = database.repositories();
        let task = store_task(&*repositories, begin).await;
        let config = SchedulerConfig {
            job_retention_days: 1,
            ..SchedulerConfig::default()
        };
        let service = TokioCronSchedulerService::new(Arc::clone(&repositories), config)
            .unwrap()
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let hourly = UnifiedSchedule::new("hourly", task, "0 * * * *", begin);
        service.add_schedule(hourly).await.unwrap();
        service.start().await.unwrap();
        let (jobs, node) = (repositories.jobs(), NodeId::new());
        let mut made = Vec::new();
        let passing = async {
            for hour in 1..=48 {
                clock.advance_to(begin + TimeDelta::hours(hour) - TimeDelta::seconds(30));
                let claimed = loop {
                    let now = clock.now();
                    let request = ClaimRequest {
                        node,
                        now,
                        limit: 1,
                        aged: 0,
                        lease_until: now + TimeDelta::minutes(1),
                    };
                    if let Some(claimed) = jobs.job_claim_many(request).await.unwrap().jobs.pop() {
                        break claimed;
                    }
                    tokio::task::yield_now().await;
                };
                let result = AttemptResult::Succeeded {
                    output: serde_json::json!(1),
                };
                let (job, execution) = (claimed.job.id, claimed.execution_id);
                let end = AttemptOutcome::new(job, execution, node, result, clock.now());
                jobs.job_settle_many(&[end]).await.unwrap();
                made.push(job);
            }
            // What ended on the first day goes, within the next two hours.
            while jobs.job_find(made[20]).await.unwrap().is_some() {
                clock.advance(TimeDelta::seconds(30));
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), passing)
            .await
            .expect("old jobs stay");
        service.stop().await.unwrap();
        assert_eq!(jobs.job_find(made[0]).await.unwrap(), None);
        assert!(jobs.job_find(made[47]).await.unwrap().is_some());
        let everything = AuditRange { from: None, to: None };
        let report = service.audit(everything, |_| ()).await.unwrap();
        assert!(report.is_sound(), "{:#?}", report.faults);
        assert!(report.ticks >= 48, "the ledger has them still");
    }
}
