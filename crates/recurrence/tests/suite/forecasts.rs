//! Many schedules together.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ratchet_recurrence::{Buckets, Busy, Expected, ForecastError, Planned, buckets, busiest, forecast};

use crate::{at, read};

fn plan<K>(key: K, text: &str) -> Planned<K> {
    Planned::new(key, Arc::new(read(text)))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// `01:00:30.500a ticked 01:00`, one after the other.
fn runs(schedules: impl IntoIterator<Item = Planned<&'static str>>, from: &str, to: &str) -> Vec<String> {
    forecast(schedules, at(from), at(to))
        .unwrap()
        .map(|Expected { key, tick, runs_at }| {
            let late = if runs_at == tick {
                String::new()
            } else {
                format!(" for {}", tick.format("%H:%M"))
            };
            format!("{}{key}{late}", runs_at.format("%H:%M:%S%.f"))
        })
        .collect()
}

#[test]
fn a_forecast_is_in_order_of_time_and_ends_before_its_end() {
    let schedules = [
        plan("a", "0 * * * *"),
        plan("b", "0 2 * * *"),
        plan("c", "every 40m"),
        plan("d", "0 * * * *"),
    ];
    assert_eq!(
        runs(schedules, "2026-01-01T01:00:00Z", "2026-01-01T03:00:00Z"),
        [
            "01:00:00a",
            "01:00:00d",
            "01:20:00c",
            "02:00:00a",
            "02:00:00d",
            "02:00:00b",
            "02:00:00c",
            "02:40:00c"
        ]
    );
}

#[test]
fn a_spread_moves_runs_in_and_out_of_a_forecast_to_the_millisecond() {
    let later = |key, offset| Planned {
        offset: Duration::from_millis(offset),
        ..plan(key, "0 * * * *")
    };
    let schedules = [
        later("a", 0),
        later("b", 1_800_500),
        later("c", 1_800_499),
        later("d", 1_800_000),
    ];
    assert_eq!(
        runs(
            schedules.clone(),
            "2026-01-01T00:30:00.500Z",
            "2026-01-01T02:30:00.500Z"
        ),
        [
            "00:30:00.500b for 00:00",
            "01:00:00a",
            "01:30:00d for 01:00",
            "01:30:00.499c for 01:00",
            "01:30:00.500b for 01:00",
            "02:00:00a",
            "02:30:00d for 02:00",
            "02:30:00.499c for 02:00",
        ]
    );
    // Wider than time itself: nothing runs, and nothing overflows.
    let never = Planned {
        offset: Duration::MAX,
        ..plan("a", "* * * * * *")
    };
    let (from, to) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    assert_eq!(forecast([never.clone()], from, to).unwrap().count(), 0);
    assert_eq!(
        buckets([never.clone()], from, to, seconds(u64::MAX))
            .unwrap()
            .counts,
        [0]
    );
    assert_eq!(busiest([never], from, to, 1).unwrap(), []);
}

#[test]
fn a_forecast_ends_with_the_runs_that_are_left() {
    let hourly = || plan("a", "0 * * * *");
    let (from, to) = ("2026-01-01T00:30:00Z", "2026-01-01T06:00:00Z");
    let of = |most, stored: Option<&str>| {
        let limited = Planned {
            most,
            from: stored.map(at),
            ..hourly()
        };
        runs([limited], from, to)
    };
    assert_eq!(of(Some(0), None), [""; 0]);
    assert_eq!(of(Some(2), None), ["01:00:00a", "02:00:00a"]);
    assert_eq!(of(None, Some("2026-01-01T04:00:00Z")), ["04:00:00a", "05:00:00a"]);
    assert_eq!(of(Some(1), Some("2026-01-01T04:00:00Z")), ["04:00:00a"]);
    // Those of 22:00, 23:00 and 00:00 come before the forecast.
    assert_eq!(
        of(Some(5), Some("2025-12-31T21:00:01Z")),
        ["01:00:00a", "02:00:00a"]
    );
    assert_eq!(of(Some(3), Some("2025-12-31T22:00:00Z")), [""; 0]);
    // What is left is of ticks, wherever their runs are.
    let spread = Planned {
        most: Some(2),
        from: Some(at("2026-01-01T00:00:00Z")),
        offset: seconds(1800),
        ..hourly()
    };
    assert_eq!(
        runs([spread], from, to),
        ["00:30:00a for 00:00", "01:30:00a for 01:00"]
    );
}

#[test]
fn a_limited_schedule_far_in_the_past_is_not_followed_to_its_end() {
    // Enumerating its ticks since 1970 would take minutes.
    let two_sources = Planned {
        most: Some(1_000),
        from: Some(at("1970-01-01T00:00:00Z")),
        ..plan("a", "every 1s; every 2s; every 3s; except 1970-01-02")
    };
    assert_eq!(
        runs([two_sources], "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        [""; 0]
    );
}

#[test]
fn a_forecast_can_be_handed_to_another_thread_and_lives_by_itself() {
    let ticks: Box<dyn Iterator<Item = Expected<u64>> + Send> = {
        let schedules = vec![plan(7, "* * * * * *")];
        Box::new(forecast(schedules, at("2026-01-01T00:00:00Z"), at("2999-01-01T00:00:00Z")).unwrap())
    };
    let first = std::thread::spawn(move || ticks.take(2).last())
        .join()
        .unwrap()
        .unwrap();
    assert_eq!((first.key, first.runs_at), (7, at("2026-01-01T00:00:01Z")));
}

#[test]
fn the_herd_is_counted_and_its_busiest_seconds_are_named() {
    let herd = || ["0 * * * *", "0 2 * * *", "0 * * * *", "* * * * * *"].map(|text| plan((), text));
    let (from, to) = (at("2026-01-01T00:30:00Z"), at("2026-01-01T03:00:00Z"));
    let counted = buckets(herd(), from, to, seconds(3600)).unwrap();
    assert_eq!(counted.counts, [3602, 3603, 1800]);
    let starts: Vec<_> = counted.iter().map(|(start, _)| start).collect();
    assert_eq!(
        starts,
        [from, at("2026-01-01T01:30:00Z"), at("2026-01-01T02:30:00Z")]
    );
    let busy = |at, runs| Busy { at, runs };
    assert_eq!(
        busiest(herd(), from, to, 3).unwrap(),
        [
            busy(at("2026-01-01T02:00:00Z"), 4),
            busy(at("2026-01-01T01:00:00Z"), 3),
            busy(from, 1)
        ]
    );
    assert_eq!(busiest(herd(), from, to, 0).unwrap(), []);
}

#[test]
fn a_spread_flattens_the_herd() {
    let herd = |width| {
        (0..3_600u128).map(move |id| Planned {
            offset: ratchet_recurrence::spread_offset(id, seconds(width)),
            ..plan(id, "0 * * * *")
        })
    };
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T01:00:00Z"));
    let peak = |width| busiest(herd(width), from, to, 1).unwrap()[0].runs;
    assert_eq!(peak(0), 3_600);
    assert!(peak(3_600) < 10, "{}", peak(3_600));
    let minutes = |width| buckets(herd(width), from, to, seconds(60)).unwrap().counts;
    assert_eq!(minutes(0)[..2], [3_600, 0]);
    assert!(
        minutes(3_600).iter().all(|count| (30..100).contains(count)),
        "{:?}",
        minutes(3_600)
    );
}

#[test]
fn buckets_begin_where_the_forecast_does_and_know_fractions_of_a_second() {
    let late = Planned {
        offset: Duration::from_millis(999),
        ..plan((), "* * * * * *")
    };
    let (from, to) = (at("2026-01-01T00:00:00.5Z"), at("2026-01-01T00:00:03.25Z"));
    let count = |schedule: &Planned<()>, from, to| buckets([schedule.clone()], from, to, seconds(1)).unwrap();
    let Buckets {
        from: start, counts, ..
    } = count(&late, from, to);
    assert_eq!((start, counts), (from, vec![1, 1, 1]));
    assert_eq!(count(&plan((), "* * * * * *"), from, to).counts, [1, 1, 1]);
    assert_eq!(count(&late, at("2026-01-01T00:00:03Z"), to).counts, [0]);
}

#[test]
fn a_width_that_makes_no_view_and_an_end_that_is_none_are_refused() {
    let hourly = || [plan((), "0 * * * *")];
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let refused = |width| buckets(hourly(), from, to, width).unwrap_err();
    assert!(matches!(refused(Duration::ZERO), ForecastError::Width { .. }));
    assert!(matches!(
        refused(Duration::from_millis(1500)),
        ForecastError::Width { .. }
    ));
    assert_eq!(
        refused(seconds(1)),
        ForecastError::TooMany {
            stretches: 31_536_000
        }
    );
    assert_eq!(
        buckets(hourly(), from, to, seconds(u64::MAX)).unwrap().counts,
        [8760]
    );

    let backwards = ForecastError::Bounds { from: to, to: from };
    assert_eq!(
        backwards.to_string(),
        "to: 2026-01-01T00:00:00Z is not later than from, which is 2027-01-01T00:00:00Z; it must be later"
    );
    assert_eq!(forecast(hourly(), to, from).unwrap_err(), backwards);
    assert_eq!(busiest(hourly(), to, from, 1).unwrap_err(), backwards);
    assert_eq!(buckets(hourly(), to, from, seconds(1)).unwrap_err(), backwards);
    assert_eq!(
        forecast(hourly(), to, to).unwrap_err(),
        ForecastError::Bounds { from: to, to }
    );
}
