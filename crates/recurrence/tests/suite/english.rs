//! Sentences: what each means, when it runs next, and what is said of those that mean nothing exactly.

use proptest::prelude::*;
use ratchet_recurrence::{Specification, Zone, english};

use crate::{at, zone};

#[track_caller]
fn means(text: &str, canonical: &str, next: [&str; 2]) {
    let berlin = zone("Europe/Berlin");
    let specification = english::parse(text, berlin).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(specification.to_string(), canonical, "{text}");
    assert_eq!(
        Specification::parse(canonical, berlin).as_ref(),
        Ok(&specification)
    );
    // A Wednesday.
    let ticks: Vec<String> = specification
        .upcoming(at("2026-06-10T12:07:00Z"))
        .take(2)
        .map(|tick| {
            tick.with_timezone(&berlin.tz())
                .format("%a %Y-%m-%d %H:%M:%S")
                .to_string()
        })
        .collect();
    assert_eq!(ticks, next, "{text}");
    assert_eq!(
        english::parse(&text.to_uppercase(), berlin).as_ref(),
        Ok(&specification),
        "{text}"
    );
}

#[test]
fn each_sentence_has_one_meaning() {
    for (text, canonical, next) in [
        (
            "every weekday at 9am",
            "0 9 * * 1-5",
            ["Thu 2026-06-11 09:00:00", "Fri 2026-06-12 09:00:00"],
        ),
        (
            "weekdays at 9:00",
            "0 9 * * 1-5",
            ["Thu 2026-06-11 09:00:00", "Fri 2026-06-12 09:00:00"],
        ),
        (
            "at 9 pm on weekends",
            "0 21 * * 0,6",
            ["Sat 2026-06-13 21:00:00", "Sun 2026-06-14 21:00:00"],
        ),
        (
            "every 15 minutes between 9:00 and 17:00",
            "0 17 * * *; */15 9-16 * * *",
            ["Wed 2026-06-10 14:15:00", "Wed 2026-06-10 14:30:00"],
        ),
        (
            "every 15 minutes from 9am to 5pm on weekdays",
            "0 17 * * 1-5; */15 9-16 * * 1-5",
            ["Wed 2026-06-10 14:15:00", "Wed 2026-06-10 14:30:00"],
        ),
        (
            "every 90 minutes between 9:00 and 17:00",
            "0 9-15/3 * * *; 30 10-16/3 * * *",
            ["Wed 2026-06-10 15:00:00", "Wed 2026-06-10 16:30:00"],
        ),
        (
            "every 2 hours between 9:00 and 17:00",
            "0 9-17/2 * * *",
            ["Wed 2026-06-10 15:00:00", "Wed 2026-06-10 17:00:00"],
        ),
        (
            "every hour from 22:30 to 2:30",
            "30 0-2,22,23 * * *",
            ["Wed 2026-06-10 22:30:00", "Wed 2026-06-10 23:30:00"],
        ),
        (
            "every 20 seconds between 14:00 and 14:08",
            "8 14 * * *; */20 0-7 14 * * *",
            ["Wed 2026-06-10 14:07:20", "Wed 2026-06-10 14:07:40"],
        ),
        (
            "first monday of every month at 8:00",
            "0 8 * * 1#1",
            ["Mon 2026-07-06 08:00:00", "Mon 2026-08-03 08:00:00"],
        ),
        (
            "on the first and third monday of the month at 8am",
            "0 8 * * 1#1,1#3",
            ["Mon 2026-06-15 08:00:00", "Mon 2026-07-06 08:00:00"],
        ),
        (
            "every second tuesday of the month at 8am",
            "0 8 * * 2#2",
            ["Tue 2026-07-14 08:00:00", "Tue 2026-08-11 08:00:00"],
        ),
        (
            "last friday of march and june at noon",
            "0 12 * 3,6 5L",
            ["Fri 2026-06-26 12:00:00", "Fri 2027-03-26 12:00:00"],
        ),
        (
            "last day of the month at 22:30",
            "30 22 L * *",
            ["Tue 2026-06-30 22:30:00", "Fri 2026-07-31 22:30:00"],
        ),
        (
            "last weekday of the month at 22:30",
            "30 22 LW * *",
            ["Tue 2026-06-30 22:30:00", "Fri 2026-07-31 22:30:00"],
        ),
        (
            "first weekday of every month at 7am",
            "0 7 1W * *",
            ["Wed 2026-07-01 07:00:00", "Mon 2026-08-03 07:00:00"],
        ),
        (
            "twice a day at 6 and 18",
            "0 6,18 * * *",
            ["Wed 2026-06-10 18:00:00", "Thu 2026-06-11 06:00:00"],
        ),
        (
            "3 times a day at 6:00, 12:00, and 18:00",
            "0 6-18/6 * * *",
            ["Wed 2026-06-10 18:00:00", "Thu 2026-06-11 06:00:00"],
        ),
        (
            "once a day at midnight",
            "0 0 * * *",
            ["Thu 2026-06-11 00:00:00", "Fri 2026-06-12 00:00:00"],
        ),
        (
            "every 2 hours on weekends",
            "0 */2 * * 0,6",
            ["Sat 2026-06-13 00:00:00", "Sat 2026-06-13 02:00:00"],
        ),
        (
            "daily at noon",
            "0 12 * * *",
            ["Thu 2026-06-11 12:00:00", "Fri 2026-06-12 12:00:00"],
        ),
        (
            "every day at 9:30 and 17:00 except sundays",
            "0 17 * * 1-6; 30 9 * * 1-6",
            ["Wed 2026-06-10 17:00:00", "Thu 2026-06-11 09:30:00"],
        ),
        (
            "every month on the 15th at 8am",
            "0 8 15 * *",
            ["Mon 2026-06-15 08:00:00", "Wed 2026-07-15 08:00:00"],
        ),
        (
            "on the 1st, 15th and last day of the month at 8am",
            "0 8 1,15,L * *",
            ["Mon 2026-06-15 08:00:00", "Tue 2026-06-30 08:00:00"],
        ),
        (
            "hourly",
            "0 * * * *",
            ["Wed 2026-06-10 15:00:00", "Wed 2026-06-10 16:00:00"],
        ),
        (
            "hourly on mon-fri",
            "0 * * * 1-5",
            ["Wed 2026-06-10 15:00:00", "Wed 2026-06-10 16:00:00"],
        ),
        (
            "every minute",
            "* * * * *",
            ["Wed 2026-06-10 14:08:00", "Wed 2026-06-10 14:09:00"],
        ),
        (
            "every second",
            "* * * * * *",
            ["Wed 2026-06-10 14:07:01", "Wed 2026-06-10 14:07:02"],
        ),
        (
            "on 1 january at 00:00",
            "0 0 1 1 *",
            ["Fri 2027-01-01 00:00:00", "Sat 2028-01-01 00:00:00"],
        ),
        (
            "january 1st and july 1 at 6am",
            "0 6 1 */6 *",
            ["Wed 2026-07-01 06:00:00", "Fri 2027-01-01 06:00:00"],
        ),
        (
            "every quarter",
            "0 0 1 */3 *",
            ["Wed 2026-07-01 00:00:00", "Thu 2026-10-01 00:00:00"],
        ),
        (
            "last day of every quarter at 18:00",
            "0 18 L 3-12/3 *",
            ["Tue 2026-06-30 18:00:00", "Wed 2026-09-30 18:00:00"],
        ),
        (
            "monthly",
            "0 0 1 * *",
            ["Wed 2026-07-01 00:00:00", "Sat 2026-08-01 00:00:00"],
        ),
        (
            "every year at noon",
            "0 12 1 1 *",
            ["Fri 2027-01-01 12:00:00", "Sat 2028-01-01 12:00:00"],
        ),
        (
            "every monday",
            "0 0 * * 1",
            ["Mon 2026-06-15 00:00:00", "Mon 2026-06-22 00:00:00"],
        ),
        (
            "every monday, wednesday and friday at 7:15",
            "15 7 * * 1-5/2",
            ["Fri 2026-06-12 07:15:00", "Mon 2026-06-15 07:15:00"],
        ),
        (
            "friday to sunday at 7pm",
            "0 19 * * 0,5,6",
            ["Fri 2026-06-12 19:00:00", "Sat 2026-06-13 19:00:00"],
        ),
        (
            "every 90 minutes",
            "every 1h30m",
            ["Wed 2026-06-10 15:30:00", "Wed 2026-06-10 17:00:00"],
        ),
        (
            "every 90 minutes except weekends",
            "every 1h30m; except cron * * * * 0,6",
            ["Wed 2026-06-10 15:30:00", "Wed 2026-06-10 17:00:00"],
        ),
        (
            "every 30 minutes in july",
            "*/30 * * 7 *",
            ["Wed 2026-07-01 00:00:00", "Wed 2026-07-01 00:30:00"],
        ),
        (
            "daily at 9am in november to february",
            "0 9 * 1,2,11,12 *",
            ["Sun 2026-11-01 09:00:00", "Mon 2026-11-02 09:00:00"],
        ),
        (
            "daily at 9am except 2026-06-11, 13 june and in july",
            "0 9 * * *; except 2026-06-11; except cron * * 13 6 *; except cron * * * 7 *",
            ["Fri 2026-06-12 09:00:00", "Sun 2026-06-14 09:00:00"],
        ),
        (
            "first monday of every month at 8:00 except january",
            "0 8 * * 1#1; except cron * * * 1 *",
            ["Mon 2026-07-06 08:00:00", "Mon 2026-08-03 08:00:00"],
        ),
        (
            "daily at 9:00:30",
            "30 0 9 * * *",
            ["Thu 2026-06-11 09:00:30", "Fri 2026-06-12 09:00:30"],
        ),
        (
            "daily at 12am and 12pm",
            "0 0,12 * * *",
            ["Thu 2026-06-11 00:00:00", "Thu 2026-06-11 12:00:00"],
        ),
    ] {
        means(text, canonical, next);
    }
}

