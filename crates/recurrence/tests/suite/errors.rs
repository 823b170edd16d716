//! Every bad input, and what is said about it.

use ratchet_recurrence::{CronError, Field, Recurrence, Zone};

fn refused(expression: &str) -> CronError {
    match Recurrence::cron(expression, Zone::UTC) {
        Ok(recurrence) => panic!("{expression} was read as {recurrence}"),
        Err(refused) => refused,
    }
}

#[test]
fn a_bad_field_is_named_with_the_offending_text_and_what_is_allowed() {
    use Field::{DayOfMonth, DayOfWeek, Hour, Minute, Month, Second, Year};
    let table = [
        ("60 * * * *", Minute, "60"),
        ("-1 * * * *", Minute, "-1"),
        ("+1 * * * *", Minute, "+1"),
        ("1.5 * * * *", Minute, "1.5"),
        ("x * * * *", Minute, "x"),
        ("? * * * *", Minute, "?"),
        ("L * * * *", Minute, "L"),
        ("1,61,x * * * *", Minute, "61"),
        ("1,,2 * * * *", Minute, "1,,2"),
        (", * * * *", Minute, ","),
        ("1- * * * *", Minute, "1-"),
        ("1-2-3 * * * *", Minute, "2-3"),
        ("1-75 * * * *", Minute, "75"),
        ("*5 * * * *", Minute, "*5"),
        ("*-5 * * * *", Minute, "*"),
        ("/5 * * * *", Minute, "/5"),
        ("99999999999999999999 * * * *", Minute, "99999999999999999999"),
        ("٣ * * * *", Minute, "٣"),
        ("0 25 * * *", Hour, "25"),
        ("0 24 * * *", Hour, "24"),
        ("0 9am * * *", Hour, "9am"),
        ("0 mon * * *", Hour, "mon"),
        ("0 0 0 * *", DayOfMonth, "0"),
        ("0 0 32 * *", DayOfMonth, "32"),
        ("0 0 32W * *", DayOfMonth, "32"),
        ("0 0 W * *", DayOfMonth, "W"),
        ("0 0 WL * *", DayOfMonth, "WL"),
        ("0 0 L-0 * *", DayOfMonth, "L-0"),
        ("0 0 L-31 * *", DayOfMonth, "L-31"),
        ("0 0 L- * *", DayOfMonth, "L-"),
        ("0 0 1-5W * *", DayOfMonth, "1-5"),
        ("0 0 mon * *", DayOfMonth, "mon"),
        ("0 0 1 0 *", Month, "0"),
        ("0 0 1 13 *", Month, "13"),
        ("0 0 1 january *", Month, "january"),
        ("0 0 1 ? *", Month, "?"),
        ("0 0 * * 8", DayOfWeek, "8"),
        ("0 0 * * monday", DayOfWeek, "monday"),
        ("0 0 * * L", DayOfWeek, "L"),
        ("0 0 * * fooL", DayOfWeek, "foo"),
        ("0 0 * * mon#0", DayOfWeek, "mon#0"),
        ("0 0 * * mon#6", DayOfWeek, "mon#6"),
        ("0 0 * * mon#", DayOfWeek, "mon#"),
        ("0 0 * * #1", DayOfWeek, "#1"),
        ("0 0 * * mon-fri#1", DayOfWeek, "mon-fri"),
        ("0 0 * * 9#1", DayOfWeek, "9"),
        ("60 0 0 * * *", Second, "60"),
        ("0 0 0 1 1 * 1969", Year, "1969"),
        ("0 0 0 1 1 * 2100", Year, "2100"),
        ("0 0 0 1 1 * 26", Year, "26"),
    ];
    for (expression, field, text) in table {
        let refused = refused(expression);
        assert_eq!(
            refused,
            CronError::NotAllowed {
                field,
                text: text.to_owned()
            },
            "{expression}"
        );
        assert_eq!((refused.field(), refused.text()), (Some(field), Some(text)));
        let message = refused.to_string();
        assert!(message.starts_with(&field.to_string()), "{message}");
        assert!(message.contains(&format!("{text:?}")), "{message}");
        assert!(message.ends_with(field.allowed()), "{message}");
    }
}

#[test]
fn a_step_of_zero_or_longer_than_its_field_is_refused() {
    let table = [
        ("*/0 * * * *", Field::Minute, "0", "1-60"),
        ("*/90 * * * *", Field::Minute, "90", "1-60"),
        ("*/ * * * *", Field::Minute, "", "1-60"),
        ("*/x * * * *", Field::Minute, "x", "1-60"),
        ("1/2/3 * * * *", Field::Minute, "2/3", "1-60"),
        ("0 */25 * * *", Field::Hour, "25", "1-24"),
        ("0 0 */32 * *", Field::DayOfMonth, "32", "1-31"),
        ("0 0 1 */13 *", Field::Month, "13", "1-12"),
        ("0 0 * * */8", Field::DayOfWeek, "8", "1-7"),
    ];
    for (expression, field, text, allowed) in table {
        let refused = refused(expression);
        assert_eq!(
            refused,
            CronError::Step {
                field,
                text: text.to_owned()
            },
            "{expression}"
        );
        let message = refused.to_string();
        assert!(
            message.starts_with(&field.to_string()) && message.ends_with(allowed),
            "{message}"
        );
    }
}

