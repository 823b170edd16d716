use std::sync::Arc;

use chrono::TimeDelta;
use ratchet_interfaces::{Clock, Event, EventSink, SchedulerService};

use crate::world::*;

#[tokio::test]
async fn a_schedule_whose_ticks_are_refused_in_every_form_is_disabled_and_the_others_fire() {
    let rows: Vec<_> = (0..5).map(|_| every_minute(Some(midnight()))).collect();
    let venomous = rows[2].id;
    let mut engine = Engine::with(rows);
    engine.rows.lock().unwrap().venom = Some(venomous);
    engine.service.start().await.unwrap();
    for _ in 0..4 {
        assert_ne!(engine.next_committed().await.schedule_id, venomous);
    }
    engine
        .passes_until(|rows, health| rows.disabled.contains(&venomous) && health.schedules == 4)
        .await;
    let invalidated = engine.rows.lock().unwrap().invalidated.clone();
    assert_eq!(invalidated.len(), 1);
    assert!(
        invalidated[0].1.contains("value out of range"),
        "{}",
        invalidated[0].1
    );
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_tick_that_can_be_recorded_in_no_form_is_held_until_it_can_and_the_others_fire() {
    let rows: Vec<_> = (0..5).map(|_| every_minute(Some(midnight()))).collect();
    let venomous = rows[2].id;
    let mut engine = Engine::with(rows);
    {
        let mut rows = engine.rows.lock().unwrap();
        rows.venom = Some(venomous);
        rows.undisableable = (0..100).map(|_| refused()).collect();
    }
    engine.service.start().await.unwrap();
    for _ in 0..4 {
        assert_ne!(engine.next_committed().await.schedule_id, venomous);
    }
    let named = venomous.to_string();
    engine
        .passes_until(|_, health| health.stalled.is_some_and(|reason| reason.contains(&named)))
        .await;
    // The others go on meanwhile.
    engine.clock.advance_to(after(60));
    assert_ne!(engine.next_committed().await.schedule_id, venomous);
    engine.rows.lock().unwrap().venom = None;
    engine.passes_until(|_, health| health.stalled.is_none()).await;
    loop {
        let firing = engine.next_committed().await;
        if firing.schedule_id == venomous {
            assert_eq!(firing.records[0].scheduled_for, midnight());
            break;
        }
    }
    assert!(engine.rows.lock().unwrap().disabled.is_empty());
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_tick_that_is_held() {
    let row = every_minute(Some(midnight()));
    let engine = Engine::with(vec![row.clone()]);
    {
        let mut rows = engine.rows.lock().unwrap();
        rows.venom = Some(row.id);
        rows.undisableable = (0..100).map(|_| refused()).collect();
    }
    engine.service.start().await.unwrap();
    engine.passes_until(|_, health| health.stalled.is_some()).await;
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_schedule_that_is_edited_while_it_is_disabled_fires_as_its_row_says() {
    let row = every_minute(Some(midnight()));
    let id = row.id;
    let mut engine = Engine::with(vec![row]);
    {
        let mut rows = engine.rows.lock().unwrap();
        rows.venom = Some(id);
        rows.edited_before_disabling = true;
    }
    engine.service.start().await.unwrap();
    engine.waits_for(after(300)).await;
    engine.rows.lock().unwrap().venom = None;
    engine.clock.advance_to(after(300));
    assert_eq!(
        engine.next_committed().await.jobs().next().unwrap().scheduled_for,
        after(300)
    );
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_stale_tick_whose_row_cannot_be_read_stands_in_nobodys_way() {
    let (row, other) = (every_minute(Some(after(60))), every_minute(Some(after(60))));
    let id = row.id;
    let mut engine = Engine::with(vec![row, other.clone()]);
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    {
        let mut rows = engine.rows.lock().unwrap();
        rows.timings.get_mut(&id).unwrap().next_run = Some(after(120));
        rows.unreadable = vec![refused()];
    }
    engine.clock.advance_to(after(60));
    assert_eq!(engine.next_committed().await.schedule_id, other.id);
    engine
        .passes_until(|rows, health| rows.disabled.contains(&id) && health.stalled.is_none())
        .await;
    engine.clock.advance_to(after(120));
    assert_eq!(engine.next_committed().await.schedule_id, other.id);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn health_recovers_when_a_stale_row_could_be_read_at_last() {
    let row = every_minute(Some(after(60)));
    let id = row.id;
    let engine = Engine::with(vec![row]);
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    {
        let mut rows = engine.rows.lock().unwrap();
        rows.timings.get_mut(&id).unwrap().next_run = Some(after(36_000));
        rows.unreadable = vec![unavailable(), unavailable()];
    }
    engine.clock.advance_to(after(60));
    let mut stalled = false;
    engine
        .passes_until(|_, health| {
            stalled |= health.stalled.is_some();
            stalled && health.stalled.is_none()
        })
        .await;
    assert!(engine.clock.now() < after(36_000), "no tick was needed for it");
    engine.service.stop().await.unwrap();
}

struct Panicking;

impl EventSink for Panicking {
    fn emit(&self, _: &[Event]) {
        panic!("a sink must not do this");
    }
}

#[tokio::test]
async fn a_firing_that_panics_shows_in_health_and_can_be_stopped_and_started_again() {
    let engine = Engine::with(vec![every_minute(Some(after(60)))]);
    let mut engine = Engine {
        service: engine.service.with_events(Arc::new(Panicking)),
        ..engine
    };
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.advance_to(after(60));
    engine
        .passes_until(|_, health| {
            !health.running && health.stalled.is_some_and(|reason| reason.contains("firing"))
        })
        .await;
    engine.service.stop().await.unwrap_err();
    engine.service.stop().await.unwrap();
    engine = Engine {
        service: engine.service.with_events(engine.events.clone()),
        ..engine
    };
    engine.service.start().await.unwrap();
    let now = engine.clock.now();
    engine.clock.advance(TimeDelta::minutes(2));
    assert!(engine.next_committed().await.jobs().next().unwrap().scheduled_for > now - TimeDelta::minutes(1));
    engine.service.stop().await.unwrap();
}