#[test]
fn the_end_of_a_window_is_said_to_be_included() {
    let words = english::parse("every 15 minutes between 9:00 and 17:00", Zone::UTC)
        .unwrap()
        .describe();
    assert_eq!(
        words,
        "At 17:00 every day; and: Every 15 minutes from 09:00 through 16:59"
    );
}

#[test]
fn what_is_not_understood_or_not_exact_is_pointed_at() {
    for (text, wrong, reason) in [
        ("", "", "understood are every, daily"),
        ("every", "", "understood after \"every\""),
        ("tomorrow at 9am", "tomorrow", "understood are every"),
        ("every weekday at nine", "nine", "time of the day"),
        ("every weekday at 9am sharp", "sharp", "understood are every"),
        ("every weekday at 25:00", "25:00", "time of the day"),
        ("every weekday at 24:00", "24:00", "time of the day"),
        ("every weekday at 13pm", "13pm", "1 through 12"),
        ("every weekday at 0am", "0am", "1 through 12"),
        ("every weekday at 6 and 9pm", "6 and 9pm", "am or pm"),
        ("every weekday at 9am and nine", "nine", "does not belong"),
        ("every hour between 9 and 5", "between 9 and 5", "am or pm"),
        ("every hour between 9 and 5pm", "between 9 and 5pm", "am or pm"),
        (
            "every hour between 9:00 and 9:00",
            "between 9:00 and 9:00",
            "different",
        ),
        ("every hour between 9:00 or 17:00", "or", "understood is and"),
        ("every other tuesday", "other", "first one to count from"),
        ("every 2 weeks", "weeks", "first one to count from"),
        ("every 3 days at 9am", "days", "first one to count from"),
        ("every 2 months", "months", "first one to count from"),
        ("every 0 minutes", "0", "at least 1"),
        ("every 5 fortnights", "fortnights", "seconds, minutes and hours"),
        ("every -5 minutes", "-", "understood after"),
        ("every 1.5 hours", "1.5", "understood after"),
        ("every week", "week", "on which day"),
        ("weekly at 9am", "weekly", "on which day"),
        (
            "every second tuesday at 8am",
            "every second tuesday",
            "of every month",
        ),
        ("first monday at 8am", "first monday", "of every month"),
        ("sixth monday of every month", "sixth", "understood are every"),
        ("7th monday of every month", "monday", "at most five"),
        ("2st day of the month", "2st", "understood are every"),
        ("32nd day of the month", "32nd", "understood are every"),
        ("on 30 february", "30 february", "no such date"),
        ("on february 0", "february 0", "no such date"),
        ("daily except 2026-02-30", "2026-02-30", "no such date"),
        (
            "daily except 2026-12-24 and 2026-02-30",
            "2026-02-30",
            "no such date",
        ),
        ("daily except 31 april", "31 april", "no such date"),
        (
            "daily except january through december",
            "daily except january through december",
            "not allowed",
        ),
        ("first day of every week", "week", "month, quarter and year"),
        ("15th of every quarter", "every quarter", "name the months"),
        ("at 9am", "at 9am", "on which days"),
        ("in june at 9am", "at 9am", "on which days"),
        ("in june", "in june", "on which days"),
        ("except sundays", "", "when it runs"),
        ("between 9:00 and 17:00", "between 9:00 and 17:00", "how often"),
        (
            "every 90 minutes on weekdays",
            "every 90 minutes",
            "nothing to count from",
        ),
        ("every 90 minutes at 9am", "at 9am", "already says how often"),
        ("hourly at 9am", "at 9am", "already says how often"),
        ("every day every day at 9am", "every day", "twice"),
        ("daily at 9am at 10am", "at 10am", "twice"),
        ("twice a day", "twice a day", "at which times"),
        ("twice a day at 6", "twice a day", "names 1 times"),
        ("twice a week on monday", "week", "understood is day"),
        (
            "every month on mondays at 9am",
            "on mondays",
            "not days of a month",
        ),
        ("every sunday except sundays", "sundays", "no day is left"),
        (
            "every 15 minutes between 22:00 and 6:00 on weekdays",
            "between 22:00 and 6:00",
            "over midnight",
        ),
        (
            "every 3 hours between 9:00 and 10:00",
            "every 3 hours",
            "longer than",
        ),
        (
            "every 45 seconds between 9:00 and 10:00",
            "every 45 seconds",
            "does not divide",
        ),
        ("every 999999 hours", "every 999999 hours", "not allowed"),
        ("31st of february", "31st of february", "not allowed"),
        ("daily,", "", "understood are every"),
        ("täglich um 9", "täglich", "understood are every"),
    ] {
        let refused = match english::parse(text, Zone::UTC) {
            Ok(specification) => panic!("{text} was read as {specification}"),
            Err(refused) => refused,
        };
        let pointed = &text[refused.at.clone()];
        // Of a repeated phrase, the second one is pointed at.
        assert_eq!(pointed.to_lowercase(), wrong, "{text}: {refused}");
        assert!(refused.to_string().contains(reason), "{text}: {refused}");
    }
}

