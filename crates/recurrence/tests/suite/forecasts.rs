//! Many schedules together, and how far one may be spread.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use ratchet_recurrence::{
    Busy, ForecastError, Gap, Overlap, Specification, Zone, buckets, busiest, forecast, spread_offset,
};

use crate::expressions::any_fields;
use crate::{at, zone};

fn read(text: &str) -> Specification {
    Specification::parse(text, Zone::UTC).unwrap()
}

#[test]
fn a_forecast_is_in_order_of_time_and_ends_before_its_end() {
    let (hourly, nightly, poll) = (read("0 * * * *"), read("0 2 * * *"), read("every 40m"));
    let schedules = [("a", &hourly), ("b", &nightly), ("c", &poll), ("d", &hourly)];
    let ticks: Vec<String> = forecast(schedules, at("2026-01-01T01:00:00Z"), at("2026-01-01T03:00:00Z"))
        .map(|(tick, key)| format!("{}{key}", tick.format("%H:%M")))
        .collect();
    assert_eq!(
        ticks,
        [
            "01:00a", "01:00d", "01:20c", "02:00a", "02:00d", "02:00b", "02:00c", "02:40c"
        ]
    );
}

#[test]
fn the_herd_is_counted_and_its_busiest_instants_are_named() {
    let (hourly, nightly, seconds) = (read("0 * * * *"), read("0 2 * * *"), read("* * * * * *"));
    let herd = [&hourly, &nightly, &hourly, &seconds];
    let (from, to) = (at("2026-01-01T00:30:00Z"), at("2026-01-01T03:00:00Z"));
    let counted = buckets(herd, from, to, Duration::from_secs(3600)).unwrap();
    assert_eq!(counted.counts, [3602, 3603, 1800]);
    let starts: Vec<_> = counted.iter().map(|(start, _)| start).collect();
    assert_eq!(
        starts,
        [from, at("2026-01-01T01:30:00Z"), at("2026-01-01T02:30:00Z")]
    );
    let busy = |at, ticks| Busy { at, ticks };
    assert_eq!(
        busiest(herd, from, to, 3),
        [
            busy(at("2026-01-01T02:00:00Z"), 4),
            busy(at("2026-01-01T01:00:00Z"), 3),
            busy(from, 1)
        ]
    );
    assert_eq!(busiest(herd, from, to, 0), []);
}

#[test]
fn a_width_that_makes_no_view_is_refused() {
    let hourly = read("0 * * * *");
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let refused = |width| buckets([&hourly], from, to, width).unwrap_err();
    assert!(matches!(refused(Duration::ZERO), ForecastError::Width { .. }));
    assert!(matches!(
        refused(Duration::from_millis(1500)),
        ForecastError::Width { .. }
    ));
    assert_eq!(
        refused(Duration::from_secs(1)),
        ForecastError::TooMany {
            stretches: 31_536_000
        }
    );
    assert_eq!(
        buckets([&hourly], from, to, Duration::from_secs(u64::MAX))
            .unwrap()
            .counts,
        [8760]
    );
    assert_eq!(
        buckets([&hourly], to, from, Duration::from_secs(1))
            .unwrap()
            .counts,
        []
    );
}

/// Whoever changes this changes when people's schedules run.
#[test]
fn each_schedule_keeps_its_place_for_ever() {
    let hour = Duration::from_secs(3600);
    let places: Vec<u128> = [0, 1, 2, u128::MAX, 0x0192_3456_789a_7bcd_8ef0_1234_5678_9abc]
        .into_iter()
        .map(|id| spread_offset(id, hour).as_millis())
        .collect();
    assert_eq!(places, [2_348_814, 122_442, 3_034_675, 1_392_686, 273_431]);
    assert_eq!(spread_offset(7, Duration::ZERO), Duration::ZERO);
    assert!(spread_offset(7, Duration::MAX) < Duration::MAX);
}

#[test]
fn a_thousand_schedules_spread_evenly() {
    let mut minutes = [0; 60];
    for id in 0..6_000u128 {
        // Ids that were made one after the other, as version 7 does.
        let id = 0x0192_3456_789a_7bcd_8ef0_1234_0000_0000 + (id << 64) + id;
        minutes[spread_offset(id, Duration::from_secs(3600)).as_secs() as usize / 60] += 1;
    }
    assert!(
        minutes.iter().all(|count| (60..140).contains(count)),
        "{minutes:?}"
    );
}

