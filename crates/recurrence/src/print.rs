//! The canonical expression of a pattern: a field that began with a star still does, and no other does.

use std::fmt::{self, Write};

use crate::field::Field;
use crate::pattern::{Pattern, Rare, SIXTY};

/// Writes the shortest of the three forms that holds the pattern: five fields, six or seven.
pub(crate) fn print(pattern: &Pattern, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    print_unless(1, pattern, f)
}

/// The same for an exclusion, which with five fields excludes whole minutes.
pub(crate) fn print_exclusion(pattern: &Pattern, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    print_unless(SIXTY, pattern, f)
}

fn print_unless(understood: u64, pattern: &Pattern, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let years = pattern.rare.as_ref().filter(|rare| !rare.years.is_every());
    if years.is_some() || pattern.seconds != understood {
        write!(f, "{} ", free(Field::Second, pattern.seconds))?;
    }
    let minute = starred(Field::Minute, pattern.minutes, pattern.stars.minute);
    let hour = starred(Field::Hour, pattern.hours.into(), pattern.stars.hour);
    let month = free(Field::Month, pattern.months.into());
    write!(
        f,
        "{minute} {hour} {} {month} {}",
        day_of_month(pattern),
        day_of_week(pattern)
    )?;
    if let Some(rare) = years {
        write!(f, " {}", list(&rare.years.values().collect::<Vec<_>>()))?;
    }
    Ok(())
}

/// The members of a bit set in ascending order.
pub(crate) fn members(bits: u64) -> Vec<u16> {
    (0..64).filter(|bit| bits >> bit & 1 == 1).collect()
}

fn day_of_month(pattern: &Pattern) -> String {
    let mut text = starred(
        Field::DayOfMonth,
        pattern.days_of_month.into(),
        pattern.stars.day_of_month,
    );
    if let Some(rare) = &pattern.rare {
        let Rare {
            last_days,
            nearest_weekdays,
            last_weekday,
            years: _,
            last_of: _,
            nth: _,
        } = rare.as_ref();
        for before in members(u64::from(*last_days)) {
            append(
                &mut text,
                if before == 0 {
                    "L".to_owned()
                } else {
                    format!("L-{before}")
                },
            );
        }
        if *last_weekday {
            append(&mut text, "LW".to_owned());
        }
        for day in members(u64::from(*nearest_weekdays)) {
            append(&mut text, format!("{day}W"));
        }
    }
    text
}

fn day_of_week(pattern: &Pattern) -> String {
    let mut text = starred(
        Field::DayOfWeek,
        pattern.days_of_week.into(),
        pattern.stars.day_of_week,
    );
    if let Some(rare) = &pattern.rare {
        for (nth, &days) in (1..).zip(&rare.nth) {
            for day in members(days.into()) {
                append(&mut text, format!("{day}#{nth}"));
            }
        }
        for day in members(rare.last_of.into()) {
            append(&mut text, format!("{day}L"));
        }
    }
    text
}

fn append(text: &mut String, item: String) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(&item);
}

/// A field whose star means nothing beyond its values: a star wherever one alone says it shorter.
fn free(field: Field, bits: u64) -> String {
    let even = (1..field.size()).any(|step| stepped(field, step) == bits);
    starred(field, bits, even)
}

fn starred(field: Field, bits: u64, star: bool) -> String {
    if !star {
        return list(&members(bits));
    }
    // A star was written, so some `*/n` is within the set; `*/size` holds the first value alone.
    let (step, covered) = (1..=field.size())
        .map(|step| (step, stepped(field, step)))
        .find(|(_, covered)| covered & bits == *covered)
        .unwrap_or((field.size(), 1 << field.span().0));
    let mut text = "*".to_owned();
    if step > 1 {
        let _ = write!(text, "/{step}");
    }
    let rest = list(&members(bits & !covered));
    if !rest.is_empty() {
        append(&mut text, rest);
    }
    text
}

fn stepped(field: Field, step: u16) -> u64 {
    let (first, last) = field.span();
    (first..=last)
        .step_by(step.into())
        .fold(0, |bits, value| bits | 1 << value)
}

/// Values without a star: one stepped range where that is all of them, else runs and single values.
fn list(values: &[u16]) -> String {
    if let [first, second, .., last] = values {
        let step = second - first;
        if step > 1 && values.windows(2).all(|pair| pair[1] - pair[0] == step) {
            return format!("{first}-{last}/{step}");
        }
    }
    let mut text = String::new();
    for run in runs(values) {
        match run {
            [first, _, .., last] if run.len() > 2 => append(&mut text, format!("{first}-{last}")),
            _ => run.iter().for_each(|value| append(&mut text, value.to_string())),
        }
    }
    text
}

/// Cuts ascending values into stretches without a hole.
pub(crate) fn runs(values: &[u16]) -> impl Iterator<Item = &[u16]> {
    values.chunk_by(|a, b| a + 1 == *b)
}
