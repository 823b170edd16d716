//! Specifications by example: their canonical text and their words.

use chrono::DateTime;
use proptest::prelude::*;
use ratchet_recurrence::{Recurrence, Specification, Zone};

use crate::expressions::any_fields;
use crate::{read, read_in, zone};

#[test]
fn each_text_has_one_canonical_form_and_its_words() {
    let table = [
        (
            "0 9 * * mon-fri",
            "0 9 * * 1-5",
            "At 09:00, Monday through Friday",
        ),
        ("@hourly", "0 * * * *", "Every hour"),
        (
            "  every 90m ",
            "every 1h30m",
            "Every 90 minutes of real time, counted from 1970-01-01T00:00:00Z",
        ),
        (
            "EVERY 900s FROM 2026-01-01T01:00:00+01:00",
            "every 15m from 2026-01-01T00:00:00Z",
            "Every 15 minutes from 2026-01-01T00:00:00Z on",
        ),
        (
            "at 2026-04-01T09:00:00Z,2026-03-01T09:00:00Z, 2026-04-01T09:00:00Z",
            "at 2026-03-01T09:00:00Z, 2026-04-01T09:00:00Z",
            "At 2026-03-01T09:00:00Z and 2026-04-01T09:00:00Z",
        ),
        (
            "ending 2027-01-01T00:00:00Z; every 1d; 0 9 * * *; starting 2026-01-01T00:00:00Z",
            "0 9 * * *; every 1d; starting 2026-01-01T00:00:00Z; ending 2027-01-01T00:00:00Z",
            "At 09:00 every day; and: Every day of real time, counted from 1970-01-01T00:00:00Z, \
             from 2026-01-01T00:00:00Z on, until before 2027-01-01T00:00:00Z",
        ),
        (
            "0 9 * * *; 0 9 * * *; except fri 18:00 - mon 6:00, 2026-12-24; except 2026-12-24 .. 2026-12-26",
            "0 9 * * *; except 2026-12-24, 2026-12-24..2026-12-26, fri 18:00-mon 06:00",
            "At 09:00 every day, except 2026-12-24, 2026-12-24 through 2026-12-26 and \
             fri 18:00-mon 06:00 every week",
        ),
        (
            "* * * * * *; except cron 0 12 * * *; except cron 0 0 13 * * *",
            "* * * * * *; except cron 0 0 13 * * *; except cron 0 12 * * *",
            "Every second, except what matches cron 0 0 13 * * * and what matches cron 0 12 * * *",
        ),
        (
            "30 2 * * *; gap skip; overlap twice",
            "30 2 * * *; gap skip; overlap twice",
            "At 02:30 every day, skipping local times that do not exist, \
             both times when a local time is repeated",
        ),
        (
            "30 2 * * *; gap run_after; overlap once_last",
            "30 2 * * *; overlap once_last",
            "At 02:30 every day, the last time when a local time is repeated",
        ),
    ];
    for (text, canonical, words) in table {
        let specification = read(text);
        assert_eq!(specification.to_string(), canonical);
        assert_eq!(specification.describe(), words);
        assert_eq!(read(canonical), specification);
    }
    assert!(
        read_in("0 9 * * *", "Europe/Berlin")
            .describe()
            .ends_with("(Europe/Berlin)")
    );
}

proptest! {
    #![proptest_config(crate::cases(1500))]

    #[test]
    fn a_plain_expression_is_the_recurrence_of_the_same_text(
        expression in any_fields(), start in 0..4_000_000_000i64,
    ) {
        let berlin = zone("Europe/Berlin");
        let text = expression.text();
        let Ok(recurrence) = Recurrence::cron(&text, berlin) else { return Ok(()) };
        let Ok(specification) = Specification::parse(&text, berlin) else { return Ok(()) };
        let start = DateTime::from_timestamp(start, 0).unwrap();
        prop_assert_eq!(specification.to_string(), recurrence.to_string());
        prop_assert_eq!(specification.describe(), recurrence.describe());
        let ticks: Vec<_> = specification.upcoming(start).take(5).collect();
        prop_assert_eq!(&ticks, &recurrence.upcoming(start).take(5).collect::<Vec<_>>());
    }

    #[test]
    fn no_text_makes_the_parser_panic(
        text in ".*",
        soup in "((every|at|except|except cron|starting|ending|gap|from|;|,|\\.\\.|-) ?|[0-9]{1,4}[dhms:TZ-]?|\\*|2026-01-0[1-9](T09:00:00Z)?|mon| ){0,14}",
    ) {
        for text in [text, soup] {
            match Specification::parse(&text, Zone::UTC) {
                Ok(specification) => {
                    let printed = specification.to_string();
                    prop_assert_eq!(Specification::parse(&printed, Zone::UTC).unwrap(), specification);
                }
                Err(refused) => {
                    prop_assert!(!refused.to_string().is_empty());
                    if let Some(at) = refused.at {
                        prop_assert!(text.get(at).is_some());
                    }
                }
            }
        }
    }
}
