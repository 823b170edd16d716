//! Specifications by example: their text, their refusals, their ends and their explanations.

use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc, Weekday};
use proptest::prelude::*;
use ratchet_recurrence::{
    EndReason, Explanation, Gap, Overlap, Part, Reason, Recurrence, Specification, SpecificationError, Zone,
};

use crate::expressions::any_fields;
use crate::{at, read, read_in, zone};

fn refused(text: &str) -> SpecificationError {
    match Specification::parse(text, Zone::UTC) {
        Ok(specification) => panic!("{text} was read as {specification}"),
        Err(refused) => refused,
    }
}

fn next(specification: &Specification, after: &str, count: usize) -> Vec<String> {
    let written = |tick: DateTime<Utc>| tick.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    specification
        .upcoming(at(after))
        .take(count)
        .map(written)
        .collect()
}

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

#[test]
fn a_mistake_is_told_with_its_part_its_text_and_its_place() {
    let table = [
        (
            "every 0s",
            Part::Every,
            "0s",
            "every (bytes 6-8): \"0s\" is not allowed; allowed is 1s to 3650d",
        ),
        ("every -5m", Part::Every, "-5m", "1s to 3650d"),
        ("every 4000d", Part::Every, "4000d", "1s to 3650d"),
        ("every 500ms", Part::Every, "500ms", "whole seconds"),
        ("every", Part::Every, "", "1s to 3650d"),
        ("every 5m at noon", Part::Every, "at noon", "from and an instant"),
        ("every 5m from noon", Part::Every, "noon", "RFC"),
        (
            "0 9 * * *; every 5m from 1969-12-31T23:59:59Z",
            Part::Every,
            "1969-12-31T23:59:59Z",
            "1970",
        ),
        ("at 2026-03-01", Part::At, "2026-03-01", "2026-03-01T09:00:00Z"),
        (
            "at 2026-02-30T09:00:00Z",
            Part::At,
            "2026-02-30T09:00:00Z",
            "an instant",
        ),
        (
            "at 2026-03-01T09:00:00.5Z",
            Part::At,
            "2026-03-01T09:00:00.5Z",
            "whole seconds",
        ),
        (
            "at 2026-12-31T23:59:60Z",
            Part::At,
            "2026-12-31T23:59:60Z",
            "whole seconds",
        ),
        ("at 2026-03-01T09:00:00Z,", Part::At, "", "an instant"),
        (
            "0 9 * * *; except 2026-02-30",
            Part::Except,
            "2026-02-30",
            "a date",
        ),
        (
            "0 9 * * *; except 2026-12-26..2026-12-24",
            Part::Except,
            "2026-12-26..2026-12-24",
            "first",
        ),
        ("0 9 * * *; except 1969-12-31", Part::Except, "1969-12-31", "1970"),
        (
            "0 9 * * *; except sundays",
            Part::Except,
            "sundays",
            "a range of dates",
        ),
        (
            "0 9 * * *; except fri 18:00-fri 18:00",
            Part::Except,
            "fri 18:00-fri 18:00",
            "two different",
        ),
        (
            "0 9 * * *; except fri 25:00-mon 06:00",
            Part::Except,
            "fri 25:00-mon 06:00",
            "00:00-23:59",
        ),
        (
            "0 9 * * *; starting tomorrow",
            Part::Starting,
            "tomorrow",
            "an instant",
        ),
        ("0 9 * * *; ending", Part::Ending, "", "an instant"),
        ("0 9 * * *; gap jump", Part::Gap, "jump", "run_after and skip"),
        (
            "0 9 * * *; overlap once",
            Part::Overlap,
            "once",
            "once_first, once_last and twice",
        ),
    ];
    for (text, part, wrong, allowed) in table {
        let error = refused(text);
        assert_eq!(error.part, part, "{text}");
        let at = error.at.clone().unwrap();
        assert_eq!(&text[at], wrong, "{text}");
        let message = error.to_string();
        assert!(message.contains(allowed) || allowed == "RFC", "{text}: {message}");
    }
}

