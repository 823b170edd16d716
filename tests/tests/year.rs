//! A simulated year through the engine, on a real database, against a calculation that shares nothing with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use ratchet_interfaces::{
    Clock, Event, EventSink, ManualClock, OverlapPolicy, ScheduleId, SchedulePolicies, SchedulerService,
    TickEvent, TickOutcome, UnifiedSchedule,
};
use ratchet_scheduler::{SchedulerConfig, TokioCronSchedulerService};
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::store_task;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const ZONES: [Tz; 4] = [
    chrono_tz::America::New_York,
    chrono_tz::Europe::Berlin,
    chrono_tz::America::Santiago,
    chrono_tz::Australia::Lord_Howe,
];

struct Committed(UnboundedSender<TickEvent>);

impl EventSink for Committed {
    fn emit(&self, events: &[Event]) {
        for event in events {
            if let Event::Tick(tick) = event {
                self.0.send(tick.clone()).unwrap();
            }
        }
    }
}

/// A specification, and when it fires in the year by a calculation of its own.
struct Case {
    expression: &'static str,
    expected: fn(Tz) -> BTreeSet<DateTime<Utc>>,
}

const CASES: [Case; 4] = [
    // Wildcard: follows real time.
    Case {
        expression: "0 */2 * * *",
        expected: |zone| real_minutes(zone, |t| t.minute() == 0 && t.hour() % 2 == 0),
    },
    // Fixed time inside the hour that is skipped in spring and doubled in autumn.
    Case {
        expression: "30 2 * * *",
        expected: |zone| once_a_day(zone, |_| true, 2, 30),
    },
    // Fixed time at midnight, where Santiago's clock changes.
    Case {
        expression: "0 0 * * sun",
        expected: |zone| once_a_day(zone, |d| d.weekday() == chrono::Weekday::Sun, 0, 0),
    },
    // A day that few months have.
    Case {
        expression: "45 1 31 * *",
        expected: |zone| once_a_day(zone, |d| d.day() == 31, 1, 45),
    },
];

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 30).unwrap()
}

fn end() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 30).unwrap()
}

/// Every minute of the year whose local time matches.
fn real_minutes(zone: Tz, matches: fn(NaiveDateTime) -> bool) -> BTreeSet<DateTime<Utc>> {
    let mut minute = start().with_second(0).unwrap() + TimeDelta::minutes(1);
    let mut found = BTreeSet::new();
    while minute < end() {
        if matches(minute.with_timezone(&zone).naive_local()) {
            found.insert(minute);
        }
        minute += TimeDelta::minutes(1);
    }
    found
}

/// Once on each matching local day: at the first occurrence of the time, or right after the gap that swallowed it.
fn once_a_day(zone: Tz, matches: fn(NaiveDate) -> bool, hour: u32, minute: u32) -> BTreeSet<DateTime<Utc>> {
    let mut day = NaiveDate::from_ymd_opt(2025, 12, 30).unwrap();
    let mut found = BTreeSet::new();
    while day.year() < 2028 {
        if matches(day) {
            let mut local = day.and_hms_opt(hour, minute, 0).unwrap();
            let instant = loop {
                match zone.from_local_datetime(&local) {
                    LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => break instant,
                    LocalResult::None => local += TimeDelta::minutes(1),
                }
            };
            found.insert(instant.to_utc());
        }
        day = day.succ_opt().unwrap();
    }
    found.range(start()..end()).copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_in_four_zones_fires_what_an_independent_calculation_says() {
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let clock = Arc::new(ManualClock::at(start()));
    let task = store_task(&*repositories, start()).await;
    let (sender, mut committed) = unbounded_channel();
    let service = TokioCronSchedulerService::new(Arc::clone(&repositories), SchedulerConfig::default())
        .unwrap()
        .with_clock(Arc::clone(&clock) as Arc<dyn Clock>)
        .with_events(Arc::new(Committed(sender)));

    let mut expected: BTreeMap<DateTime<Utc>, BTreeSet<ScheduleId>> = BTreeMap::new();
    let mut counts: HashMap<ScheduleId, (u64, String)> = HashMap::new();
    for zone in ZONES {
        for case in &CASES {
            let name = format!("{} in {zone}", case.expression);
            let schedule = UnifiedSchedule {
                timezone: zone.name().to_owned(),
                // Nobody runs the jobs.
                policies: SchedulePolicies {
                    overlap: OverlapPolicy::Allow,
                    ..SchedulePolicies::default()
                },
                ..UnifiedSchedule::new(name.clone(), task, case.expression, start())
            };
            let schedule = service.add_schedule(schedule).await.unwrap();
            let instants = (case.expected)(zone);
            counts.insert(schedule.id, (instants.len() as u64, name));
            for instant in instants {
                expected.entry(instant).or_default().insert(schedule.id);
            }
        }
    }
    service.start().await.unwrap();

    for (instant, mut due) in expected {
        clock.advance_to(instant);
        while !due.is_empty() {
            let tick = tokio::time::timeout(Duration::from_secs(20), committed.recv())
                .await
                .unwrap_or_else(|_| panic!("at {instant} nothing fired of {due:?}"))
                .unwrap();
            let name = &counts[&tick.schedule_id].1;
            let record = tick.record;
            assert_eq!(record.scheduled_for, instant, "{name} fired for another instant");
            assert_eq!(
                (record.outcome, record.count),
                (TickOutcome::Fired, 1),
                "{name} missed a tick"
            );
            assert!(due.remove(&tick.schedule_id), "{name} is not due at {instant}");
        }
    }
    clock.advance_to(end());
    service.stop().await.unwrap();
    assert!(committed.try_recv().is_err(), "something fired that is not due");

    for (id, (count, name)) in counts {
        let stored = repositories.schedules().schedule_find(id).await.unwrap().unwrap();
        assert_eq!(stored.run_count, count, "{name}");
        assert!(stored.next_run.unwrap() >= end(), "{name}");
    }
}
