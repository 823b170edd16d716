//! Every specification that is none, and what is said about it.

use std::error::Error;
use std::time::Duration;

use ratchet_recurrence::{Part, Reason, Specification, SpecificationError, Zone};

use crate::{at, read};

pub(crate) fn refused(text: &str) -> SpecificationError {
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
            "0 9 * * *; except 24.12.2026",
            Part::Except,
            "24.12.2026",
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
fn a_date_that_the_calendar_does_not_have_is_refused_as_such() {
    for (text, part, wrong) in [
        ("0 9 * * *; except 2026-02-30", Part::Except, "2026-02-30"),
        (
            "0 9 * * *; except 2026-12-24, 2026-02-29",
            Part::Except,
            "2026-02-29",
        ),
        (
            "0 9 * * *; except 2026-02-30..2026-03-02",
            Part::Except,
            "2026-02-30",
        ),
        (
            "0 9 * * *; except 2026-02-01 .. 2026-02-30",
            Part::Except,
            "2026-02-30",
        ),
        ("0 9 * * *; except 2026-13-01", Part::Except, "2026-13-01"),
        ("at 2026-02-30T09:00:00Z", Part::At, "2026-02-30"),
        (
            "at 2026-03-01T09:00:00Z, 2026-02-30T09:00:00Z",
            Part::At,
            "2026-02-30",
        ),
        ("every 15m from 2026-02-30T00:00:00Z", Part::Every, "2026-02-30"),
        (
            "0 9 * * *; starting 2026-02-30T00:00:00Z",
            Part::Starting,
            "2026-02-30",
        ),
        ("0 9 * * *; ending 2026-04-31", Part::Ending, "2026-04-31"),
    ] {
        let error = refused(text);
        assert_eq!(error.part, part, "{text}: {error}");
        assert_eq!(
            error.reason,
            Reason::NoSuchDate {
                text: wrong.to_owned()
            },
            "{text}"
        );
        let at = error.at.clone().unwrap();
        assert_eq!(&text[at.clone()], wrong, "{text}");
        assert_eq!(
            error.to_string(),
            format!(
                "{part} (bytes {}-{}): there is no such date as {wrong:?}; allowed are dates of the calendar, as in \
                 2026-03-01",
                at.start, at.end
            )
        );
    }
    let error = refused("0 9 * * *; except cron 0 0 30 2 *");
    assert!(
        error.source().unwrap().to_string().contains("never fires"),
        "{error:?}"
    );
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
