//! Why an instant is due, or why it is not.

use ratchet_recurrence::{Explanation, Specification};

use crate::{at, read, read_in};

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
