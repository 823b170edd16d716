use ratchet_interfaces::{
    InvalidSchedules, RepositoryError, ScheduleId, ScheduleState, TaskId, UnifiedSchedule,
};

use crate::harness::{assert_refused, on_each_database};
use crate::sample::{at, stored_schedule, stored_task};

#[tokio::test]
async fn a_recorded_run_is_counted_and_sets_both_instants() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let before = stored_schedule(&*repositories, "nightly").await;
        let other = stored_schedule(&*repositories, "other").await;
        schedules
            .schedule_record_run(before.id, at(60), Some(at(120)))
            .await
            .unwrap();
        schedules
            .schedule_record_run(before.id, at(120), None)
            .await
            .unwrap();
        let after = UnifiedSchedule {
            last_run: Some(at(120)),
            next_run: None,
            run_count: 2,
            ..before
        };
        assert_eq!(schedules.schedule_find(after.id).await.unwrap(), Some(after));
        assert_eq!(schedules.schedule_find(other.id).await.unwrap(), Some(other));
    })
    .await;
}

#[tokio::test]
async fn a_run_of_a_missing_schedule_is_refused() {
    on_each_database(async |repositories| {
        assert_refused!(
            repositories
                .schedules()
                .schedule_record_run(ScheduleId::new(), at(60), None)
                .await,
            RepositoryError::NotFound { what: "schedule", .. }
        );
    })
    .await;
}

#[tokio::test]
async fn a_schedule_that_cannot_be_understood_is_disabled_with_the_reason() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let before = stored_schedule(&*repositories, "nightly").await;
        let other = stored_schedule(&*repositories, "other").await;
        schedules
            .schedule_invalidate(before.id, before.version, "no \"such\" zone: it's \0 %")
            .await
            .unwrap();
        let after = UnifiedSchedule {
            enabled: false,
            state: ScheduleState::Invalid,
            state_reason: Some("no \"such\" zone: it's \u{fffd} %".to_owned()),
            next_run: None,
            ..before
        };
        assert_eq!(schedules.schedule_find(after.id).await.unwrap(), Some(after));
        assert_eq!(schedules.schedule_find(other.id).await.unwrap(), Some(other));
    })
    .await;
}

#[tokio::test]
async fn a_schedule_that_was_mended_meanwhile_is_not_disabled() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let read = stored_schedule(&*repositories, "nightly").await;
        let mended = schedules.schedule_update(&read).await.unwrap();
        schedules
            .schedule_invalidate(read.id, read.version, "no such zone")
            .await
            .unwrap();
        assert_eq!(schedules.schedule_find(read.id).await.unwrap(), Some(mended));
        // Nor does it matter that it is gone.
        schedules
            .schedule_invalidate(ScheduleId::new(), 1, "no such zone")
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_invalid_schedules_are_counted_and_the_first_are_told_by_name() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let none = schedules.schedule_list_invalid(10).await.unwrap();
        assert_eq!(none, InvalidSchedules::default());
        for name in ["delta", "it's \"b\" 100%", "alpha"] {
            let broken = stored_schedule(&*repositories, name).await;
            schedules.schedule_invalidate(broken.id, 1, name).await.unwrap();
        }
        let sound = stored_schedule(&*repositories, "aaa").await;
        let names = ["alpha", "delta", "it's \"b\" 100%"];
        for limit in 0..5 {
            let told = schedules.schedule_list_invalid(limit).await.unwrap();
            assert_eq!(told.total, 3);
            let found: Vec<_> = told
                .first
                .iter()
                .map(|summary| (summary.name.as_str(), summary.reason.as_deref()))
                .collect();
            let expected: Vec<_> = names
                .iter()
                .take(limit as usize)
                .map(|name| (*name, Some(*name)))
                .collect();
            assert_eq!(found, expected, "limit {limit}");
        }
        let found = schedules.schedule_find(sound.id).await.unwrap();
        assert_eq!(found, Some(sound));
    })
    .await;
}

#[tokio::test]
async fn a_task_has_schedules_for_as_long_as_one_exists() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let stored = stored_schedule(&*repositories, "nightly").await;
        let unused = stored_task(&*repositories, "unused").await;
        let disabled = UnifiedSchedule {
            enabled: false,
            ..stored.clone()
        };
        schedules.schedule_update(&disabled).await.unwrap();
        assert!(schedules.schedule_exists_for_task(stored.task_id).await.unwrap());
        for task in [unused, TaskId::new()] {
            assert!(!schedules.schedule_exists_for_task(task).await.unwrap());
        }
        schedules.schedule_delete(stored.id).await.unwrap();
        assert!(!schedules.schedule_exists_for_task(stored.task_id).await.unwrap());
    })
    .await;
}
