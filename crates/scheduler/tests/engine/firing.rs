use chrono::TimeDelta;
use ratchet_interfaces::{SchedulerService, TickOutcome};

use crate::world::*;

#[tokio::test]
async fn a_due_tick_is_fired_and_the_executor_is_told() {
    let mut engine = Engine::with(vec![every_minute(None)]);
    let told = engine.jobs_available.arm();
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.advance_to(after(60));
    let firing = engine.next_committed().await;
    assert_eq!(firing.jobs().next().unwrap().scheduled_for, after(60));
    let row = engine.rows.lock().unwrap().timings[&firing.schedule_id].clone();
    assert_eq!(row.next_run, Some(after(120)));
    told.await;
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn ticks_missed_while_down_become_one_job_at_the_start() {
    let mut engine = Engine::with(vec![every_minute(Some(midnight() - TimeDelta::minutes(3)))]);
    engine.service.start().await.unwrap();
    let firing = engine.next_committed().await;
    assert_eq!(firing.jobs().next().unwrap().scheduled_for, midnight());
    let merged = firing
        .records
        .iter()
        .filter(|record| record.outcome == TickOutcome::Coalesced);
    assert_eq!(merged.count(), 3);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn while_the_database_is_away_ticks_wait_and_are_decided_as_of_its_return() {
    let mut engine = Engine::with(vec![every_minute(None)]);
    engine.rows.lock().unwrap().failures = vec![unavailable(), unavailable()];
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.advance_to(after(60));
    while engine.rows.lock().unwrap().calls == 0 {
        tokio::task::yield_now().await;
    }
    engine.clock.advance_to(after(120));
    let firing = loop {
        tokio::select! {
            biased;
            firing = engine.committed.recv() => break firing.unwrap(),
            // The pauses end only because time passes here.
            () = tokio::task::yield_now() => engine.clock.advance(TimeDelta::milliseconds(10)),
        }
    };
    assert_eq!(firing.jobs().next().unwrap().scheduled_for, after(120));
    assert_eq!(
        firing.records.len(),
        2,
        "the tick of the outage is merged into the latest"
    );
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_tick_that_the_database_refuses_stands_in_the_ledger_and_in_nobodys_way() {
    let rows: Vec<_> = (0..9).map(|_| every_minute(Some(midnight()))).collect();
    let poisoned = rows[4].id;
    let mut engine = Engine::with(rows);
    engine.rows.lock().unwrap().poison = Some(poisoned);
    engine.service.start().await.unwrap();
    let mut fired = 0;
    for _ in 0..9 {
        let firing = engine.next_committed().await;
        if firing.schedule_id == poisoned {
            assert!(firing.jobs().next().is_none());
            assert_eq!(firing.records[0].outcome, TickOutcome::FailedToCreate);
            assert!(
                firing.records[0]
                    .reason
                    .as_ref()
                    .unwrap()
                    .contains("value out of range")
            );
        } else {
            fired += firing.jobs().count();
        }
    }
    assert_eq!(fired, 8);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_schedule_that_was_fired_elsewhere_is_read_again_and_fires_its_next_tick() {
    let row = every_minute(Some(after(60)));
    let id = row.id;
    let mut engine = Engine::with(vec![row]);
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.rows.lock().unwrap().timings.get_mut(&id).unwrap().next_run = Some(after(120));
    engine.clock.advance_to(after(60));
    engine.waits_for(after(120)).await;
    engine.clock.advance_to(after(120));
    assert_eq!(
        engine.next_committed().await.jobs().next().unwrap().scheduled_for,
        after(120)
    );
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_clock_set_back_refires_nothing() {
    let mut engine = Engine::with(vec![every_minute(Some(after(60)))]);
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.advance_to(after(60));
    engine.next_committed().await;
    engine.waits_for(after(120)).await;
    engine.clock.step_to(midnight() - TimeDelta::hours(1));
    engine.waits_for(after(120)).await;
    engine.clock.advance_to(after(120));
    assert_eq!(
        engine.next_committed().await.jobs().next().unwrap().scheduled_for,
        after(120)
    );
    assert_eq!(engine.rows.lock().unwrap().calls, 2);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_clock_set_forward_merges_what_it_jumped_over() {
    let mut engine = Engine::with(vec![every_minute(Some(after(60)))]);
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.clock.step_to(midnight() + TimeDelta::minutes(10));
    let firing = engine.next_committed().await;
    assert_eq!(
        firing.jobs().next().unwrap().scheduled_for,
        midnight() + TimeDelta::minutes(10)
    );
    assert_eq!(firing.records.iter().map(|record| record.count).sum::<u64>(), 10);
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_row_that_cannot_be_understood_is_disabled_and_the_others_fire() {
    let mut broken = every_minute(Some(midnight()));
    broken.specification = "every now and then".to_owned();
    let id = broken.id;
    let mut engine = Engine::with(vec![broken, every_minute(Some(midnight()))]);
    engine.service.start().await.unwrap();
    engine.next_committed().await;
    {
        let rows = engine.rows.lock().unwrap();
        assert_eq!(rows.invalidated.len(), 1);
        assert_eq!(rows.invalidated[0].0, id);
        assert!(rows.invalidated[0].1.contains("every now and then"));
    }
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_herd_larger_than_any_channel_fires_completely() {
    const HERD: usize = 20_000;
    let mut engine = Engine::with((0..HERD).map(|_| every_minute(Some(midnight()))).collect());
    engine.service.start().await.unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..HERD {
        assert!(
            seen.insert(engine.next_committed().await.schedule_id),
            "a schedule fired twice"
        );
    }
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn start_and_stop_can_come_in_any_order_and_number() {
    let mut engine = Engine::with(vec![every_minute(Some(after(60)))]);
    engine.service.stop().await.unwrap();
    for round in 1..4 {
        engine.service.start().await.unwrap();
        engine.service.start().await.unwrap();
        engine.waits_for(after(60 * round)).await;
        engine.clock.advance_to(after(60 * round));
        engine.next_committed().await;
        engine.service.stop().await.unwrap();
        engine.service.stop().await.unwrap();
    }
    assert_eq!(engine.rows.lock().unwrap().calls, 3);
}

#[tokio::test]
async fn a_tick_that_was_committed_without_an_answer_is_announced_and_not_fired_again() {
    let engine = Engine::with(vec![every_minute(Some(after(60)))]);
    engine.service.start().await.unwrap();
    engine.waits_for(after(60)).await;
    engine.rows.lock().unwrap().loses_ticks = true;
    let told = engine.jobs_available.arm();
    engine.clock.advance_to(after(60));
    engine
        .passes_until(|rows, health| rows.calls == 2 && health.stalled.is_none())
        .await;
    tokio::time::timeout(std::time::Duration::from_secs(20), told)
        .await
        .expect("nobody was told of the job");
    engine.waits_for(after(120)).await;
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn old_jobs_are_deleted_some_minutes_after_a_tick_and_not_by_an_idle_engine() {
    let mut engine = Engine::with(vec![every_minute(Some(after(60)))]);
    engine.service.start().await.unwrap();
    for minute in 1..=5 {
        engine.waits_for(after(60 * minute)).await;
        assert_eq!(engine.rows.lock().unwrap().pruned, []);
        engine.clock.advance_to(after(60 * minute));
        engine.next_committed().await;
    }
    engine.waits_for(after(360)).await;
    assert_eq!(engine.rows.lock().unwrap().pruned, []);
    engine.clock.advance_to(after(360));
    engine.passes_until(|rows, _| !rows.pruned.is_empty()).await;
    let pruned = engine.rows.lock().unwrap().pruned.clone();
    assert_eq!((pruned.len(), pruned[0].keep), (1, None));
    // The instant at which the engine looks at the clock may be a little later than the one that it waited for.
    let late = pruned[0].ended_before.unwrap() - (after(360) - TimeDelta::days(30));
    assert!(
        (TimeDelta::zero()..TimeDelta::minutes(1)).contains(&late),
        "{late}"
    );
    engine.service.stop().await.unwrap();
}