#[test]
fn a_wrong_expression_is_told_with_its_field_and_its_place() {
    let text = "0 9 * * *; 0 25 * * *";
    let error = refused(text);
    assert_eq!(error.part, Part::Cron);
    assert_eq!(&text[error.at.clone().unwrap()], "25");
    assert!(error.source().unwrap().to_string().starts_with("hour: \"25\""));

    let text = "0 9 * * *; except cron 0 99 * * *";
    let error = refused(text);
    assert_eq!(
        (error.part, &text[error.at.clone().unwrap()]),
        (Part::Except, "99")
    );
    for (text, place) in [("0 0 30 2 *", 0..10), ("0 9 * * *;", 10..10), (" ; @daily", 1..1)] {
        let error = refused(text);
        assert!(matches!(error.reason, Reason::Cron(_)), "{text}: {error}");
        assert_eq!(error.at, Some(place), "{text}");
    }
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let reason = |text: &str| refused(text).reason;
    assert_eq!(reason(""), Reason::NoSource);
    assert_eq!(reason("starting 2026-01-01T00:00:00Z"), Reason::NoSource);
    assert_eq!(reason("0 9 * * *; gap skip; gap skip"), Reason::Repeated);
    assert_eq!(
        reason("0 9 * * *; ending 2026-01-01T00:00:00Z; ending 2027-01-01T00:00:00Z"),
        Reason::Repeated
    );
    let bounds = reason("0 9 * * *; starting 2026-01-01T00:00:00Z; ending 2026-01-01T00:00:00Z");
    assert!(matches!(bounds, Reason::Bounds { .. }), "{bounds:?}");

    let nothing = [
        ("0 12 * * *; except cron 0 12 * * *", "every tick until"),
        ("* * * * * *; except cron * * * * *", "every tick until"),
        (
            "0 12 * * *; except mon 00:00-fri 00:00, fri 00:00-mon 00:00",
            "every tick until",
        ),
        ("0 12 * * sat; except fri 18:00-mon 06:00", "every tick until"),
        (
            "at 2026-12-24T12:00:00Z; except 2026-12-24",
            "every remaining tick is excluded",
        ),
        (
            "0 12 * * *; except 1970-01-01..9999-12-31",
            "every remaining tick is excluded",
        ),
        (
            "0 9 1 1 *; starting 2026-01-02T00:00:00Z; ending 2026-12-31T00:00:00Z",
            "before its end",
        ),
        (
            "at 2026-01-01T00:00:00Z; starting 2026-01-02T00:00:00Z",
            "its only instant is past",
        ),
        (
            "at 2026-01-01T00:00:00Z; ending 2026-01-01T00:00:00Z",
            "before its end",
        ),
        ("0 0 9 1 1 * 2020; starting 2026-01-01T00:00:00Z", "no later date"),
    ];
    for (text, words) in nothing {
        let error = refused(text);
        assert!(matches!(error.reason, Reason::NothingLeft(_)), "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
    // The only such night of this expression has no such hour.
    let gap = Specification::parse("0 30 2 29 3 * 2026; gap skip", zone("Europe/Berlin")).unwrap_err();
    assert_eq!(gap.reason, Reason::NothingLeft(EndReason::CalendarPast));
}

#[test]
fn more_than_fits_is_refused() {
    let crons: Vec<String> = (0..33).map(|minute| format!("{minute} 9 * * *")).collect();
    assert_eq!(refused(&crons.join(";")).reason, Reason::TooMany { most: 32 });
    assert_eq!(
        read(&crons[..32].join(";"))
            .upcoming(at("2026-01-01T09:00:00Z"))
            .take(31)
            .count(),
        31
    );
    let instants = (0..1001).map(|n| at("2026-01-01T00:00:00Z") + Duration::from_secs(n));
    let error = Specification::builder(Zone::UTC)
        .at(instants)
        .build()
        .unwrap_err();
    assert_eq!(
        (error.part, error.reason),
        (Part::At, Reason::TooMany { most: 1000 })
    );
}

#[test]
fn programs_build_what_people_write() {
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let built = Specification::builder(Zone::UTC)
        .cron("0 9 * * *")
        .every(Duration::from_secs(5400))
        .at([at("2026-03-01T09:00:00Z")])
        .except_date(date("2026-05-01"))
        .except_dates(date("2026-12-24"), date("2026-12-26"))
        .except_weekly((Weekday::Fri, time(18)), (Weekday::Mon, time(6)))
        .except_cron("0 12 * * *")
        .starting(at("2026-01-01T00:00:00Z"))
        .ending(at("2027-01-01T00:00:00Z"))
        .gap(Gap::Skip)
        .overlap(Overlap::OnceLast)
        .build()
        .unwrap();
    assert_eq!(
        built.to_string(),
        "0 9 * * *; every 1h30m; at 2026-03-01T09:00:00Z; except 2026-05-01, 2026-12-24..2026-12-26, \
         fri 18:00-mon 06:00; except cron 0 12 * * *; starting 2026-01-01T00:00:00Z; \
         ending 2027-01-01T00:00:00Z; gap skip; overlap once_last"
    );
    assert_eq!(read(&built.to_string()), built);
}

#[test]
fn a_program_is_refused_what_no_text_could_say() {
    let builder = || Specification::builder(Zone::UTC).cron("0 9 * * *");
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let day = (Weekday::Fri, NaiveTime::MIN);
    let fraction = at("2026-01-01T00:00:00.5Z");
    let refused = [
        (builder().every(Duration::ZERO), Part::Every),
        (builder().every(Duration::from_millis(1500)), Part::Every),
        (builder().every(Duration::MAX), Part::Every),
        (
            builder().every_from(Duration::from_secs(1), fraction),
            Part::Every,
        ),
        (
            builder().every_from(Duration::from_secs(1), DateTime::<Utc>::MIN_UTC),
            Part::Every,
        ),
        (builder().at([DateTime::<Utc>::MAX_UTC]), Part::At),
        (
            builder().except_dates(date("2026-01-02"), date("2026-01-01")),
            Part::Except,
        ),
        (builder().except_date(NaiveDate::MIN), Part::Except),
        (builder().except_date(NaiveDate::MAX), Part::Except),
        (builder().except_weekly(day, day), Part::Except),
        (builder().except_cron("x"), Part::Except),
        (builder().cron("x").starting(fraction), Part::Cron),
        (builder().starting(fraction), Part::Starting),
        (builder().ending(DateTime::<Utc>::MAX_UTC), Part::Ending),
    ];
    for (builder, part) in refused {
        let error = builder.build().unwrap_err();
        assert_eq!(error.part, part, "{error}");
        assert_eq!(error.at, None);
    }
}

#[test]
fn an_interval_counts_from_its_anchor_and_not_before() {
    let poll = read("every 45m from 2026-01-01T00:10:00Z");
    assert_eq!(
        next(&poll, "2025-06-01T00:00:00Z", 3),
        [
            "2026-01-01T00:10:00Z",
            "2026-01-01T00:55:00Z",
            "2026-01-01T01:40:00Z"
        ]
    );
    let days = read_in("every 1d from 2026-03-28T08:00:00Z", "Europe/Berlin");
    // Real time: the local hour moves with the clock.
    assert_eq!(next(&days, "2026-03-28T08:00:00Z", 1), ["2026-03-29T08:00:00Z"]);
    assert_eq!(
        days.count_between(at("1970-01-01T00:00:00Z"), at("2026-04-01T08:00:00Z")),
        5
    );
}

#[test]
fn the_start_is_inside_and_the_end_is_outside() {
    let bounded = read("0 * * * *; starting 2026-01-01T09:00:00Z; ending 2026-01-01T11:00:00Z");
    assert_eq!(
        next(&bounded, "2020-01-01T00:00:00Z", 9),
        ["2026-01-01T09:00:00Z", "2026-01-01T10:00:00Z"]
    );
    assert_eq!(
        bounded.count_between(at("2020-01-01T00:00:00Z"), at("2030-01-01T00:00:00Z")),
        2
    );
}

#[test]
fn a_schedule_that_is_over_says_why() {
    let end = |text: &str, after: &str| read(text).end(at(after)).unwrap().to_string();
    assert_eq!(
        end("0 9 * * *; ending 2026-01-01T00:00:00Z", "2025-12-31T09:00:00Z"),
        "no further tick is before its end at 2026-01-01T00:00:00Z"
    );
    assert_eq!(
        end(
            "at 2026-01-01T00:00:00Z, 2026-01-02T00:00:00Z, 2026-01-03T00:00:00Z",
            "2026-01-03T00:00:00Z"
        ),
        "all 3 instants are past"
    );
    assert_eq!(
        end("0 0 9 1 1 * 2026", "2026-02-01T00:00:00Z"),
        "no later date of the calendar matches"
    );
    assert_eq!(
        end("0 9 * * *; except 2026-02-01..9999-12-31", "2026-02-01T00:00:00Z"),
        "every remaining tick is excluded"
    );
    let over = end(
        "0 9 * * *; except cron * * * * * * 2026-2099; ending 2100-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
    );
    assert_eq!(over, "every remaining tick is excluded");
    assert_eq!(read("0 9 * * *").end(at("2026-01-01T00:00:00Z")), None);
}

#[test]
fn a_moved_a_repeated_and_an_excluded_tick_are_explained() {
    let berlin = |text: &str| read_in(text, "Europe/Berlin");
    let said = |specification: &Specification, instant: &str| specification.explain(at(instant)).to_string();

    let early = berlin("30 2 * * *");
    assert_eq!(
        said(&early, "2026-03-29T01:00:00Z"),
        "due by 30 2 * * *: moved by daylight saving from 2026-03-29 02:30:00, which no clock showed that day"
    );
    assert_eq!(
        early.moved_from(at("2026-03-29T01:00:00Z")),
        Some("2026-03-29T02:30:00".parse().unwrap())
    );
    assert_eq!(early.moved_from(at("2026-03-30T00:30:00Z")), None);
    assert_eq!(
        said(&early, "2026-10-25T01:30:00Z"),
        "not due: clocks show 2026-10-25 02:30:00 twice, and it runs at 2026-10-25T00:30:00Z"
    );
    assert_eq!(
        said(&berlin("30 2 * * *; overlap once_last"), "2026-10-25T00:30:00Z"),
        "not due: clocks show 2026-10-25 02:30:00 twice, and it runs at 2026-10-25T01:30:00Z"
    );
    assert_eq!(
        said(&berlin("30 2 * * *; gap skip"), "2026-03-29T01:00:00Z"),
        "not due: previous was 2026-03-28T01:30:00Z, next is 2026-03-30T00:30:00Z"
    );
    let limited = read(
        "0 9 * * *; 0 9,10 * * *; except 2026-12-24; starting 2026-01-01T00:00:00Z; \
         ending 2027-01-01T00:00:00Z",
    );
    for (instant, words) in [
        ("2026-12-23T09:00:00Z", "due by 0 9 * * *; 0 9,10 * * *"),
        (
            "2026-12-24T09:00:00Z",
            "not due: excluded by 2026-12-24; previous was 2026-12-23T10:00:00Z, next is 2026-12-25T09:00:00Z",
        ),
        (
            "2025-12-24T09:00:00Z",
            "not due: it starts at 2026-01-01T00:00:00Z; next is 2026-01-01T09:00:00Z",
        ),
        (
            "2027-12-24T09:00:00Z",
            "not due: it ended at 2027-01-01T00:00:00Z; previous was 2026-12-31T10:00:00Z",
        ),
        (
            "2026-12-31T10:00:00.5Z",
            "not due: previous was 2026-12-31T10:00:00Z, and no further tick is before its end at \
             2027-01-01T00:00:00Z",
        ),
        (
            "2026-01-01T08:59:59Z",
            "not due: previous was none, next is 2026-01-01T09:00:00Z",
        ),
    ] {
        assert_eq!(said(&limited, instant), words);
    }
}

#[test]
fn the_first_and_the_last_second_of_a_gap_are_moved_and_its_end_is_not() {
    for (text, moved) in [
        ("59 59 1 * * *", None),
        ("0 0 2 * * *", Some("2026-03-29T02:00:00")),
        ("59 59 2 * * *", Some("2026-03-29T02:59:59")),
        ("0 0 3 * * *", None),
    ] {
        let specification = read_in(text, "Europe/Berlin");
        let change = at("2026-03-29T01:00:00Z");
        let moved = moved.map(|local| local.parse().unwrap());
        assert_eq!(specification.moved_from(change), moved, "{text}");
        // The day of the change has one tick, wherever it is.
        let (from, to) = (at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z"));
        assert_eq!(specification.count_between(from, to), 1, "{text}");
        assert_eq!(
            specification
                .upcoming(from)
                .take_while(|tick| *tick <= to)
                .count(),
            1,
            "{text}"
        );
    }
}

#[test]
fn the_ticks_that_an_exclusion_took_away_can_be_asked_for() {
    let limited = read("0 9 * * *; except 2026-12-24..2026-12-26");
    let (from, to) = (at("2026-12-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    assert_eq!(limited.count_between(from, to), 28);
    let plain = limited.without_exclusions();
    assert_eq!(
        (plain.to_string().as_str(), plain.count_between(from, to)),
        ("0 9 * * *", 31)
    );
    let excluded: Vec<_> = plain
        .upcoming(from)
        .take_while(|tick| *tick <= to)
        .filter(|tick| matches!(limited.explain(*tick), Explanation::Excluded { .. }))
        .collect();
    assert_eq!(excluded.len(), 3);
}

#[test]
fn the_ends_of_time_are_answered_too() {
    for text in [
        "* * * * * *",
        "every 1s",
        "0 9 * * *; except 2026-01-01",
        "every 7d; 0 0 1 1 *",
    ] {
        let specification = read_in(text, "Pacific/Kiritimati");
        assert!(specification.next_after(DateTime::<Utc>::MIN_UTC).is_some());
        assert_eq!(specification.next_after(DateTime::<Utc>::MAX_UTC), None);
        assert!(specification.end(DateTime::<Utc>::MAX_UTC).is_some());
        assert_eq!(
            specification.count_between(DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MAX_UTC),
            0
        );
        assert_eq!(
            specification.last_between(DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC),
            None
        );
        let _ = specification.explain(DateTime::<Utc>::MIN_UTC).to_string();
        let _ = specification.explain(DateTime::<Utc>::MAX_UTC).to_string();
    }
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

proptest! {
    // Each is looked for through a century, which is slow without optimization.
    #![proptest_config(crate::cases(25))]

    #[test]
    fn an_expression_without_itself_is_nothing(expression in any_fields()) {
        let text = expression.text();
        let excluded = Specification::parse(&format!("{text}; gap skip; except cron {text}"), zone("Europe/Berlin"));
        prop_assert!(excluded.is_err(), "{text} without itself is something");
    }
}
