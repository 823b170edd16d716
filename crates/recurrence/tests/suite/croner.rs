//! Differential test against croner 4, in UTC, where no rule about clock changes interferes.
//!
//! Where the dialects differ, the test gives croner its nearest setting or leaves the expression out:
//! - croner calls a day field wild only if it is exactly `*`, so a stepped star has to be told to narrow the
//!   other field (`dom_and_dow`);
//! - it takes no star inside a list (`*/5,7` it takes, `*,7` not) and no `L-n`;
//! - it reads `L` and `LW` in one field as `LW` alone;
//! - it reads a name and a number differently at the end of a range: `sun-sun` is the whole week.

use chrono::Datelike;
use croner::parser::{CronParser, Seconds, Year};
use proptest::prelude::*;
use ratchet_recurrence::Zone;

use crate::at;
use crate::expressions::{Expression, any_fields};
use crate::oracle::parsed;

fn is_shared(expression: &Expression) -> bool {
    let fields = [
        &expression.day_of_month,
        &expression.day_of_week,
        &expression.month,
    ];
    let star_in_list = fields
        .iter()
        .any(|field| field.text.contains(',') && field.text.split(',').any(|item| item == "*"));
    let last = expression
        .day_of_month
        .text
        .split(',')
        .filter(|item| matches!(*item, "L" | "LW"))
        .count();
    !star_in_list
        && last < 2
        && !expression.day_of_month.text.contains("l-")
        && !expression.day_of_week.text.contains("-sun")
}

proptest! {
    #![proptest_config(crate::cases(2000))]

    #[test]
    fn ticks_in_utc_are_those_of_croner(
        expression in any_fields().prop_filter("read by both", is_shared),
        start in 1_700_000_000..2_500_000_000i64,
    ) {
        let text = expression.text();
        let Some(ours) = parsed(&expression, Zone::UTC) else { return Ok(()) };
        let either_star = expression.day_of_month.has_star() || expression.day_of_week.has_star();
        let theirs = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Optional)
            .dom_and_dow(either_star)
            .build()
            .parse(&text);
        let theirs = theirs.map_err(|refused| TestCaseError::fail(format!("croner on {text}: {refused}")))?;
        let mut now = chrono::DateTime::from_timestamp(start, 0).unwrap();
        for _ in 0..5 {
            let next = ours.next_after(now);
            // croner searches on for thousands of years; what is far away is not worth its time.
            if next.is_none_or(|next| next.year() > 2200) {
                break;
            }
            let theirs = theirs.find_next_occurrence(&now, false).ok();
            prop_assert_eq!(next, theirs, "{} after {}", &text, now);
            now = next.unwrap_or(at("2200-01-01T00:00:00Z"));
        }
    }
}
