//! What happens when clocks change, by example.

use crate::{assert_ticks, at, zone};
use chrono::Duration;
use ratchet_recurrence::Recurrence;

#[test]
fn an_hour_before_the_gap_fires_once_and_not_again_after_it() {
    assert_ticks(
        "16 1 * * *",
        "America/New_York",
        "2026-03-07T12:00:00Z",
        &["2026-03-08T06:16:00Z", "2026-03-09T05:16:00Z"],
    );
}

#[test]
fn times_that_fall_into_one_gap_fire_once_right_after_it() {
    assert_ticks(
        "3,23,54 2 * * *",
        "America/New_York",
        "2026-03-07T07:54:00Z",
        &[
            "2026-03-08T07:00:00Z",
            "2026-03-09T06:03:00Z",
            "2026-03-09T06:23:00Z",
            "2026-03-09T06:54:00Z",
        ],
    );
}

#[test]
fn a_time_in_the_gap_and_one_at_its_end_fire_once_together() {
    assert_ticks(
        "30 2 * * *",
        "America/New_York",
        "2026-03-07T12:00:00Z",
        &["2026-03-08T07:00:00Z"],
    );
    assert_ticks(
        "0,30 2,3 * * *",
        "America/New_York",
        "2026-03-08T06:59:59Z",
        &[
            "2026-03-08T07:00:00Z",
            "2026-03-08T07:30:00Z",
            "2026-03-09T06:00:00Z",
        ],
    );
}

#[test]
fn times_that_an_overlap_repeats_fire_the_first_time_only() {
    assert_ticks(
        "27,39,52 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        &[
            "2026-10-25T00:27:00Z",
            "2026-10-25T00:39:00Z",
            "2026-10-25T00:52:00Z",
            "2026-10-26T01:27:00Z",
        ],
    );
}

#[test]
fn a_start_inside_the_second_pass_repeats_nothing() {
    for start in [
        "2026-10-25T01:00:00Z",
        "2026-10-25T01:10:00Z",
        "2026-10-25T01:52:00Z",
    ] {
        assert_ticks(
            "27,39,52 2 * * *",
            "Europe/Berlin",
            start,
            &["2026-10-26T01:27:00Z"],
        );
    }
}

#[test]
fn every_minute_is_every_real_minute_of_an_overlap() {
    let every_minute = Recurrence::cron("* * * * *", zone("Europe/Dublin")).unwrap();
    let start = at("2026-10-24T23:00:00Z");
    for (minute, tick) in (1..).zip(every_minute.upcoming(start).take(300)) {
        assert_eq!(tick, start + Duration::minutes(minute));
    }
}

#[test]
fn a_wildcard_fires_in_both_passes_and_never_for_a_gap() {
    assert_ticks(
        "*/30 1 * * *",
        "America/New_York",
        "2026-11-01T00:00:00Z",
        &[
            "2026-11-01T05:00:00Z",
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:00:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-02T06:00:00Z",
        ],
    );
    assert_ticks(
        "*/30 2 * * *",
        "America/New_York",
        "2026-03-07T07:45:00Z",
        &["2026-03-09T06:00:00Z"],
    );
}

#[test]
fn only_the_minute_and_the_hour_decide_who_is_a_wildcard() {
    // Every second of a minute that the overlap repeats: once, as the minute and the hour are fixed.
    assert_ticks(
        "* 30 2 * * *",
        "Europe/Berlin",
        "2026-10-25T00:30:58Z",
        &["2026-10-25T00:30:59Z", "2026-10-26T01:30:00Z"],
    );
    // Written out, all hours are not a star.
    assert_ticks(
        "30 0-23 * * *",
        "Europe/Berlin",
        "2026-10-25T00:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"],
    );
    assert_ticks(
        "30 * * * *",
        "Europe/Berlin",
        "2026-10-25T00:00:00Z",
        &[
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:30:00Z",
        ],
    );
}

#[test]
fn half_an_hour_is_a_gap_and_an_overlap_like_any_other() {
    // Lord Howe: 02:00 becomes 02:30 on 2026-10-04, and 02:00 becomes 01:30 on 2026-04-05.
    assert_ticks(
        "15 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T00:00:00Z",
        &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
    );
    assert_ticks(
        "45 1 * * *",
        "Australia/Lord_Howe",
        "2026-04-04T00:00:00Z",
        &["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
    );
}

#[test]
fn midnight_that_does_not_exist_is_the_first_instant_of_its_day() {
    assert_ticks(
        "@daily",
        "America/Sao_Paulo",
        "2018-11-03T12:00:00Z",
        &["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"],
    );
    assert_ticks(
        "0 0 * * *",
        "America/Santiago",
        "2026-09-05T12:00:00Z",
        &["2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"],
    );
}

#[test]
fn a_date_that_its_island_skipped_runs_when_the_next_one_begins() {
    // Samoa had no 30 December 2011.
    assert_ticks(
        "0 9 30 12 *",
        "Pacific/Apia",
        "2011-12-29T00:00:00Z",
        &["2011-12-30T10:00:00Z", "2012-12-29T19:00:00Z"],
    );
    assert_ticks(
        "* 9 30 12 *",
        "Pacific/Apia",
        "2011-12-29T00:00:00Z",
        &["2012-12-29T19:00:00Z"],
    );
}

#[test]
fn offsets_with_seconds_are_exact() {
    // Liberia was 44 minutes and 30 seconds behind UTC until 1972-01-07.
    assert_ticks(
        "0 12 * * *",
        "Africa/Monrovia",
        "1972-01-05T00:00:00Z",
        &[
            "1972-01-05T12:44:30Z",
            "1972-01-06T12:44:30Z",
            "1972-01-07T12:00:00Z",
        ],
    );
}

#[test]
fn a_wildcard_that_lives_in_the_gap_alone_waits_for_the_end_of_the_known_changes() {
    // The zone tables end with the year 2099; until then the last Sunday of March has no such hour in Berlin.
    assert_ticks(
        "* 2 ? 3 sunL",
        "Europe/Berlin",
        "2026-01-01T00:00:00Z",
        &["2100-03-28T01:00:00Z"],
    );
}

/// Random expressions seldom fire often enough to show a change of an hour: these do.
#[test]
fn frequent_ticks_are_counted_through_every_kind_of_change() {
    let zones = [
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "America/Santiago",
        "Europe/Dublin",
    ];
    let expressions = ["* * * * *", "*/7 0-23 * * *", "0-59 0-23 * * *", "1,31 1-3 * * *"];
    for zone_name in zones {
        for expression in expressions {
            let recurrence = Recurrence::cron(expression, zone(zone_name)).unwrap();
            let (start, end) = (at("2011-09-01T00:00:30Z"), at("2012-05-01T00:00:30Z"));
            let ticks: Vec<_> = recurrence
                .upcoming(start)
                .take_while(|tick| *tick <= end)
                .collect();
            for (place, tick) in ticks.iter().enumerate().step_by(997) {
                let counted = recurrence.count_between(start, *tick);
                assert_eq!(
                    counted,
                    place as u64 + 1,
                    "{expression} in {zone_name} until {tick}"
                );
                let left = recurrence.count_between(*tick, end);
                assert_eq!(
                    counted + left,
                    ticks.len() as u64,
                    "{expression} in {zone_name} from {tick}"
                );
            }
            assert_eq!(recurrence.last_between(start, end), ticks.last().copied());
        }
    }
}
