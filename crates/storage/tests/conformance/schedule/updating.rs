use chrono::TimeDelta;
use ratchet_interfaces::{
    FiringOutcome, JobPriority, MisfirePolicy, OutputDestination, OverlapPolicy, Pause, RepositoryError,
    ScheduleId, SchedulePolicies, ScheduleState, TaskId, UnifiedSchedule,
};
use serde_json::json;

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::sample::{at, firing, schedule, stored_schedule, stored_task};

#[tokio::test]
async fn an_update_replaces_what_the_owner_gives_and_keeps_what_the_engine_counts() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let before = stored_schedule(&*repositories, "nightly").await;
        repositories
            .ticks()
            .tick_fire_many(&[firing(&before)])
            .await
            .unwrap();
        let given = UnifiedSchedule {
            id: before.id,
            task_id: stored_task(&*repositories, "another").await,
            name: "renamed".to_owned(),
            description: Some("new".to_owned()),
            specification: "@hourly".to_owned(),
            timezone: "Asia/Tokyo".to_owned(),
            input: json!([1, 2]),
            enabled: false,
            state: ScheduleState::Completed,
            state_reason: Some("why".to_owned()),
            policies: SchedulePolicies {
                misfire: MisfirePolicy::CatchUp,
                grace: Some(TimeDelta::seconds(3)),
                catch_up_max: 4,
                catch_up_window: TimeDelta::hours(5),
                overlap: OverlapPolicy::CancelRunning,
                buffer_limit: 6,
                spread: TimeDelta::seconds(7),
                max_runs: Some(8),
                pause_after_failures: Some(9),
            },
            pause: Some(Pause {
                since: at(1),
                by: "me".to_owned(),
                note: Some("holidays".to_owned()),
                resume_at: Some(at(2)),
            }),
            priority: JobPriority::High,
            max_retries: Some(4),
            timeout_seconds: Some(9),
            next_run: Some(at(777)),
            last_run: Some(at(999)),
            run_count: 99,
            consecutive_failures: 5,
            requests: 99,
            effective_from: at(6),
            output_destinations: vec![OutputDestination::stdout_json()],
            metadata: Some(json!({"owner": "me"})),
            managed_by: Some("apply".to_owned()),
            version: before.version,
            timing_version: 99,
            created_at: at(999),
            updated_at: at(5),
        };
        let expected = UnifiedSchedule {
            last_run: before.next_run,
            run_count: 1,
            requests: 0,
            created_at: before.created_at,
            version: before.version + 1,
            timing_version: before.timing_version + 1,
            ..given.clone()
        };
        assert_eq!(schedules.schedule_update(&given).await.unwrap(), expected);
        assert_eq!(schedules.schedule_find(before.id).await.unwrap(), Some(expected));
        assert_eq!(schedules.schedule_find_by_name("nightly").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_update_can_take_every_optional_field_away() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let task = stored_task(&*repositories, "greet").await;
        let full = UnifiedSchedule {
            description: Some("old".to_owned()),
            pause: Some(Pause {
                since: at(1),
                by: "me".to_owned(),
                note: Some("old".to_owned()),
                resume_at: Some(at(2)),
            }),
            state_reason: Some("old".to_owned()),
            timeout_seconds: Some(1),
            metadata: Some(json!(null)),
            output_destinations: vec![OutputDestination::stdout_json()],
            ..schedule("full", task)
        };
        schedules.schedule_create(&full).await.unwrap();
        let bare = UnifiedSchedule {
            description: None,
            pause: None,
            state_reason: None,
            timeout_seconds: None,
            metadata: None,
            output_destinations: Vec::new(),
            next_run: None,
            ..full
        };
        let updated = schedules.schedule_update(&bare).await.unwrap();
        assert_eq!(
            updated,
            UnifiedSchedule {
                version: 2,
                timing_version: 2,
                ..bare
            }
        );
    })
    .await;
}

