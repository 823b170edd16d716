//! Parts that are right by themselves and leave nothing together.

use proptest::prelude::*;
use ratchet_recurrence::{EndReason, Part, Reason, Specification};

use crate::expressions::any_fields;
use crate::refusals::refused;
use crate::zone;

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
    assert_eq!(
        refused("0 9 * * *; starting 2026-02-01T00:00:00Z; ending 2026-01-01T00:00:00Z").to_string(),
        "ending: the end 2026-01-01T00:00:00Z is not later than the start 2026-02-01T00:00:00Z; the end must be later"
    );
}

#[test]
fn what_leaves_no_tick_is_refused_by_the_part_that_takes_the_last_one() {
    let searched = "every tick until";
    let excluded = "every remaining tick is excluded";
    for (text, part, wrong, words) in [
        (
            "0 12 * * *; except cron 0 12 * * *",
            Part::Except,
            "cron 0 12 * * *",
            searched,
        ),
        (
            "* * * * * *; except cron * * * * *",
            Part::Except,
            "cron * * * * *",
            searched,
        ),
        (
            "0 12 * * *; except mon 00:00-fri 00:00, fri 00:00-mon 00:00",
            Part::Except,
            "mon 00:00-fri 00:00, fri 00:00-mon 00:00",
            searched,
        ),
        (
            "0 12 * * sat; except fri 18:00-mon 06:00",
            Part::Except,
            "fri 18:00-mon 06:00",
            searched,
        ),
        (
            "at 2026-12-24T12:00:00Z; except 2026-12-24",
            Part::Except,
            "2026-12-24",
            excluded,
        ),
        (
            "0 12 * * *; except 1970-01-01..9999-12-31",
            Part::Except,
            "1970-01-01..9999-12-31",
            excluded,
        ),
        (
            "0 9 1 1 *; starting 2026-01-02T00:00:00Z; ending 2026-12-31T00:00:00Z",
            Part::Ending,
            "2026-12-31T00:00:00Z",
            "before its end",
        ),
        (
            "every 1h from 2027-01-01T00:00:00Z; ending 2026-01-01T00:00:00Z",
            Part::Ending,
            "2026-01-01T00:00:00Z",
            "before its end",
        ),
        (
            "at 2026-01-01T00:00:00Z; ending 2026-01-01T00:00:00Z",
            Part::Ending,
            "2026-01-01T00:00:00Z",
            "before its end",
        ),
        (
            "at 2026-01-01T00:00:00Z; starting 2026-01-02T00:00:00Z",
            Part::Starting,
            "2026-01-02T00:00:00Z",
            "its only instant is past",
        ),
        (
            "0 0 9 1 1 * 2020; starting 2026-01-01T00:00:00Z",
            Part::Starting,
            "2026-01-01T00:00:00Z",
            "no later date",
        ),
    ] {
        let error = refused(text);
        assert_eq!(error.part, part, "{text}: {error}");
        assert!(
            matches!(&error.reason, Reason::NothingLeft { text, .. } if text == wrong),
            "{text}: {error:?}"
        );
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("{part}: {wrong:?} is not allowed here")),
            "{message}"
        );
        assert!(
            message.contains(words) && message.ends_with("at least one tick must be left"),
            "{message}"
        );
    }
    // The only such night of this expression has no such hour.
    let gap = Specification::parse("0 30 2 29 3 * 2026; gap skip", zone("Europe/Berlin")).unwrap_err();
    let end = EndReason::CalendarPast;
    assert_eq!(
        (gap.part, gap.reason),
        (
            Part::Gap,
            Reason::NothingLeft {
                text: "skip".to_owned(),
                end
            }
        )
    );
    // 1970 began there before it did in UTC, where time begins.
    let early = Specification::parse("0 0 0 1 1 * 1970", zone("Asia/Tokyo")).unwrap_err();
    assert_eq!(
        (early.part, early.reason),
        (
            Part::Whole,
            Reason::NothingLeft {
                text: String::new(),
                end
            }
        )
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
