use ratchet_interfaces::{InvalidScheduleSummary, InvalidSchedules, TaskId};
use ratchet_storage::test_support::TestDatabase;

use crate::raw::damage;
use crate::sample::stored_schedules;

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
