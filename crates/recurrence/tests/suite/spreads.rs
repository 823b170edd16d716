//! Where a schedule lies within its spread, and how wide that may be.

use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use ratchet_recurrence::{Specification, SpreadError, spread_offset};

use crate::forecast_oracle::any_specification;
use crate::{read, zone};

#[test]
fn a_width_that_no_schedule_can_have_is_refused_with_what_is_allowed() {
    let hourly = read("0 * * * *");
    let hour = Duration::from_secs(3600);
    assert_eq!(hourly.check_spread(Duration::ZERO), Ok(()));
    assert_eq!(hourly.check_spread(hour), Ok(()));
    let told = |text: &str, width: Duration| read(text).check_spread(width).unwrap_err().to_string();
    assert_eq!(
        told("0 * * * *", hour * 2),
        "spread: a width of 7200s is longer than 3600s, the shortest time between two runs of the schedule; allowed is \
         up to that"
    );
    let fraction = told("0 * * * *", Duration::from_micros(1_500));
    assert!(
        fraction.contains("1.5ms is not allowed; allowed are whole milliseconds"),
        "{fraction}"
    );
    // A single tick has no interval, and two can lie thousands of years apart.
    let ten_years = Duration::from_secs(3_650 * 86_400);
    for text in [
        "at 2026-01-01T00:00:00Z",
        "at 2026-01-01T00:00:00Z, 9999-01-01T00:00:00Z",
    ] {
        assert_eq!(read(text).check_spread(ten_years), Ok(()));
        let too_long = told(text, ten_years + Duration::from_millis(1));
        assert!(too_long.contains("ten years"), "{too_long}");
    }
    assert!(
        read("at 2026-01-01T00:00:00Z")
            .check_spread(Duration::MAX)
            .is_err()
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
        let width = shortest + Duration::from_millis(1);
        let refused = specification.check_spread(width).unwrap_err();
        assert_eq!(
            refused,
            SpreadError::Wider {
                width,
                widest: shortest
            }
        );
    }
    assert_eq!(read("at 2026-01-01T00:00:00Z").shortest_interval(), None);
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
}
