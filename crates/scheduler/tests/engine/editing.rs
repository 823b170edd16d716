use chrono::TimeDelta;
use ratchet_interfaces::{ScheduleId, SchedulerError, SchedulerService, TaskId, UnifiedSchedule};

use crate::world::*;

#[tokio::test]
async fn an_edit_does_not_make_the_tick_vanish_that_was_due_before_it() {
    let row = every_minute(Some(midnight() - TimeDelta::seconds(1)));
    let id = row.id;
    let engine = Engine::with(vec![row]);
    let mut schedule = UnifiedSchedule::new("nightly", TaskId::new(), "0 3 * * *", midnight());
    schedule.id = id;
    let updated = engine.service.update_schedule(schedule).await.unwrap();
    assert_eq!(
        engine.rows.lock().unwrap().calls,
        1,
        "the due tick was fired first"
    );
    assert_eq!(updated.next_run, Some(midnight() + TimeDelta::hours(3)));
}

#[tokio::test]
async fn an_edit_that_leaves_the_specification_alone_keeps_the_next_run() {
    let row = every_minute(Some(after(600)));
    let (id, cron) = (row.id, row.specification.clone());
    let engine = Engine::with(vec![row]);
    let mut schedule = UnifiedSchedule::new("renamed", TaskId::new(), cron, midnight());
    schedule.id = id;
    assert_eq!(
        engine.service.update_schedule(schedule).await.unwrap().next_run,
        Some(after(600))
    );
}

#[tokio::test]
async fn an_edit_that_says_nothing_about_when_it_fires_leaves_a_due_tick_to_the_engine() {
    let row = every_minute(Some(midnight()));
    let (id, cron) = (row.id, row.specification.clone());
    let engine = Engine::with(vec![row]);
    let renamed = UnifiedSchedule {
        id,
        ..UnifiedSchedule::new("renamed", TaskId::new(), cron, midnight())
    };
    let updated = engine.service.update_schedule(renamed).await.unwrap();
    assert_eq!((updated.next_run, updated.timing_version), (Some(midnight()), 1));
    assert_eq!(engine.rows.lock().unwrap().calls, 0);
    engine.service.start().await.unwrap();
    while engine.rows.lock().unwrap().calls == 0 {
        tokio::task::yield_now().await;
    }
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn the_due_tick_of_a_schedule_that_was_renamed_does_not_vanish_with_another_edit() {
    let row = every_minute(Some(midnight()));
    let (id, cron) = (row.id, row.specification.clone());
    let engine = Engine::with(vec![row]);
    let schedule = |cron: &str| UnifiedSchedule {
        id,
        ..UnifiedSchedule::new("renamed", TaskId::new(), cron, midnight())
    };
    engine.service.update_schedule(schedule(&cron)).await.unwrap();
    engine
        .service
        .update_schedule(schedule("0 3 * * *"))
        .await
        .unwrap();
    let rows = engine.rows.lock().unwrap();
    assert_eq!((rows.calls, rows.fired), (1, 1));
}

#[tokio::test]
async fn an_edit_that_takes_a_tick_away_does_not_wait_for_it() {
    let row = every_minute(Some(midnight() + TimeDelta::milliseconds(5)));
    let (id, cron) = (row.id, row.specification.clone());
    let engine = Engine::with(vec![row]);
    engine.service.start().await.unwrap();
    let disabled = UnifiedSchedule {
        id,
        enabled: false,
        ..UnifiedSchedule::new("disabled", TaskId::new(), cron, midnight())
    };
    let updated = engine.service.update_schedule(disabled).await.unwrap();
    assert_eq!(updated.next_run, None);
    assert_eq!(engine.rows.lock().unwrap().calls, 0);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_schedule_that_would_never_fire_is_refused() {
    let engine = Engine::with(Vec::new());
    let schedule = UnifiedSchedule::new("late", TaskId::new(), "0 0 0 1 1 * 2020", midnight());
    let refused = engine.service.add_schedule(schedule).await.unwrap_err();
    assert!(matches!(
        refused,
        SchedulerError::InvalidSchedule {
            field: "specification",
            ..
        }
    ));
}

fn edited(id: ScheduleId, enabled: bool) -> UnifiedSchedule {
    UnifiedSchedule {
        id,
        enabled,
        ..UnifiedSchedule::new("nightly", TaskId::new(), "0 3 * * *", midnight())
    }
}

#[tokio::test]
async fn a_schedule_is_armed_as_its_row_says_after_each_edit() {
    let row = every_minute(Some(after(600)));
    let id = row.id;
    let engine = Engine::with(vec![row]);
    engine.service.start().await.unwrap();
    let armed = async || engine.service.get_schedule_status(id).await.unwrap().armed;
    assert!(armed().await);
    engine.service.update_schedule(edited(id, false)).await.unwrap();
    assert!(!armed().await);
    engine.service.update_schedule(edited(id, true)).await.unwrap();
    assert!(armed().await);
    engine.service.remove_schedule(id).await.unwrap();
    assert_eq!(engine.service.health().await.unwrap().schedules, 0);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_changed_row_that_cannot_be_read_again_is_read_later() {
    let row = every_minute(Some(after(600)));
    let id = row.id;
    let engine = Engine::with(vec![row]);
    engine.rows.lock().unwrap().disabled.insert(id);
    engine.service.start().await.unwrap();
    engine.rows.lock().unwrap().unreadable = vec![unavailable(), unavailable()];
    engine.service.update_schedule(edited(id, true)).await.unwrap();
    while !engine.service.get_schedule_status(id).await.unwrap().armed {
        engine.clock.advance(TimeDelta::milliseconds(100));
        tokio::task::yield_now().await;
    }
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_change_that_was_committed_without_an_answer_is_in_the_engine_all_the_same() {
    let row = every_minute(Some(after(600)));
    let id = row.id;
    let engine = Engine::with(vec![row]);
    engine.rows.lock().unwrap().disabled.insert(id);
    engine.service.start().await.unwrap();
    engine.rows.lock().unwrap().loses_answers = true;
    engine
        .service
        .update_schedule(edited(id, true))
        .await
        .unwrap_err();
    assert!(engine.service.get_schedule_status(id).await.unwrap().armed);
    engine.service.stop().await.unwrap();
}
