//! Where ticks begin and where they end.

use chrono::{DateTime, Utc};

use crate::{at, next, read, read_in};

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