#[test]
fn a_range_that_runs_backwards_is_refused_with_the_way_to_write_it() {
    let table = [
        ("0 22-4 * * *", Field::Hour, "22-4", "22-23,0-4"),
        ("50-10/5 * * * *", Field::Minute, "50-10", "50-59,0-10"),
        ("0 0 1 nov-feb *", Field::Month, "nov-feb", "11-12,1-2"),
        ("0 0 * * fri-mon", Field::DayOfWeek, "fri-mon", "5-6,0-1"),
    ];
    for (expression, named, text, instead) in table {
        let refused = refused(expression);
        assert!(
            matches!(&refused, CronError::Reversed { field, text: t, .. } if *field == named && t == text),
            "{refused:?}"
        );
        let message = refused.to_string();
        assert!(
            message.starts_with(&named.to_string()) && message.contains(instead),
            "{message}"
        );
    }
}

#[test]
fn sunday_may_stand_at_either_end_of_a_range() {
    let same = [
        ("0 0 * * fri-sun", "0 0 * * 5,6,0"),
        ("0 0 * * 5-0", "0 0 * * 5,6,0"),
        ("0 0 * * 7-2", "0 0 * * 0-2"),
        ("0 0 * * 0-7", "0 0 * * 0-6"),
        ("0 0 * * sun-sun", "0 0 * * 0"),
        ("0 0 * * 7-0", "0 0 * * 0"),
    ];
    for (one, other) in same {
        assert_eq!(
            Recurrence::cron(one, Zone::UTC),
            Recurrence::cron(other, Zone::UTC),
            "{one}"
        );
    }
}

#[test]
fn a_wrong_number_of_fields_is_counted_and_the_right_ones_are_named() {
    for (expression, found) in [("*", 1), ("* * * *", 4), ("* * * * * * * *", 8)] {
        let refused = refused(expression);
        assert_eq!(refused, CronError::FieldCount { found });
        assert!(
            refused
                .to_string()
                .contains("5 (minute hour day-of-month month day-of-week)")
        );
    }
}

#[test]
fn an_empty_expression_is_refused_as_such() {
    for expression in ["", "   ", "\t\n"] {
        assert_eq!(refused(expression), CronError::Empty);
    }
}

#[test]
fn an_unknown_macro_is_answered_with_the_known_ones() {
    let refused = refused("@fortnightly");
    assert_eq!(
        refused,
        CronError::UnknownMacro {
            text: "@fortnightly".to_owned()
        }
    );
    for known in [
        "@fortnightly",
        "@yearly",
        "@annually",
        "@monthly",
        "@weekly",
        "@daily",
        "@midnight",
        "@hourly",
    ] {
        assert!(refused.to_string().contains(known));
    }
}

#[test]
fn reboot_is_refused_because_it_is_not_a_time() {
    assert_eq!(refused("@Reboot"), CronError::Reboot);
    assert!(refused("@reboot").to_string().contains("not a time"));
}

#[test]
fn a_date_that_does_not_exist_is_refused_with_its_day_and_month() {
    let message = refused("0 0 30 2 *").to_string();
    assert!(message.contains("never fires"), "{message}");
    assert!(
        message.contains("day-of-month \"30\"") && message.contains("month \"2\""),
        "{message}"
    );
    for expression in [
        "0 0 31 2,4,6,9,11 *",
        "0 0 31W feb *",
        "0 0 L-29 2 *",
        "0 0 30 2 ?",
    ] {
        assert!(
            matches!(refused(expression), CronError::NeverFires { .. }),
            "{expression}"
        );
    }
    assert!(
        refused("0 0 0 29 2 ? 2023")
            .to_string()
            .contains("of year \"2023\"")
    );
}

#[test]
fn years_that_have_passed_parse_but_never_fire_again() {
    let past = Recurrence::cron("0 0 0 1 1 ? 2020-2023", Zone::UTC).unwrap();
    assert_eq!(past.next_after(crate::at("2023-01-01T00:00:00Z")), None);
    assert_eq!(
        past.next_after(crate::at("2022-12-31T23:59:59.999Z")),
        Some(crate::at("2023-01-01T00:00:00Z"))
    );
}

#[test]
fn a_document_pasted_into_a_field_does_not_come_back_whole() {
    let message = refused(&format!("{} * * * *", "ä".repeat(100_000))).to_string();
    assert!(message.len() < 400, "{}", message.len());
}
