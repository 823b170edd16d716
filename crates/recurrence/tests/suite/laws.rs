//! Laws that hold for every expression in every zone.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::TZ_VARIANTS;
use proptest::prelude::*;
use ratchet_recurrence::{Recurrence, Zone};

use crate::expressions::any_fields;
use crate::oracle::parsed;

fn any_zone() -> impl Strategy<Value = Zone> {
    (0..TZ_VARIANTS.len()).prop_map(|index| TZ_VARIANTS[index].into())
}

/// From the days of local mean time to the end of the known transitions and beyond, with fractions of a
/// second.
fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    let recent = 0..4_200_000_000_000i64;
    let any = -4_000_000_000_000..10_000_000_000_000i64;
    prop_oneof![3 => recent, 1 => any].prop_map(|millis| DateTime::from_timestamp_millis(millis).unwrap())
}

fn between(first: DateTime<Utc>, last: DateTime<Utc>, fraction: f64) -> DateTime<Utc> {
    first + Duration::milliseconds(((last - first).num_milliseconds() as f64 * fraction) as i64)
}

proptest! {
    #![proptest_config(crate::cases(1500))]

    #[test]
    fn each_tick_is_later_than_the_last(
        expression in any_fields(), zone in any_zone(), start in any_instant(),
    ) {
        let Some(recurrence) = parsed(&expression, zone) else { return Ok(()) };
        let mut last = start;
        for tick in recurrence.upcoming(start).take(30) {
            prop_assert!(tick > last, "{tick} after {last}");
            prop_assert_eq!(tick.timestamp_subsec_nanos(), 0);
            last = tick;
        }
    }

    #[test]
    fn ticks_do_not_depend_on_where_one_starts(
        expression in any_fields(), zone in any_zone(), start in any_instant(), fraction in 0.0..1.0f64,
    ) {
        let Some(recurrence) = parsed(&expression, zone) else { return Ok(()) };
        let ticks: Vec<_> = recurrence.upcoming(start).take(20).collect();
        for pair in ticks.windows(2) {
            let instant = Duration::milliseconds(1);
            for from in [pair[0] + instant, between(pair[0], pair[1], fraction), pair[1] - instant] {
                prop_assert_eq!(recurrence.next_after(from), Some(pair[1]), "from {}", from);
            }
        }
        if let Some(first) = ticks.first() {
            prop_assert_eq!(recurrence.next_after(between(start, *first, fraction)), Some(*first));
        }
    }

    #[test]
    fn ticks_are_counted_as_they_are_enumerated(
        expression in any_fields(), zone in any_zone(), start in any_instant(), fraction in 0.0..1.0f64,
        length in 1..150usize,
    ) {
        let Some(recurrence) = parsed(&expression, zone) else { return Ok(()) };
        let ticks: Vec<_> = recurrence.upcoming(start).take(length).collect();
        let Some(last) = ticks.last().copied() else { return Ok(()) };
        for until in [last, between(start, last, fraction), last - Duration::milliseconds(1)] {
            let enumerated: Vec<_> = ticks.iter().filter(|tick| **tick <= until).collect();
            prop_assert_eq!(recurrence.count_between(start, until), enumerated.len() as u64, "until {}", until);
            prop_assert_eq!(recurrence.last_between(start, until), enumerated.last().copied().copied());
        }
    }

    #[test]
    fn what_is_printed_parses_back_to_the_same(expression in any_fields(), zone in any_zone()) {
        let Some(recurrence) = parsed(&expression, zone) else { return Ok(()) };
        let printed = recurrence.to_string();
        prop_assert_eq!(&Recurrence::cron(&printed, zone).unwrap(), &recurrence, "{}", printed);
        let fields = |text: &str| text.split_whitespace().count();
        prop_assert!(fields(&printed) <= fields(&expression.text()));
    }

    #[test]
    fn every_recurrence_has_words(expression in any_fields(), zone in any_zone()) {
        let Some(recurrence) = parsed(&expression, zone) else { return Ok(()) };
        let words = recurrence.describe();
        prop_assert!(words.starts_with("At ") || words.starts_with("Every "), "{}", words);
        prop_assert!(!words.contains("  ") && !words.ends_with([' ', ',']), "{}", words);
    }

    #[test]
    fn no_text_makes_the_parser_panic(
        text in ".*", soup in "[-0-9*/,?LW#@a-z]{0,8}( [-0-9*/,?LW#montue]{1,6}){0,7}",
    ) {
        for text in [text, soup] {
            match Recurrence::cron(&text, Zone::UTC) {
                Ok(recurrence) => {
                    let printed = recurrence.to_string();
                    prop_assert_eq!(Recurrence::cron(&printed, Zone::UTC).unwrap(), recurrence);
                }
                Err(refused) => prop_assert!(!refused.to_string().is_empty()),
            }
        }
    }
}

proptest! {
    // Centuries are looked at day by day, which is slow without optimization.
    #![proptest_config(crate::cases(25))]

    #[test]
    fn the_parts_of_a_time_have_as_many_ticks_as_the_whole(
        expression in any_fields(), zone in any_zone(), ends in [any_instant(), any_instant(), any_instant()],
    ) {
        let Some(recurrence) = parsed(&expression, zone) else { return Ok(()) };
        let mut ends = ends;
        ends.sort_unstable();
        let [start, middle, end] = ends;
        prop_assert_eq!(
            recurrence.count_between(start, middle) + recurrence.count_between(middle, end),
            recurrence.count_between(start, end)
        );
    }
}

proptest! {
    // A misspelt zone is compared with every known one, which is slow without optimization.
    #![proptest_config(crate::cases(40))]

    #[test]
    fn no_text_makes_the_zone_parser_panic(text in ".*", soup in "[a-zA-Z/_ ]{0,20}") {
        for text in [text, soup] {
            if let Err(refused) = text.parse::<Zone>() {
                prop_assert!(refused.nearest.len() <= 3);
                prop_assert!(refused.nearest.iter().all(|name| name.parse::<Zone>().is_ok()));
            }
        }
    }
}

#[test]
fn the_ends_of_time_are_answered_too() {
    let zones = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"];
    for expression in ["* * * * * *", "0 12 * * *", "0 0 29 2 *"] {
        for zone in zones {
            let recurrence = Recurrence::cron(expression, zone.parse().unwrap()).unwrap();
            assert!(recurrence.next_after(DateTime::<Utc>::MIN_UTC).is_some());
            assert_eq!(recurrence.next_after(DateTime::<Utc>::MAX_UTC), None);
            assert_eq!(
                recurrence.last_between(DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MAX_UTC),
                None
            );
        }
    }
}
