use std::collections::HashMap;

use chrono::TimeDelta;
use ratchet_interfaces::SchedulerService;
use ratchet_scheduler::LEDGER_ROWS_PER_RUN;

use crate::world::*;

const LATE: usize = 3_000;

#[tokio::test]
async fn a_schedule_in_time_does_not_wait_for_thousands_that_are_late() {
    let in_time = every_minute(Some(midnight()));
    let late = (0..LATE).map(|_| every_second(midnight() - TimeDelta::seconds(950)));
    let mut engine = Engine::with(late.chain([in_time.clone()]).collect());
    engine.service.start().await.unwrap();
    let mut before = 0;
    while engine.next_committed().await.schedule_id != in_time.id {
        before += 1;
    }
    assert!(before < LATE / 4, "{before} late schedules were fired first");
    for _ in before..LATE {
        let firing = engine.next_committed().await;
        assert_eq!(firing.records.iter().map(|record| record.count).sum::<u64>(), 951);
        assert_eq!(firing.records.len(), 2, "a long run is one row");
    }
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn the_ledger_of_one_transaction_is_bounded_however_much_was_missed() {
    let missed = TimeDelta::seconds(LEDGER_ROWS_PER_RUN as i64);
    let rows: Vec<_> = (0..500).map(|_| every_second(midnight() - missed)).collect();
    let mut engine = Engine::with(rows);
    engine.service.start().await.unwrap();
    let mut ticks = HashMap::new();
    for _ in 0..500 {
        let firing = engine.next_committed().await;
        let count: u64 = firing.records.iter().map(|record| record.count).sum();
        assert!(
            ticks.insert(firing.schedule_id, count).is_none(),
            "a schedule fired twice"
        );
    }
    assert!(ticks.values().all(|count| *count == 61));
    let largest = engine.rows.lock().unwrap().largest_ledger;
    assert!(largest < 5_000, "{largest} rows in one transaction");
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_schedule_that_is_years_late_fires_at_once() {
    let mut engine = Engine::with(vec![every_second(midnight() - TimeDelta::days(1_000))]);
    let began = std::time::Instant::now();
    engine.service.start().await.unwrap();
    let firing = engine.next_committed().await;
    assert_eq!(firing.records[0].count, 1_000 * 86_400);
    assert_eq!(firing.jobs().next().unwrap().scheduled_for, midnight());
    assert!(
        began.elapsed().as_secs() < 5,
        "its ticks were looked at one by one"
    );
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn what_became_late_during_an_outage_is_bounded_too() {
    // As many as go into one transaction: another one may be on its way beside it.
    const HERD: usize = 128;
    let mut engine = Engine::with((0..HERD).map(|_| every_second(after(1))).collect());
    engine.service.start().await.unwrap();
    engine.waits_for(after(1)).await;
    engine.rows.lock().unwrap().failures = vec![unavailable()];
    engine.clock.advance_to(after(1));
    engine.passes_until(|_, health| health.stalled.is_some()).await;
    engine.clock.advance(TimeDelta::seconds(50));
    for _ in 0..HERD {
        let firing = engine.next_committed().await;
        assert!(firing.records.len() >= 51);
        assert_eq!(firing.records[0].scheduled_for, after(1));
    }
    let largest = engine.rows.lock().unwrap().largest_ledger;
    assert!(largest < 5_000, "{largest} rows in one transaction");
    engine.service.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_leaves_what_is_late_to_the_next_start() {
    let rows: Vec<_> = (0..LATE)
        .map(|_| every_second(midnight() - TimeDelta::seconds(59)))
        .collect();
    let mut engine = Engine::with(rows);
    engine.service.start().await.unwrap();
    engine.next_committed().await;
    engine.service.stop().await.unwrap();
    let calls = engine.rows.lock().unwrap().calls;
    assert!(
        calls < LATE * 60 / 5_000,
        "{calls} transactions: the stop waited for all"
    );
    engine.service.start().await.unwrap();
    for _ in 1..LATE {
        let firing = engine.next_committed().await;
        assert_eq!(firing.records.iter().map(|record| record.count).sum::<u64>(), 60);
    }
    engine.service.stop().await.unwrap();
}
