use chrono::TimeDelta;
use ratchet_interfaces::{
    RepositoryError, ScheduleChange, ScheduleId, SchedulerError, SchedulerService, TaskId, UnifiedSchedule,
};

use crate::world::*;

fn new(name: &str, specification: &str) -> UnifiedSchedule {
    UnifiedSchedule::new(name, TaskId::new(), specification, midnight())
}

fn daily(id: ScheduleId, version: u32) -> UnifiedSchedule {
    UnifiedSchedule {
        id,
        version,
        ..new("replaced", "0 3 * * *")
    }
}

#[tokio::test]
async fn schedules_that_are_changed_together_are_all_armed_as_their_rows_say() {
    let (replaced, deleted) = (every_minute(Some(after(600))), every_minute(Some(after(600))));
    let (replaced_id, deleted_id) = (replaced.id, deleted.id);
    let engine = Engine::with(vec![replaced, deleted]);
    engine.service.start().await.unwrap();
    let created = new("created", "every day at noon");
    let follower = new("follower", "after created succeeded");
    let written = engine
        .service
        .change_schedules(vec![
            ScheduleChange::Create(follower),
            ScheduleChange::Create(created.clone()),
            ScheduleChange::Delete {
                id: deleted_id,
                version: 1,
            },
            ScheduleChange::Replace(daily(replaced_id, 1)),
        ])
        .await
        .unwrap();
    let told: Vec<_> = written
        .iter()
        .map(|schedule| (schedule.name.as_str(), schedule.next_run))
        .collect();
    assert_eq!(
        told,
        [
            ("created", Some(midnight() + TimeDelta::hours(12))),
            ("follower", None),
            ("replaced", Some(midnight() + TimeDelta::hours(3))),
        ]
    );
    assert_eq!(written[1].follows().unwrap().leader_id, created.id);
    assert_eq!(engine.service.health().await.unwrap().schedules, 2);
    for id in [created.id, replaced_id] {
        assert!(engine.service.get_schedule_status(id).await.unwrap().armed);
    }
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_due_is_decided_on_before_schedules_are_replaced() {
    let due = every_minute(Some(midnight() - TimeDelta::seconds(1)));
    let id = due.id;
    let engine = Engine::with(vec![due]);
    let changes = vec![ScheduleChange::Replace(daily(id, 1))];
    engine.service.change_schedules(changes).await.unwrap();
    assert_eq!(engine.rows.lock().unwrap().calls, 1);
}

#[tokio::test]
async fn one_wrong_change_keeps_all_others_from_being_made() {
    let due = every_minute(Some(midnight() - TimeDelta::seconds(1)));
    let id = due.id;
    let engine = Engine::with(vec![due]);
    let good = || ScheduleChange::Replace(daily(id, 1));
    let create = |name: &str, specification: &str| ScheduleChange::Create(new(name, specification));
    for (wrong, field) in [
        (create("wrong", "99 * * * *"), "specification"),
        (create("wrong", "after nobody failed"), "specification"),
        (create("past", "0 0 0 1 1 * 2020"), "specification"),
        (create(" ", "@daily"), "name"),
    ] {
        let changes = vec![good(), wrong];
        let checked = engine.service.check_schedule_changes(changes.clone()).await;
        for refused in [
            checked.err(),
            engine.service.change_schedules(changes).await.err(),
        ] {
            let Some(SchedulerError::InvalidSchedule { field: told, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(told, field);
        }
    }
    for stale in [
        ScheduleChange::Replace(daily(id, 2)),
        ScheduleChange::Delete { id, version: 7 },
    ] {
        let refused = engine
            .service
            .change_schedules(vec![create("new", "@daily"), stale])
            .await
            .unwrap_err();
        assert!(matches!(
            refused,
            SchedulerError::Repository {
                source: RepositoryError::VersionConflict { .. },
                ..
            }
        ));
    }
    engine
        .service
        .check_schedule_changes(vec![good(), create("new", "@daily")])
        .await
        .unwrap();
    let rows = engine.rows.lock().unwrap();
    assert_eq!(
        (rows.calls, rows.timings.len()),
        (0, 1),
        "nothing was decided or written"
    );
}

#[tokio::test]
async fn changes_that_were_committed_without_an_answer_are_in_the_engine_all_the_same() {
    let row = every_minute(Some(after(600)));
    let id = row.id;
    let engine = Engine::with(vec![row]);
    engine.service.start().await.unwrap();
    engine.rows.lock().unwrap().loses_answers = true;
    let changes = vec![ScheduleChange::Replace(daily(id, 1))];
    engine.service.change_schedules(changes).await.unwrap_err();
    let status = engine.service.get_schedule_status(id).await.unwrap();
    assert_eq!(status.next_run, Some(midnight() + TimeDelta::hours(3)));
    assert!(status.armed);
    engine.service.stop().await.unwrap();
}
