use ratchet_interfaces::{
    Choice, JobPriority, OutputDestination, RepositoryError, ScheduleCondition, ScheduleFilter, ScheduleId,
    ScheduleSort, ScheduleState, TaskId, TextMatch, UnifiedSchedule,
};
use serde_json::json;

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::sample::{
    HOSTILE, at, everything, page, schedule, stored_schedule, stored_schedules, stored_task,
};

#[tokio::test]
async fn a_stored_schedule_is_found_as_it_was() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let schedules = repositories.schedules();
        let full = UnifiedSchedule {
            description: Some("greets the world".to_owned()),
            specification: "0 30 9 ? * MON-FRI *".to_owned(),
            timezone: "America/Argentina/ComodRivadavia".to_owned(),
            input: json!({"who": ["world", null, 1.5, -7, {"deep": true}]}),
            enabled: false,
            state: ScheduleState::Invalid,
            state_reason: Some("it said so".to_owned()),
            priority: JobPriority::Critical,
            max_retries: Some(u32::MAX),
            timeout_seconds: Some(u32::MAX),
            last_run: Some(at(-60)),
            run_count: i64::MAX as u64,
            output_destinations: vec![OutputDestination::stdout_json(); 3],
            metadata: Some(json!("anything")),
            version: 12,
            updated_at: at(1),
            ..schedule("full", task)
        };
        let bare = UnifiedSchedule {
            next_run: None,
            ..schedule("bare", task)
        };
        schedules.schedule_create(&full).await.unwrap();
        schedules.schedule_create(&bare).await.unwrap();
        for stored in [full, bare] {
            let by_id = schedules.schedule_find(stored.id).await.unwrap();
            assert_eq!(by_id.as_ref(), Some(&stored));
            let by_name = schedules.schedule_find_by_name(&stored.name).await.unwrap();
            assert_eq!(by_name.as_ref(), Some(&stored));
        }
    })
    .await;
}

