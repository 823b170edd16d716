//! Every specification that is none, and what is said about it.

use std::error::Error;
use std::time::Duration;

use proptest::prelude::*;
use ratchet_recurrence::{EndReason, Part, Reason, Specification, SpecificationError, Zone};

use crate::expressions::any_fields;
use crate::{at, read, zone};

fn refused(text: &str) -> SpecificationError {
    match Specification::parse(text, Zone::UTC) {
        Ok(specification) => panic!("{text} was read as {specification}"),
        Err(refused) => refused,
    }
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