#[test]
fn the_shortest_interval_counts_what_daylight_saving_pushes_together() {
    let berlin = "Europe/Berlin";
    for (text, name, seconds) in [
        ("* * * * * *", "UTC", 1),
        ("*/15 9-17 * * *", "UTC", 900),
        ("0 9 * * *", "UTC", 86_400),
        ("0 9 * * *", berlin, 82_800),
        ("0 22 * * *; 0 1 * * *", berlin, 3 * 3600),
        ("0 * * * *", berlin, 3600),
        // The hour is repeated half an hour after it began.
        ("45 * * * *", "Australia/Lord_Howe", 1800),
        // What the gap swallowed runs at 03:00, a minute before the next.
        ("1,30 2,3 * * *", berlin, 60),
        ("1,30 2,3 * * *; gap skip", berlin, 1740),
        ("every 90m", berlin, 5400),
        ("every 4h; every 6h", "UTC", 7200),
        ("every 4h; every 6h from 2026-01-01T00:30:00Z", "UTC", 1800),
        (
            "0 9 * * *; every 1h from 2026-01-01T00:10:00Z",
            "Asia/Kathmandu",
            300,
        ),
        ("at 2026-01-01T00:00:00Z, 2026-01-01T00:05:00Z", "UTC", 300),
        (
            "0 0 * * *; at 2026-01-01T00:05:00Z, 2026-01-05T23:58:00Z",
            "UTC",
            120,
        ),
    ] {
        let specification = Specification::parse(text, zone(name)).unwrap();
        let shortest = specification.shortest_interval().unwrap();
        assert_eq!(shortest, Duration::from_secs(seconds), "{text} in {name}");
        assert_eq!(specification.check_spread(shortest), Ok(()));
        let refused = specification
            .check_spread(shortest + Duration::from_secs(1))
            .unwrap_err();
        assert_eq!(refused.widest, shortest);
        assert!(refused.to_string().contains("spread"), "{refused}");
    }
    assert_eq!(read("at 2026-01-01T00:00:00Z").shortest_interval(), None);
}

fn any_specification() -> impl Strategy<Value = Specification> {
    (
        prop::collection::vec(any_fields(), 0..3),
        prop::option::of((1..200_000u64, 0..4_000_000u32)),
        prop::collection::vec(1_760_000_000..1_780_000_000i64, 0..3),
        prop::sample::select(&[
            "UTC",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "America/Santiago",
            "Asia/Kathmandu",
        ]),
        any::<[bool; 2]>(),
    )
        .prop_filter_map("never", |(crons, interval, instants, name, policies)| {
            let mut draft = Specification::builder(zone(name));
            for cron in &crons {
                draft = draft.cron(&cron.text());
            }
            if let Some((every, anchor)) = interval {
                let anchor = at("2026-01-01T00:00:00Z") + Duration::from_secs(anchor.into());
                draft = draft.every_from(Duration::from_secs(every), anchor);
            }
            draft = draft.at(instants
                .into_iter()
                .map(|second| DateTime::from_timestamp(second, 0).unwrap()));
            if policies[0] {
                draft = draft.gap(Gap::Skip);
            }
            if policies[1] {
                draft = draft.overlap(Overlap::Twice);
            }
            draft.build().ok()
        })
}

proptest! {
    #![proptest_config(crate::cases(150))]

    #[test]
    fn no_two_ticks_are_closer_than_the_shortest_interval(
        specification in any_specification(), start in 1_760_000_000..1_800_000_000i64,
    ) {
        let shortest = specification.shortest_interval();
        let start = DateTime::from_timestamp(start, 0).unwrap();
        let ticks: Vec<DateTime<Utc>> = specification.upcoming(start).take(400).collect();
        for pair in ticks.windows(2) {
            let between = (pair[1] - pair[0]).to_std().unwrap();
            prop_assert!(shortest.is_some_and(|shortest| shortest <= between), "{specification}: {pair:?}, {shortest:?}");
        }
    }

    #[test]
    fn a_forecast_is_what_its_schedules_say_one_by_one(
        specifications in prop::collection::vec(any_specification(), 1..6),
        start in 1_760_000_000..1_780_000_000i64, minutes in 1..300u32, width in 1..4000u64,
    ) {
        let from = DateTime::from_timestamp(start, 0).unwrap();
        let to = from + Duration::from_secs(60) * minutes;
        let mut expected: BTreeMap<DateTime<Utc>, Vec<usize>> = BTreeMap::new();
        for (key, specification) in specifications.iter().enumerate() {
            let earlier = from - Duration::from_secs(1);
            for tick in specification.upcoming(earlier).take_while(|tick| *tick < to) {
                expected.entry(tick).or_default().push(key);
            }
        }
        let mut streamed: BTreeMap<DateTime<Utc>, Vec<usize>> = BTreeMap::new();
        let mut last = from;
        for (tick, key) in forecast(specifications.iter().enumerate(), from, to) {
            prop_assert!(tick >= last);
            last = tick;
            streamed.entry(tick).or_default().push(key);
        }
        streamed.values_mut().for_each(|keys| keys.sort_unstable());
        prop_assert_eq!(&streamed, &expected);

        let counted = buckets(&specifications, from, to, Duration::from_secs(width)).unwrap();
        let in_each: Vec<u64> = counted
            .iter()
            .map(|(start, _)| {
                let end = start + Duration::from_secs(width);
                expected.range(start..end).map(|(_, keys)| keys.len() as u64).sum()
            })
            .collect();
        prop_assert_eq!(&counted.counts, &in_each);

        let mut busy: Vec<Busy> = expected
            .iter()
            .map(|(at, keys)| Busy { at: *at, ticks: keys.len() as u64 })
            .collect();
        busy.sort_by_key(|busy| (std::cmp::Reverse(busy.ticks), busy.at));
        busy.truncate(10);
        prop_assert_eq!(busiest(&specifications, from, to, 10), busy);
    }
}