const WORDS: &[&str] = &[
    "every",
    "each",
    "at",
    "on",
    "in",
    "of",
    "the",
    "month",
    "weekday",
    "weekend",
    "monday",
    "tue",
    "15",
    "2",
    "9am",
    "17:00",
    "minutes",
    "hours",
    "seconds",
    "day",
    "daily",
    "hourly",
    "between",
    "from",
    "to",
    "and",
    ",",
    "first",
    "last",
    "3rd",
    "january",
    "may",
    "except",
    "twice",
    "a",
    "noon",
    "quarter",
    "second",
    "other",
    "-",
    "2026-12-24",
    "year",
    "times",
    "monthly",
    "through",
];

proptest! {
    #![proptest_config(crate::cases(3000))]

    #[test]
    fn no_sentence_makes_the_parser_panic_or_accept_what_is_not_a_specification(
        text in ".{0,40}", words in prop::collection::vec(prop::sample::select(WORDS), 0..10),
    ) {
        for text in [text, words.join(" ")] {
            match english::parse(&text, Zone::UTC) {
                Ok(specification) => {
                    let printed = specification.to_string();
                    prop_assert_eq!(Specification::parse(&printed, Zone::UTC).unwrap(), specification, "{}", text);
                }
                Err(refused) => {
                    prop_assert!(text.get(refused.at.clone()).is_some(), "{text}");
                    prop_assert!(!refused.to_string().is_empty());
                }
            }
        }
    }

    #[test]
    fn no_sentence_with_an_unknown_word_is_accepted(
        mut words in prop::collection::vec(prop::sample::select(WORDS), 1..8),
        place in 0..8usize,
        sentence in prop::sample::select(&[
            "every weekday at 9am", "every 15 minutes between 9:00 and 17:00", "daily at noon except sundays",
            "first monday of every month at 8:00",
        ]),
        unknown in "[a-z]{2,8}x",
    ) {
        words.insert(place.min(words.len()), &unknown);
        prop_assert!(english::parse(&words.join(" "), Zone::UTC).is_err());
        let mut known: Vec<&str> = sentence.split(' ').collect();
        known.insert(place.min(known.len()), &unknown);
        prop_assert!(english::parse(&known.join(" "), Zone::UTC).is_err(), "{}", known.join(" "));
    }
}
