use ratchet_interfaces::{Pause, ScheduleStatistics, UnifiedSchedule};

use crate::harness::on_each_database;
use crate::sample::{at, schedule, stored_task};

#[tokio::test]
async fn without_schedules_there_is_nothing_to_count() {
    on_each_database(async |repositories| {
        let statistics = repositories.schedules().schedule_statistics(at(0)).await;
        assert_eq!(statistics.unwrap(), ScheduleStatistics::default());
    })
    .await;
}

#[tokio::test]
async fn schedules_are_counted_by_whether_they_fire_and_are_due() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let task = stored_task(&*repositories, "one").await;
        let paused = Pause {
            since: at(0),
            by: "somebody".to_owned(),
            note: None,
            resume_at: None,
        };
        let rows = [
            // Enabled, paused, next run, runs and the last of them.
            ("due", true, None, Some(60), 0, None),
            ("to come", true, None, Some(61), 4, Some(40)),
            ("not again", true, None, None, 2, Some(60)),
            ("paused", true, Some(paused), Some(10), 0, None),
            ("disabled", false, None, None, 0, None),
        ];
        let stored: Vec<UnifiedSchedule> = rows
            .into_iter()
            .map(
                |(name, enabled, pause, next_run, run_count, last_run)| UnifiedSchedule {
                    enabled,
                    pause,
                    next_run: next_run.map(at),
                    run_count,
                    last_run: last_run.map(at),
                    created_at: at(0),
                    ..schedule(name, task)
                },
            )
            .collect();
        schedules.schedule_create_many(&stored).await.unwrap();
        let statistics = schedules.schedule_statistics(at(60)).await.unwrap();
        assert_eq!(
            statistics,
            ScheduleStatistics {
                total: 5,
                enabled: 4,
                ready: 1,
                last_run: Some(at(60)),
                next_run: Some(at(60)),
                // 40 s in four runs, and 60 s in two.
                mean_interval_seconds: Some(20.0),
            }
        );
    })
    .await;
}
