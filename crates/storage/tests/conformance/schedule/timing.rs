use ratchet_interfaces::{ScheduleId, ScheduleState, ScheduleTiming, UnifiedSchedule};

use crate::harness::on_each_database;
use crate::sample::{at, schedule, stored_schedule, stored_schedules, stored_task};

fn timing(schedule: &UnifiedSchedule) -> ScheduleTiming {
    ScheduleTiming {
        id: schedule.id,
        timing_version: schedule.timing_version,
        specification: schedule.specification.clone(),
        timezone: schedule.timezone.clone(),
        policies: schedule.policies,
        next_run: schedule.next_run,
        resume_at: schedule.pause.as_ref().and_then(|pause| pause.resume_at),
        effective_from: schedule.effective_from,
    }
}

#[tokio::test]
async fn the_timings_of_all_enabled_schedules_come_in_the_order_of_their_ids() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let mut stored = stored_schedules(&*repositories, 11).await;
        for (place, schedule) in stored.iter_mut().enumerate() {
            let change = UnifiedSchedule {
                enabled: place % 4 != 1,
                next_run: (place % 3 != 0).then(|| at(60 + place as i64)),
                timezone: format!("Zone/{place}"),
                specification: format!("{place} * * * *"),
                ..schedule.clone()
            };
            *schedule = schedules.schedule_update(&change).await.unwrap();
        }
        stored.sort_by_key(|schedule| schedule.id);
        let enabled: Vec<_> = stored
            .iter()
            .filter(|schedule| schedule.enabled)
            .map(timing)
            .collect();
        assert_eq!(enabled.len(), 8);
        for limit in [1, 2, 3, 8, 100] {
            let mut read: Vec<ScheduleTiming> = Vec::new();
            loop {
                let after = read.last().map(|timing| timing.id);
                let page = schedules.schedule_list_timings(after, limit).await.unwrap();
                assert!(page.len() <= limit as usize);
                if page.is_empty() {
                    break;
                }
                read.extend(page);
            }
            assert_eq!(read, enabled, "{limit} at a time");
        }
        assert_eq!(schedules.schedule_list_timings(None, 0).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn the_timing_of_a_disabled_or_missing_schedule_is_none() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let enabled = stored_schedule(&*repositories, "enabled").await;
        let found = schedules.schedule_find_timing(enabled.id).await.unwrap();
        assert_eq!(found, Some(timing(&enabled)));
        let disabled = UnifiedSchedule {
            enabled: false,
            ..enabled
        };
        schedules.schedule_update(&disabled).await.unwrap();
        assert_eq!(schedules.schedule_find_timing(disabled.id).await.unwrap(), None);
        assert_eq!(
            schedules.schedule_find_timing(ScheduleId::new()).await.unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test]
async fn first_runs_are_set_and_none_completes_a_schedule() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let task = stored_task(&*repositories, "greet").await;
        let runs = UnifiedSchedule {
            next_run: None,
            state: ScheduleState::Invalid,
            state_reason: Some("of an earlier specification".to_owned()),
            ..schedule("runs", task)
        };
        let ends = UnifiedSchedule {
            next_run: None,
            ..schedule("ends", task)
        };
        schedules
            .schedule_create_many(&[runs.clone(), ends.clone()])
            .await
            .unwrap();
        schedules
            .schedule_set_first_runs(&[
                (timing(&runs), Ok(at(60))),
                (timing(&ends), Err("it has ended".to_owned())),
            ])
            .await
            .unwrap();
        let expected = UnifiedSchedule {
            next_run: Some(at(60)),
            state: ScheduleState::Active,
            state_reason: None,
            ..runs
        };
        assert_eq!(
            schedules.schedule_find(expected.id).await.unwrap(),
            Some(expected)
        );
        let ended = schedules.schedule_find(ends.id).await.unwrap().unwrap();
        let expected = UnifiedSchedule {
            state: ScheduleState::Completed,
            state_reason: Some("it has ended".to_owned()),
            ..ends
        };
        assert_eq!(ended, expected);
    })
    .await;
}

#[tokio::test]
async fn a_first_run_is_not_set_where_the_schedule_was_changed_meanwhile() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let task = stored_task(&*repositories, "greet").await;
        let unset = |name: &str| UnifiedSchedule {
            next_run: None,
            ..schedule(name, task)
        };
        let (edited, running, deleted, untouched) = (
            unset("edited"),
            schedule("running", task),
            unset("deleted"),
            unset("untouched"),
        );
        let disabled = UnifiedSchedule {
            enabled: false,
            ..unset("disabled")
        };
        let all = [edited, running, deleted, untouched, disabled];
        schedules.schedule_create_many(&all).await.unwrap();
        let [edited, running, deleted, untouched, disabled] = all;
        let after_edit = schedules.schedule_update(&edited).await.unwrap();
        schedules.schedule_delete(deleted.id).await.unwrap();

        for next_run in [Ok(at(600)), Err("it has ended".to_owned())] {
            let runs: Vec<_> = [&edited, &running, &deleted, &disabled]
                .map(|schedule| (timing(schedule), next_run.clone()))
                .into();
            schedules.schedule_set_first_runs(&runs).await.unwrap();
            for expected in [&after_edit, &running, &untouched, &disabled] {
                let found = schedules.schedule_find(expected.id).await.unwrap();
                assert_eq!(found.as_ref(), Some(expected), "{next_run:?}");
            }
        }
        schedules.schedule_set_first_runs(&[]).await.unwrap();
    })
    .await;
}