#[tokio::test]
async fn a_schedule_that_does_not_exist_is_not_found() {
    on_each_database(async |repositories| {
        stored_schedule(&*repositories, "Nightly").await;
        let schedules = repositories.schedules();
        assert_eq!(schedules.schedule_find(ScheduleId::new()).await.unwrap(), None);
        for name in [
            "nightly",
            "Nightly ",
            "Nightl",
            "Nightly%",
            "_ightly",
            "",
            "Night\0ly",
        ] {
            assert_eq!(
                schedules.schedule_find_by_name(name).await.unwrap(),
                None,
                "{name:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_hostile_name_names_one_schedule() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let schedules = repositories.schedules();
        let long = "long name ".repeat(200);
        let names: Vec<&str> = HOSTILE.iter().copied().chain([long.as_str()]).collect();
        let stored: Vec<_> = names.iter().map(|name| schedule(name, task)).collect();
        schedules.schedule_create_many(&stored).await.unwrap();
        for schedule in stored {
            let found = schedules.schedule_find_by_name(&schedule.name).await.unwrap();
            assert_eq!(found, Some(schedule));
        }
    })
    .await;
}

#[tokio::test]
async fn a_nul_in_a_name_is_stored_and_found_as_a_replacement_character() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let schedules = repositories.schedules();
        let given = schedule("be\0fore", task);
        schedules.schedule_create(&given).await.unwrap();
        let stored = UnifiedSchedule {
            name: "be\u{fffd}fore".to_owned(),
            ..given
        };
        for name in ["be\0fore", "be\u{fffd}fore"] {
            let found = schedules.schedule_find_by_name(name).await.unwrap();
            assert_eq!(found.as_ref(), Some(&stored), "{name:?}");
            assert_refused!(
                schedules.schedule_create(&schedule(name, task)).await,
                RepositoryError::AlreadyExists { field: "name", .. }
            );
            for filter in [
                ScheduleFilter::of([ScheduleCondition::Name(TextMatch::Choice(Choice::Is(
                    name.to_owned(),
                )))]),
                ScheduleFilter::of([ScheduleCondition::Name(TextMatch::Contains(name[2..].to_owned()))]),
            ] {
                let list = schedules
                    .schedule_list(&filter, ScheduleSort::default(), everything())
                    .await
                    .unwrap();
                assert_eq!(list.items, std::slice::from_ref(&stored), "{filter:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_taken_name_is_refused_and_told() {
    on_each_database(async |repositories| {
        let first = stored_schedule(&*repositories, "nightly").await;
        let schedules = repositories.schedules();
        match schedules
            .schedule_create(&schedule("nightly", first.task_id))
            .await
        {
            Err(RepositoryError::AlreadyExists { what, field, value }) => {
                assert_eq!((what, field, value.as_str()), ("schedule", "name", "nightly"));
            }
            other => panic!("{other:?}"),
        }
        // Another case is another name.
        let other = schedule("Nightly", first.task_id);
        schedules.schedule_create(&other).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_taken_id_is_refused_and_the_first_row_stays() {
    on_each_database(async |repositories| {
        let first = stored_schedule(&*repositories, "nightly").await;
        let schedules = repositories.schedules();
        let second = UnifiedSchedule {
            name: "daily".to_owned(),
            ..first.clone()
        };
        assert_refused!(
            schedules.schedule_create(&second).await,
            RepositoryError::AlreadyExists { field: "id", .. }
        );
        assert_eq!(schedules.schedule_find(first.id).await.unwrap(), Some(first));
    })
    .await;
}

#[tokio::test]
async fn a_schedule_of_a_missing_task_is_refused_and_told() {
    on_each_database(async |repositories| {
        let orphan = schedule("orphan", TaskId::new());
        match repositories.schedules().schedule_create(&orphan).await {
            Err(RepositoryError::BrokenReference { what, id }) => {
                assert_eq!((what, id), ("schedule", orphan.id.to_string()));
            }
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn thousands_of_schedules_are_stored_in_one_call() {
    on_each_database(async |repositories| {
        let stored = stored_schedules(&*repositories, 4_500).await;
        let list = repositories
            .schedules()
            .schedule_list(
                &ScheduleFilter::default(),
                ScheduleSort::default(),
                page(4_400, 100),
            )
            .await
            .unwrap();
        assert_eq!(list.total, 4_500);
        assert_eq!(list.items, stored[4_400..]);
    })
    .await;
}

#[tokio::test]
async fn one_refused_schedule_keeps_its_whole_call_out() {
    on_each_database(async |repositories| {
        let taken = stored_schedule(&*repositories, "taken").await;
        let schedules = repositories.schedules();
        let good = |count: usize| -> Vec<UnifiedSchedule> {
            (0..count)
                .map(|number| schedule(&format!("good {number}"), taken.task_id))
                .collect()
        };
        // The first has more than go into one statement: the first statement has succeeded when the last one fails.
        let refused = [
            (good(2_500), schedule("orphan", TaskId::new())),
            (good(3), schedule("taken", taken.task_id)),
            (good(3), schedule("good 1", taken.task_id)),
        ];
        for (mut call, last) in refused {
            call.push(last);
            assert_refused!(
                schedules.schedule_create_many(&call).await,
                RepositoryError::AlreadyExists { .. } | RepositoryError::BrokenReference { .. }
            );
            let list = schedules
                .schedule_list(&ScheduleFilter::default(), ScheduleSort::default(), everything())
                .await
                .unwrap();
            assert_eq!(list.items, std::slice::from_ref(&taken));
        }
        schedules.schedule_create_many(&good(3)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn no_schedules_are_stored_without_asking_the_database() {
    on_each_database(async |repositories| {
        let before = repositories.statements_executed();
        repositories.schedules().schedule_create_many(&[]).await.unwrap();
        assert_eq!(repositories.statements_executed(), before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_want_a_name_at_the_same_time_one_gets_it() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let answers = at_once(0..8, |_| {
            let schedules = repositories.schedules();
            async move { schedules.schedule_create(&schedule("nightly", task)).await }
        })
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_refused!(answer, RepositoryError::AlreadyExists { field: "name", .. });
        }
    })
    .await;
}
