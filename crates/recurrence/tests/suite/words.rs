//! Descriptions, canonical expressions, and ticks by example.

use ratchet_recurrence::{Recurrence, Zone};

use crate::{assert_ticks, zone};

#[test]
fn common_shapes_are_said_as_people_say_them() {
    let table = [
        ("* * * * *", "Every minute"),
        ("* * * * * *", "Every second"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("0/5 * * * *", "Every 5 minutes"),
        ("*/10 * * * * *", "Every 10 seconds"),
        ("30 * * * * *", "At second 30 past every minute"),
        ("@hourly", "Every hour"),
        ("0 */2 * * *", "Every 2 hours, counted from 00:00"),
        ("5 * * * *", "At 5 minutes past every hour"),
        ("1 * * * *", "At 1 minute past every hour"),
        ("5,35 * * * *", "At 5 and 35 minutes past every hour"),
        ("0 9 * * *", "At 09:00 every day"),
        ("0 9 * * mon-fri", "At 09:00, Monday through Friday"),
        ("0 9,17 * * *", "At 09:00 and 17:00 every day"),
        ("15 30 9 * * *", "At 09:30:15 every day"),
        ("0 9 * * sat,sun", "At 09:00 on Saturday and Sunday"),
        ("0 9 * * fri-sun", "At 09:00, Friday through Sunday"),
        (
            "*/15 9-17 * * 1-5",
            "Every 15 minutes from 09:00 through 17:59, Monday through Friday",
        ),
        ("30 22 L * *", "At 22:30 on the last day of the month"),
        ("0 8 * * mon#1", "At 08:00 on the first Monday of the month"),
        ("0 8 * * friL", "At 08:00 on the last Friday of the month"),
        ("0 0 1 * *", "At 00:00 on day 1 of the month"),
        ("@yearly", "At 00:00 on January 1"),
        ("0 0 0 1 1 ? 2030", "At 00:00 on January 1, in 2030"),
        ("0 6 * jun-aug *", "At 06:00 every day, in June through August"),
        (
            "0 8 15W * *",
            "At 08:00 on the weekday (Monday through Friday) nearest to day 15 of the month",
        ),
        (
            "0 8 LW * *",
            "At 08:00 on the last weekday (Monday through Friday) of the month",
        ),
        (
            "0 8 L-2 * *",
            "At 08:00 on the day 2 days before the last day of the month",
        ),
    ];
    for (expression, words) in table {
        assert_eq!(
            Recurrence::cron(expression, Zone::UTC).unwrap().describe(),
            words,
            "{expression}"
        );
    }
}

#[test]
fn uneven_steps_are_not_called_intervals() {
    let words = |expression| Recurrence::cron(expression, Zone::UTC).unwrap().describe();
    assert_eq!(words("*/25 * * * *"), "At 0, 25 and 50 minutes past every hour");
    assert_eq!(words("*/40 * * * * *"), "At seconds 0 and 40 past every minute");
    assert_eq!(words("0 */9 * * *"), "At 00:00, 09:00 and 18:00 every day");
    assert_eq!(
        words("*/5 */7 * * *"),
        "Every 5 minutes during hours 0, 7, 14 and 21"
    );
}

#[test]
fn two_day_fields_are_said_the_way_they_are_evaluated() {
    let words = |expression| Recurrence::cron(expression, Zone::UTC).unwrap().describe();
    assert_eq!(
        words("0 0 13 * 5"),
        "At 00:00 on day 13 of the month, and on Friday"
    );
    assert_eq!(
        words("0 0 1-7 * */7"),
        "At 00:00 on days 1 through 7 of the month, if that is a Sunday"
    );
    assert_eq!(words("0 0 1-31 * 5"), "At 00:00 every day");
    assert_eq!(
        words("0 0 */10 * 1,5"),
        "At 00:00 on days 1, 11, 21 and 31 of the month, if that is a Monday or a Friday"
    );
}

#[test]
fn every_zone_but_utc_is_named() {
    let words = |name| Recurrence::cron("0 9 * * *", zone(name)).unwrap().describe();
    assert_eq!(words("UTC"), "At 09:00 every day");
    assert_eq!(words("Europe/Berlin"), "At 09:00 every day (Europe/Berlin)");
}

#[test]
fn the_canonical_expression_keeps_stars_and_the_number_of_fields() {
    let table = [
        ("*/5  *\t* * *", "*/5 * * * *"),
        ("0-59 * * * *", "0-59 * * * *"),
        ("0-55/5 * ? * ?", "0-55/5 * * * *"),
        ("0 0 * jan-mar,dec MON-Fri", "0 0 * 1-3,12 1-5"),
        ("*/2,1,3 0 * * *", "*/2,1,3 0 * * *"),
        (
            "1,*/2 0 * * *",
            "0-2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,36,38,40,42,44,46,48,50,52,54,56,58 0 * * *",
        ),
        ("0 0 0 * * *", "0 0 * * *"),
        ("0-59 0 0 * * *", "* 0 0 * * *"),
        ("*/15 0 0 * * *", "*/15 0 0 * * *"),
        ("0 0 0 * * * *", "0 0 * * *"),
        ("0 0 0 * * * 2030/10", "0 0 0 * * * 2030-2090/10"),
        ("0 0 15w,lw,l,l-3,1 * *", "0 0 1,L,L-3,LW,15W * *"),
        ("0 0 ? * fril,mon#2,7", "0 0 * * 0,1#2,5L"),
        ("0 0 */31 * */7", "0 0 */31 * */7"),
        ("@weekly", "0 0 * * 0"),
    ];
    for (expression, canonical) in table {
        assert_eq!(
            Recurrence::cron(expression, Zone::UTC).unwrap().to_string(),
            canonical,
            "{expression}"
        );
    }
}

#[test]
fn two_restricted_day_fields_add_up_and_a_star_makes_them_narrow() {
    // In January 2026 the 1st is a Thursday.
    assert_ticks(
        "0 0 13 * 5",
        "UTC",
        "2026-01-01T00:00:00Z",
        &[
            "2026-01-02T00:00:00Z",
            "2026-01-09T00:00:00Z",
            "2026-01-13T00:00:00Z",
            "2026-01-16T00:00:00Z",
        ],
    );
    assert_ticks(
        "0 0 */2 * 1",
        "UTC",
        "2026-01-01T00:00:00Z",
        &["2026-01-05T00:00:00Z", "2026-01-19T00:00:00Z"],
    );
    assert_ticks(
        "0 0 1-7 * */7",
        "UTC",
        "2026-01-01T00:00:00Z",
        &["2026-01-04T00:00:00Z", "2026-02-01T00:00:00Z"],
    );
}

#[test]
fn special_days_fall_where_the_calendar_puts_them() {
    let after = "2026-01-01T00:00:00Z";
    assert_ticks(
        "0 0 L * *",
        "UTC",
        after,
        &["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"],
    );
    assert_ticks(
        "0 0 L-3 * *",
        "UTC",
        after,
        &["2026-01-28T00:00:00Z", "2026-02-25T00:00:00Z"],
    );
    assert_ticks(
        "0 0 LW * *",
        "UTC",
        after,
        &["2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z"],
    );
    // The 1st of February and of March 2026 are Sundays, the 1st of August is a Saturday.
    assert_ticks(
        "0 0 1W 2,8 *",
        "UTC",
        after,
        &["2026-02-02T00:00:00Z", "2026-08-03T00:00:00Z"],
    );
    assert_ticks(
        "0 0 31W * *",
        "UTC",
        after,
        &["2026-01-30T00:00:00Z", "2026-03-31T00:00:00Z"],
    );
    assert_ticks(
        "0 0 * * mon#5",
        "UTC",
        after,
        &["2026-03-30T00:00:00Z", "2026-06-29T00:00:00Z"],
    );
    assert_ticks(
        "0 0 * * sunL",
        "UTC",
        after,
        &["2026-01-25T00:00:00Z", "2026-02-22T00:00:00Z"],
    );
}

#[test]
fn rare_dates_are_found_however_far_they_are() {
    assert_ticks(
        "0 0 29 2 */7",
        "UTC",
        "2033-01-01T00:00:00Z",
        &["2060-02-29T00:00:00Z", "2088-02-29T00:00:00Z"],
    );
    // 2100 is no leap year: forty years lie between these two Sundays.
    assert_ticks(
        "0 0 29 2 */7",
        "UTC",
        "2089-01-01T00:00:00Z",
        &["2128-02-29T00:00:00Z"],
    );
    assert_ticks(
        "59 59 23 31 12 ? 2099",
        "UTC",
        "2026-01-01T00:00:00Z",
        &["2099-12-31T23:59:59Z"],
    );
}

#[test]
fn a_fraction_of_a_second_does_not_hide_the_next_whole_one() {
    assert_ticks(
        "* * * * * *",
        "UTC",
        "2026-01-01T00:00:00.001Z",
        &["2026-01-01T00:00:01Z"],
    );
    assert_ticks(
        "* * * * * *",
        "UTC",
        "1969-12-31T23:59:58.999Z",
        &["1969-12-31T23:59:59Z"],
    );
    assert_ticks(
        "* * * * * *",
        "UTC",
        "2026-01-01T00:00:00Z",
        &["2026-01-01T00:00:01Z"],
    );
}
