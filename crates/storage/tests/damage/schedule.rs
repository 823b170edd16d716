use ratchet_interfaces::{
    InvalidScheduleSummary, InvalidSchedules, ScheduleId, ScheduleState, TaskId, TickFiring,
};
use ratchet_storage::test_support::TestDatabase;

use crate::raw::{damage, texts};
use crate::sample::{firing, stored_schedules};

#[tokio::test]
async fn invalid_schedules_are_told_of_whatever_else_stands_in_their_rows() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let schedules = repositories.schedules();
        assert_eq!(
            schedules.schedule_list_invalid(10).await.unwrap(),
            InvalidSchedules::default()
        );
        let stored = stored_schedules(&*repositories, &["c", "a", "b", "sound"]).await;
        for schedule in &stored[..3] {
            let reason = format!("{} is broken", schedule.name);
            schedules
                .schedule_invalidate(schedule.id, schedule.version, &reason)
                .await
                .unwrap();
        }
        damage(
            &database,
            &["UPDATE schedules SET input = 'not json', max_retries = -1 WHERE name <> 'sound'"],
        )
        .await;
        let summary = |name: &str| InvalidScheduleSummary {
            name: name.to_owned(),
            reason: Some(format!("{name} is broken")),
        };
        for (limit, names) in [
            (0, &[][..]),
            (2, &["a", "b"]),
            (3, &["a", "b", "c"]),
            (9, &["a", "b", "c"]),
        ] {
            let expected = InvalidSchedules {
                total: 3,
                first: names.iter().map(|name| summary(name)).collect(),
            };
            assert_eq!(schedules.schedule_list_invalid(limit).await.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn a_schedule_of_a_task_exists_though_it_is_disabled_and_cannot_be_read() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let schedules = repositories.schedules();
        let stored = stored_schedules(&*repositories, &["only"]).await;
        let task = stored[0].task_id;
        damage(
            &database,
            &["UPDATE schedules SET enabled = (1 = 0), input = 'not json'"],
        )
        .await;
        assert!(schedules.schedule_exists_for_task(task).await.unwrap());
        assert!(!schedules.schedule_exists_for_task(TaskId::new()).await.unwrap());
        schedules.schedule_delete(stored[0].id).await.unwrap();
        assert!(!schedules.schedule_exists_for_task(task).await.unwrap());
    }
}

#[tokio::test]
async fn a_schedule_whose_row_cannot_be_read_is_disabled_with_the_reason_and_disturbs_no_other() {
    let of_both = [
        "effective_from = 9223372036854775807",
        "buffer_limit = -1",
        "max_runs = -1",
        "paused_at = 0, paused_by = 'me', resume_at = 9223372036854775807",
        "timing_version = -1",
        "timing_version = 9223372036854775807",
        "next_run = 9223372036854775807",
    ];
    let of_sqlite = [
        "id = X'01'",
        "id = X''",
        "misfire_policy = 'improvise'",
        "overlap_policy = 'improvise'",
        "specification = CAST(X'FF' AS TEXT)",
    ];
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let schedules = repositories.schedules();
        let of_sqlite: &[&str] = if database.file().is_some() {
            &of_sqlite
        } else {
            &[]
        };
        let damages: Vec<&str> = of_both.iter().chain(of_sqlite).copied().collect();
        // A sound schedule before, between and behind the broken ones.
        let mut names = vec!["sound 0".to_owned()];
        for place in 0..damages.len() {
            names.extend([format!("broken {place}"), format!("sound {}", place + 1)]);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let stored = stored_schedules(&*repositories, &names).await;
        for (place, change) in damages.iter().enumerate() {
            let sql = format!("UPDATE schedules SET {change} WHERE name = 'broken {place}'");
            damage(&database, &[&sql]).await;
        }
        let sound: Vec<_> = stored
            .iter()
            .filter(|schedule| schedule.name.starts_with("sound"))
            .map(|schedule| schedule.id)
            .collect();

        for round in 0..2 {
            let mut listed: Vec<ScheduleId> = Vec::new();
            loop {
                let after = listed.last().copied();
                let page = schedules.schedule_list_timings(after, 3).await.unwrap();
                listed.extend(page.iter().map(|timing| timing.id));
                if page.len() < 3 {
                    break;
                }
            }
            assert_eq!(listed, sound, "round {round}");
            let invalid = schedules.schedule_list_invalid(100).await.unwrap();
            assert_eq!(invalid.total, damages.len() as u64);
            for summary in invalid.first {
                assert!(summary.name.starts_with("broken"), "{summary:?}");
                assert!(!summary.reason.unwrap().is_empty());
            }
            let enabled = texts(&database, "SELECT name, state FROM schedules WHERE enabled").await;
            assert_eq!(enabled.len(), sound.len());
        }
    }
}

#[tokio::test]
async fn a_schedule_that_is_looked_up_and_cannot_be_read_is_disabled() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let schedules = repositories.schedules();
        let stored = stored_schedules(&*repositories, &["broken"]).await;
        damage(
            &database,
            &["UPDATE schedules SET next_run = 9223372036854775807"],
        )
        .await;
        assert_eq!(schedules.schedule_find_timing(stored[0].id).await.unwrap(), None);
        let disabled = schedules.schedule_find(stored[0].id).await.unwrap().unwrap();
        assert_eq!(
            (disabled.enabled, disabled.state, disabled.next_run),
            (false, ScheduleState::Invalid, None)
        );
        let reason = disabled.state_reason.unwrap();
        assert!(reason.contains("the stored next_run of schedule"), "{reason}");
    }
}

#[tokio::test]
async fn a_completed_schedule_has_no_timing() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let schedules = repositories.schedules();
        let stored = stored_schedules(&*repositories, &["completed", "active"]).await;
        let last = TickFiring {
            next_run: None,
            ..firing(&stored[0])
        };
        repositories.ticks().tick_fire_many(&[last]).await.unwrap();
        let listed = schedules.schedule_list_timings(None, 10).await.unwrap();
        let ids: Vec<_> = listed.iter().map(|timing| timing.id).collect();
        assert_eq!(ids, [stored[1].id]);
        assert_eq!(schedules.schedule_find_timing(stored[0].id).await.unwrap(), None);
    }
}
