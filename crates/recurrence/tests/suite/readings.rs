//! What a person may write: either form, and the better one's error.

use std::error::Error;

use proptest::prelude::*;
use ratchet_recurrence::{ReadError, Specification, Zone, english};

fn refused(text: &str) -> ReadError {
    match Specification::read(text, Zone::UTC) {
        Ok(specification) => panic!("{text} was read as {specification}"),
        Err(refused) => refused,
    }
}

/// The error and its causes, as they are printed.
fn told(error: &ReadError) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}

#[test]
fn both_forms_are_read_and_the_canonical_text_is_what_is_left_of_them() {
    for (text, canonical) in [
        ("@daily", "0 0 * * *"),
        ("every 90m", "every 1h30m"),
        ("every 90 minutes", "every 1h30m"),
        ("  every weekday at 9am ", "0 9 * * 1-5"),
        ("15th of every month at 8:00", "0 8 15 * *"),
        ("2 times a day at 6 and 18", "0 6,18 * * *"),
        ("1 january at noon", "0 12 1 1 *"),
        ("9 * * * *; except 2026-12-24", "9 * * * *; except 2026-12-24"),
    ] {
        let specification =
            Specification::read(text, Zone::UTC).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(specification.to_string(), canonical, "{text}");
        assert_eq!(Specification::parse(canonical, Zone::UTC), Ok(specification));
    }
}

#[test]
fn what_begins_like_the_canonical_form_gets_its_error() {
    for (text, wrong, rule) in [
        ("", "", "nothing says when it runs"),
        (
            "every 0s",
            "0s",
            "every (bytes 6-8): \"0s\" is not allowed; allowed is 1s to 3650d in whole seconds",
        ),
        ("every -5m", "-5m", "allowed is 1s to 3650d"),
        ("every -5 minutes", "-5", "allowed is 1s to 3650d"),
        ("every 1.5 hours", "1.5", "1h30m"),
        ("every 500ms", "500ms", "whole seconds"),
        ("every 15min", "15min", "15m"),
        ("every 1w", "1w", "2d"),
        ("every 4000d", "4000d", "3650d"),
        ("every 5m from noon", "noon", "2026-03-01T09:00:00Z"),
        ("every 5m at noon", "at noon", "from and an instant"),
        (
            "at 2026-02-30T09:00:00Z",
            "2026-02-30",
            "at (bytes 3-13): there is no such date",
        ),
        ("at 2026-03-01", "2026-03-01", "2026-03-01T09:00:00Z"),
        ("starting 2026-01-01T00:00:00Z", "", "nothing says when it runs"),
        ("gap skip", "", "nothing says when it runs"),
        ("0 9 * * *; gap jump", "jump", "run_after and skip"),
        ("every weekday at 9am; gap skip", "weekday", "every (bytes 6-13)"),
    ] {
        let error = refused(text);
        assert!(matches!(error, ReadError::Canonical(_)), "{text}: {error:?}");
        assert_eq!(&text[error.at().unwrap_or(0..0)], wrong, "{text}: {error}");
        assert!(told(&error).contains(rule), "{text}: {}", told(&error));
    }
}

#[test]
fn one_expression_is_told_by_its_field_alone() {
    for (text, told_as) in [
        ("0 25 * * *", "hour: \"25\""),
        ("0 9am * * *", "hour: \"9am\""),
        ("mon-fri * * * *", "minute: \"mon\""),
        (
            "0 0 30 2 *",
            "the expression never fires: no date has day-of-month \"30\"",
        ),
        ("1 2 3", "3 fields"),
        ("@reboot", "\"@reboot\" is not supported"),
    ] {
        let error = refused(text);
        assert!(matches!(error, ReadError::Cron(_)), "{text}: {error:?}");
        assert!(told(&error).starts_with(told_as), "{text}: {}", told(&error));
    }
    // Where there are several parts, the one at fault is named.
    let error = refused("0 9 * * *; 0 25 * * *");
    assert!(matches!(error, ReadError::Canonical(_)), "{error:?}");
    assert!(
        told(&error).starts_with("cron (bytes 13-15): the expression is not allowed: hour: \"25\""),
        "{}",
        told(&error)
    );
}

#[test]
fn what_begins_like_a_sentence_is_told_by_its_word() {
    for (text, wrong, rule) in [
        ("every weekday at nine", "nine", "time of the day"),
        ("every", "", "understood after \"every\""),
        ("every 0 minutes", "0", "at least 1"),
        ("every 15 fortnights", "fortnights", "seconds, minutes and hours"),
        ("every 9am", "9am", "understood after \"every\""),
        ("every 2nd of", "", "month"),
        ("at 9am", "at 9am", "on which days"),
        ("at tomorrow", "tomorrow", "time of the day"),
        ("15th of every month at nine", "nine", "time of the day"),
        ("1 january at nine", "nine", "time of the day"),
        ("2 times a day at nine", "nine", "time of the day"),
        ("9am every day", "9am", "understood are every"),
        ("9:00 daily", "9:00", "understood are every"),
        ("on 30 february", "30 february", "no such date"),
        ("except sundays", "", "when it runs"),
        ("every 999999 hours", "every 999999 hours", "3650d"),
        ("31st of february", "31st of february", "never fires"),
        ("täglich um 9", "täglich", "understood are every"),
    ] {
        let error = refused(text);
        assert!(matches!(error, ReadError::English(_)), "{text}: {error:?}");
        assert_eq!(&text[error.at().unwrap()], wrong, "{text}: {error}");
        assert!(told(&error).contains(rule), "{text}: {}", told(&error));
    }
}

proptest! {
    #![proptest_config(crate::cases(2000))]

    #[test]
    fn no_text_has_two_meanings_and_none_makes_the_reader_panic(
        text in ".*",
        soup in "((every|at|except|on|first|monday|day|of|month|hours|from|;|,|-|\\*|9am|15th|5m|2026-01-01) ?|[0-9]{1,2} ){0,7}",
    ) {
        for text in [text, soup] {
            let canonical = Specification::parse(&text, Zone::UTC);
            let sentence = english::parse(&text, Zone::UTC);
            prop_assert!(canonical.is_err() || sentence.is_err(), "{text:?}");
            match Specification::read(&text, Zone::UTC) {
                Ok(read) => prop_assert!(canonical.as_ref() == Ok(&read) || sentence.as_ref() == Ok(&read)),
                Err(error) => {
                    prop_assert!(canonical.is_err() && sentence.is_err());
                    prop_assert!(error.at().is_none_or(|at| text.get(at).is_some()));
                    prop_assert!(!told(&error).is_empty());
                }
            }
        }
    }
}
