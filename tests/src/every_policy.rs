use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    Clock, MisfirePolicy, OverlapPolicy, SchedulePolicies, TaskId, TickOutcome, UnifiedSchedule,
};
use ratchet_scheduler::{AuditRange, SchedulerConfig, SystemClock, TokioCronSchedulerService};
use ratchet_storage::Database;

const WAIT: &str = "00000000-0000-0000-0000-000000000002";

/// Schedules of each pair of policies that tick every second, and whose jobs run for longer than that; and some that are
/// spread, exclude something, live through a change of the clock, or are to run so many times only.
pub struct EveryPolicy;

impl EveryPolicy {
    /// Makes them in a database that a server has been started on, as if that were a while ago: their first ticks have
    /// been missed.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn create(url: &str) {
        let database = Database::connect(url).await.unwrap();
        let now = SystemClock::new().now() - TimeDelta::seconds(20);
        let schedules: Vec<_> = MisfirePolicy::ALL
            .iter()
            .flat_map(|misfire| OverlapPolicy::ALL.iter().map(move |overlap| (*misfire, *overlap)))
            .flat_map(|(misfire, overlap)| {
                let policies = SchedulePolicies {
                    misfire,
                    overlap,
                    grace: Some(TimeDelta::milliseconds(100)),
                    catch_up_max: 3,
                    catch_up_window: TimeDelta::seconds(10),
                    buffer_limit: 2,
                    ..SchedulePolicies::default()
                };
                let plain = schedule("plain", "* * * * * *", policies, now);
                let spread = SchedulePolicies {
                    spread: TimeDelta::milliseconds(1_900),
                    ..policies
                };
                let limited = SchedulePolicies {
                    max_runs: Some(20),
                    ..policies
                };
                [
                    plain,
                    schedule("spread", "every 2s", spread, now),
                    schedule(
                        "excluding",
                        "* * * * * *; except cron 10-40/3 * * * * *",
                        policies,
                        now,
                    ),
                    schedule("limited", "* * * * * *", limited, now),
                ]
            })
            .collect();
        let repositories = database.repositories();
        repositories
            .schedules()
            .schedule_create_many(&schedules)
            .await
            .unwrap();
        database.close().await.unwrap();
    }

    /// Recomputes every nominal tick of every schedule of the database, and finds each in the ledger once. Returns how
    /// many there were, and how many outcomes of each kind.
    ///
    /// # Panics
    /// When one is missing, doubled, or wrong, or when a kind of outcome never came up that the policies provoke.
    pub async fn audit(url: &str) -> (u64, Vec<(TickOutcome, u64)>) {
        let database = Database::connect(url).await.unwrap();
        let service =
            TokioCronSchedulerService::new(database.repositories(), SchedulerConfig::default()).unwrap();
        let everything = AuditRange { from: None, to: None };
        let report = service.audit(everything, |_| ()).await.unwrap();
        assert!(report.is_sound(), "{:#?}", report.faults);
        let outcomes: Vec<_> = report.outcomes.into_iter().collect();
        for provoked in [
            TickOutcome::Fired,
            TickOutcome::Buffered,
            TickOutcome::Coalesced,
            TickOutcome::SkippedOverlap,
            TickOutcome::SkippedMisfire,
            TickOutcome::Excluded,
        ] {
            assert!(
                outcomes.iter().any(|(outcome, _)| *outcome == provoked),
                "no tick was {provoked}: {outcomes:?}"
            );
        }
        database.close().await.unwrap();
        (report.ticks, outcomes)
    }
}

fn schedule(
    kind: &str,
    specification: &str,
    policies: SchedulePolicies,
    now: DateTime<Utc>,
) -> UnifiedSchedule {
    let task: TaskId = WAIT.parse().unwrap();
    let name = format!("{kind}, {}, {}", policies.misfire, policies.overlap);
    UnifiedSchedule {
        policies,
        input: serde_json::json!({ "seconds": 1.3 }),
        ..UnifiedSchedule::new(name, task, specification, now)
    }
}