#[tokio::test]
async fn an_update_of_details_leaves_alone_when_a_schedule_fires_and_what_was_decided() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let before = stored_schedule(&*repositories, "nightly").await;
        let decided = firing(&before);
        let given = UnifiedSchedule {
            id: before.id,
            task_id: stored_task(&*repositories, "another").await,
            name: "renamed".to_owned(),
            description: Some("new".to_owned()),
            input: json!([1, 2]),
            priority: JobPriority::High,
            max_retries: Some(4),
            timeout_seconds: Some(9),
            output_destinations: vec![OutputDestination::stdout_json()],
            metadata: Some(json!({"owner": "me"})),
            managed_by: Some("apply".to_owned()),
            updated_at: at(5),
            ..before.clone()
        };
        let expected = UnifiedSchedule {
            version: before.version + 1,
            ..given.clone()
        };
        let elsewhere = UnifiedSchedule {
            specification: "@hourly".to_owned(),
            timezone: "Asia/Tokyo".to_owned(),
            enabled: false,
            state: ScheduleState::Completed,
            state_reason: Some("why".to_owned()),
            policies: SchedulePolicies {
                max_runs: Some(8),
                ..SchedulePolicies::default()
            },
            pause: Some(Pause {
                since: at(1),
                by: "me".to_owned(),
                note: None,
                resume_at: None,
            }),
            next_run: Some(at(777)),
            last_run: Some(at(999)),
            run_count: 99,
            consecutive_failures: 5,
            requests: 99,
            effective_from: at(6),
            timing_version: 99,
            created_at: at(999),
            ..given
        };
        assert_eq!(
            schedules.schedule_update_details(&elsewhere).await.unwrap(),
            expected
        );
        assert_eq!(schedules.schedule_find(before.id).await.unwrap(), Some(expected));
        let committed = repositories.ticks().tick_fire_many(&[decided]).await.unwrap();
        assert_eq!(committed.outcomes, [FiringOutcome::Committed]);

        match schedules.schedule_update_details(&elsewhere).await {
            Err(RepositoryError::VersionConflict { what, id }) => {
                assert_eq!((what, id), ("schedule", before.id.to_string()));
            }
            other => panic!("{other:?}"),
        }
        let missing = UnifiedSchedule {
            id: ScheduleId::new(),
            ..elsewhere.clone()
        };
        assert!(matches!(
            schedules.schedule_update_details(&missing).await,
            Err(RepositoryError::NotFound { .. })
        ));
        stored_schedule(&*repositories, "taken").await;
        let twin = UnifiedSchedule {
            name: "taken".to_owned(),
            version: 2,
            ..elsewhere
        };
        assert!(matches!(
            schedules.schedule_update_details(&twin).await,
            Err(RepositoryError::AlreadyExists { field: "name", .. })
        ));
    })
    .await;
}

#[tokio::test]
async fn an_update_of_another_version_is_refused_and_changes_nothing() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let first = stored_schedule(&*repositories, "nightly").await;
        let second = schedules
            .schedule_update(&UnifiedSchedule {
                description: Some("mine".to_owned()),
                ..first.clone()
            })
            .await
            .unwrap();
        for version in [0, 1, 3, u32::MAX] {
            let stale = UnifiedSchedule {
                description: Some("yours".to_owned()),
                version,
                ..first.clone()
            };
            match schedules.schedule_update(&stale).await {
                Err(RepositoryError::VersionConflict { what, id }) => {
                    assert_eq!((what, id), ("schedule", first.id.to_string()));
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(schedules.schedule_find(first.id).await.unwrap(), Some(second));
    })
    .await;
}

#[tokio::test]
async fn an_update_of_a_missing_schedule_is_refused() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let task = stored_task(&*repositories, "greet").await;
        let deleted = stored_schedule(&*repositories, "deleted").await;
        schedules.schedule_delete(deleted.id).await.unwrap();
        for missing in [
            deleted,
            schedule("never", task),
            schedule("of no task", TaskId::new()),
        ] {
            match schedules.schedule_update(&missing).await {
                Err(RepositoryError::NotFound { what, id }) => {
                    assert_eq!((what, id), ("schedule", missing.id.to_string()));
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_update_to_a_taken_name_or_a_missing_task_is_refused_and_changes_nothing() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let first = stored_schedule(&*repositories, "first").await;
        let second = stored_schedule(&*repositories, "second").await;
        let renamed = UnifiedSchedule {
            name: "first".to_owned(),
            ..second.clone()
        };
        match schedules.schedule_update(&renamed).await {
            Err(RepositoryError::AlreadyExists { what, field, value }) => {
                assert_eq!((what, field, value.as_str()), ("schedule", "name", "first"));
            }
            other => panic!("{other:?}"),
        }
        let orphaned = UnifiedSchedule {
            task_id: TaskId::new(),
            ..second.clone()
        };
        assert_refused!(
            schedules.schedule_update(&orphaned).await,
            RepositoryError::BrokenReference { what: "schedule", .. }
        );
        for unchanged in [first, second] {
            assert_eq!(
                schedules.schedule_find(unchanged.id).await.unwrap(),
                Some(unchanged)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_update_may_keep_its_own_name() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let first = stored_schedule(&*repositories, "nightly").await;
        let updated = schedules.schedule_update(&first).await.unwrap();
        assert_eq!((updated.version, &updated.name), (2, &first.name));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_update_one_version_at_the_same_time_one_wins() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let before = stored_schedule(&*repositories, "nightly").await;
        let answers = at_once(0..8, |caller| {
            let schedules = repositories.schedules();
            let update = UnifiedSchedule {
                description: Some(format!("caller {caller}")),
                ..before.clone()
            };
            async move { schedules.schedule_update(&update).await }
        })
        .await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for answer in lost {
            assert_refused!(answer, RepositoryError::VersionConflict { .. });
        }
        for winner in won {
            assert_eq!(
                schedules.schedule_find(before.id).await.unwrap(),
                Some(winner.unwrap())
            );
        }
    })
    .await;
}
