//! Random expressions, each with an independent reading of what it means.
//!
//! Nothing here calls the crate: a generated expression carries the rules it was made from, and answers by
//! looking at one local time, one rule after the other.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, Timelike, Weekday};
use proptest::prelude::*;
use proptest::strategy::Union;

#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Values(Vec<u32>),
    LastDay(u32),
    LastWeekday,
    NearestWeekday(u32),
    LastOf(u32),
    Nth(u32, u32),
}

#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) text: String,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) second: Option<Field>,
    pub(crate) minute: Field,
    pub(crate) hour: Field,
    pub(crate) day_of_month: Field,
    pub(crate) month: Field,
    pub(crate) day_of_week: Field,
    pub(crate) year: Option<Field>,
}

impl fmt::Debug for Field {
    /// A failing case is read by its text; the rules would fill pages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Field {
    pub(crate) fn has_star(&self) -> bool {
        self.text.starts_with('*') || self.text.starts_with('?')
    }

    fn holds(&self, value: u32) -> bool {
        self.rules
            .iter()
            .any(|rule| matches!(rule, Rule::Values(values) if values.contains(&value)))
    }

    fn holds_date(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().num_days_from_sunday();
        self.rules.iter().any(|rule| match rule {
            Rule::Values(values) => values.contains(&date.day()),
            Rule::LastDay(before) => date + Days::new(u64::from(*before)) == last_of_month(date),
            Rule::LastWeekday => is_working(date) && all_after(date).all(|later| !is_working(later)),
            Rule::NearestWeekday(day) => nearest_weekday(date, *day) == Some(date),
            Rule::LastOf(day) => {
                weekday == *day && all_after(date).all(|later| later.weekday() != date.weekday())
            }
            Rule::Nth(day, nth) => {
                let count = (1..=date.day())
                    .filter(|&earlier| date.with_day(earlier).unwrap().weekday() == date.weekday())
                    .count();
                weekday == *day && count == *nth as usize
            }
        })
    }

    fn holds_weekday(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().num_days_from_sunday();
        self.rules.iter().any(|rule| match rule {
            Rule::Values(values) => values.iter().any(|value| value % 7 == weekday),
            other => Field {
                text: String::new(),
                rules: vec![other.clone()],
            }
            .holds_date(date),
        })
    }
}

impl Expression {
    pub(crate) fn text(&self) -> String {
        let fields = [
            &self.minute,
            &self.hour,
            &self.day_of_month,
            &self.month,
            &self.day_of_week,
        ];
        self.second
            .iter()
            .chain(fields)
            .chain(&self.year)
            .map(|field| field.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Whether Debian's cron lets this one follow real time.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.minute.has_star() || self.hour.has_star()
    }

    pub(crate) fn matches(&self, local: NaiveDateTime) -> bool {
        self.second
            .as_ref()
            .map_or(local.second() == 0, |second| second.holds(local.second()))
            && self.minute.holds(local.minute())
            && self.hour.holds(local.hour())
            && self.month.holds(local.month())
            && self
                .year
                .as_ref()
                .is_none_or(|year| year.text == "*" || year.holds(local.year() as u32))
            && self.matches_day(local.date())
    }

    fn matches_day(&self, date: NaiveDate) -> bool {
        let (by_date, by_weekday) = (
            self.day_of_month.holds_date(date),
            self.day_of_week.holds_weekday(date),
        );
        if self.day_of_month.has_star() || self.day_of_week.has_star() {
            by_date && by_weekday
        } else {
            by_date || by_weekday
        }
    }
}

fn last_of_month(date: NaiveDate) -> NaiveDate {
    all_after(date).last().unwrap_or(date)
}

/// The later days of the same month.
fn all_after(date: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    date.iter_days()
        .skip(1)
        .take_while(move |later| later.month() == date.month())
}

fn is_working(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn nearest_weekday(date: NaiveDate, day: u32) -> Option<NaiveDate> {
    let wanted = date.with_day(day)?;
    // A day's distance to the nearest working day is at most two, and on a tie of one the 1-day neighbours
    // differ in being a weekend, so the first hit in this order is the nearest.
    [0i64, -1, 1, -2, 2]
        .into_iter()
        .map(|distance| wanted + chrono::Duration::days(distance))
        .find(|near| near.month() == wanted.month() && is_working(*near))
}

/// Expressions of five fields, as people write them: mostly stars in the date.
pub(crate) fn five_fields() -> impl Strategy<Value = Expression> {
    (minute_or_second(), hour(), day_of_month(), month(), day_of_week()).prop_map(
        |(minute, hour, day_of_month, month, day_of_week)| Expression {
            second: None,
            minute,
            hour,
            day_of_month,
            month,
            day_of_week,
            year: None,
        },
    )
}

/// Expressions of five, six and seven fields.
pub(crate) fn any_fields() -> impl Strategy<Value = Expression> {
    (
        five_fields(),
        0..3u8,
        minute_or_second(),
        plain(2020..=2080, &[], 3),
    )
        .prop_map(|(mut expression, extra, second, year)| {
            if extra > 0 {
                expression.second = Some(second);
            }
            if extra > 1 {
                // Starred steps count from 1970, which the short range above does not know.
                let starts_at_1970 = year.text.contains("*/");
                expression.year = Some(if starts_at_1970 { star(1970..=2099) } else { year });
            }
            expression
        })
}

fn minute_or_second() -> impl Strategy<Value = Field> {
    plain(0..=59, &[], 4)
}

fn hour() -> impl Strategy<Value = Field> {
    // The hours in which clocks change deserve more than their share.
    prop_oneof![3 => plain(0..=23, &[], 4), 2 => plain(0..=4, &[], 0)]
}

fn month() -> impl Strategy<Value = Field> {
    const NAMES: &[&str] = &[
        "jan", "FEB", "mar", "apr", "May", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    prop_oneof![3 => Just(star(1..=12)), 1 => plain(1..=12, NAMES, 2)]
}

fn day_of_month() -> impl Strategy<Value = Field> {
    let special = prop_oneof![
        Just(("L".to_owned(), Rule::LastDay(0))),
        (1..=10u32).prop_map(|n| (format!("l-{n}"), Rule::LastDay(n))),
        Just(("LW".to_owned(), Rule::LastWeekday)),
        (1..=31u32).prop_map(|n| (format!("{n}W"), Rule::NearestWeekday(n))),
    ];
    prop_oneof![
        5 => Just(star(1..=31)),
        1 => Just(Field { text: "?".to_owned(), ..star(1..=31) }),
        2 => plain(1..=31, &[], 2),
        2 => with_special(plain(1..=31, &[], 1), special),
    ]
}

fn day_of_week() -> impl Strategy<Value = Field> {
    const NAMES: &[&str] = &["sun", "Mon", "tue", "wed", "thu", "FRI", "sat"];
    let special = prop_oneof![
        (0..=7u32).prop_map(|d| (format!("{d}L"), Rule::LastOf(d % 7))),
        Just(("friL".to_owned(), Rule::LastOf(5))),
        (0..=7u32, 1..=5u32).prop_map(|(d, k)| (format!("{d}#{k}"), Rule::Nth(d % 7, k))),
        (1..=5u32).prop_map(|k| (format!("mon#{k}"), Rule::Nth(1, k))),
    ];
    prop_oneof![
        5 => Just(star(0..=6)),
        1 => Just(Field { text: "?".to_owned(), ..star(0..=6) }),
        1 => Just(Field { text: "5-7".to_owned(), rules: vec![Rule::Values(vec![5, 6, 0])] }),
        1 => Just(Field { text: "sat-sun".to_owned(), rules: vec![Rule::Values(vec![6, 0])] }),
        2 => plain(0..=6, NAMES, 2),
        2 => with_special(plain(0..=6, NAMES, 1), special),
    ]
}

fn star(range: RangeInclusive<u32>) -> Field {
    Field {
        text: "*".to_owned(),
        rules: vec![Rule::Values(range.collect())],
    }
}

/// A special day alone, or before or after plain ones.
fn with_special(
    plain: impl Strategy<Value = Field>,
    special: impl Strategy<Value = (String, Rule)>,
) -> impl Strategy<Value = Field> {
    (plain, special, 0..3u8).prop_map(|(mut field, (text, rule), place)| {
        match place {
            0 => {
                return Field {
                    text,
                    rules: vec![rule],
                };
            }
            1 => field.text = format!("{},{text}", field.text),
            _ => field.text = format!("{text},{}", field.text),
        }
        field.rules.push(rule);
        field
    })
}

/// Values, ranges, steps and lists of them; `stars` weighs the star and its steps.
fn plain(
    range: RangeInclusive<u32>,
    names: &'static [&'static str],
    stars: u32,
) -> impl Strategy<Value = Field> {
    let (low, high) = (*range.start(), *range.end());
    let size = high - low + 1;
    let named = move |value: u32, by_name: bool| match names.get((value - low) as usize) {
        Some(name) if by_name => (*name).to_owned(),
        _ => value.to_string(),
    };
    let value =
        (low..=high, any::<bool>()).prop_map(move |(value, by_name)| (named(value, by_name), vec![value]));
    let span = (low..=high, low..=high, any::<bool>()).prop_map(move |(a, b, by_name)| {
        let (first, last) = (a.min(b), a.max(b));
        (
            format!("{}-{}", named(first, by_name), named(last, by_name)),
            (first..=last).collect(),
        )
    });
    let stepped = (low..=high, low..=high, 1..=size).prop_map(|(a, b, step)| {
        let (first, last) = (a.min(b), a.max(b));
        (
            format!("{first}-{last}/{step}"),
            (first..=last).step_by(step as usize).collect::<Vec<_>>(),
        )
    });
    let item = prop_oneof![4 => value, 2 => span, 1 => stepped].boxed();
    let listed = prop::collection::vec(item, 1..4).prop_map(|items| {
        let (texts, values): (Vec<String>, Vec<Vec<u32>>) = items.into_iter().unzip();
        Field {
            text: texts.join(","),
            rules: vec![Rule::Values(values.concat())],
        }
    });
    let star_step = (1..=size.min(31), prop::option::of(low..=high)).prop_map(move |(step, more)| {
        let mut values: Vec<u32> = (low..=high).step_by(step as usize).collect();
        let mut text = format!("*/{step}");
        if let Some(more) = more {
            text.push_str(&format!(",{more}"));
            values.push(more);
        }
        Field {
            text,
            rules: vec![Rule::Values(values)],
        }
    });
    let whole = star(range);
    let mut choices = vec![(4, listed.boxed())];
    if stars > 0 {
        choices.push((stars, Just(whole).boxed()));
        choices.push((stars, star_step.boxed()));
    }
    Union::new_weighted(choices)
}
