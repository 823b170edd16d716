//! From the text of an expression to a [`Pattern`].

use crate::error::CronError;
use crate::field::Field;
use crate::item::{Item, clipped, items, starts_with_star};
use crate::pattern::{Pattern, Rare, SIXTY, Stars};

const EXPANSIONS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Reads an expression of five, six or seven fields, or a macro.
pub(crate) fn parse(expression: &str) -> Result<Pattern, CronError> {
    let expression = expression.trim();
    if expression.is_empty() {
        return Err(CronError::Empty);
    }
    if expression.starts_with('@') {
        return fields(expand(expression)?);
    }
    fields(expression)
}

/// Reads an exclusion: without a second field it holds for every second of its minutes.
pub(crate) fn parse_exclusion(expression: &str) -> Result<Pattern, CronError> {
    let mut pattern = parse(expression)?;
    if expression.split_whitespace().count() <= 5 {
        pattern.seconds = SIXTY;
    }
    Ok(pattern)
}

fn expand(word: &str) -> Result<&'static str, CronError> {
    if word.eq_ignore_ascii_case("@reboot") {
        return Err(CronError::Reboot);
    }
    EXPANSIONS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|(_, expansion)| *expansion)
        .ok_or_else(|| CronError::UnknownMacro { text: clipped(word) })
}

fn fields(expression: &str) -> Result<Pattern, CronError> {
    let mut texts = [""; 7];
    let mut found = 0;
    for text in expression.split_whitespace() {
        if let Some(slot) = texts.get_mut(found) {
            *slot = text;
        }
        found += 1;
    }
    let [second, minute, hour, day_of_month, month, day_of_week, year] = match (found, texts) {
        (5, [a, b, c, d, e, ..]) => ["0", a, b, c, d, e, "*"],
        (6, [a, b, c, d, e, f, _]) => [a, b, c, d, e, f, "*"],
        (7, all) => all,
        _ => return Err(CronError::FieldCount { found }),
    };

    let mut rare = Rare::default();
    let seconds = values(Field::Second, second, &mut rare)?;
    let minutes = values(Field::Minute, minute, &mut rare)?;
    let hours = values(Field::Hour, hour, &mut rare)?;
    let days_of_month = values(Field::DayOfMonth, day_of_month, &mut rare)?;
    let months = values(Field::Month, month, &mut rare)?;
    let days_of_week = values(Field::DayOfWeek, day_of_week, &mut rare)?;
    values(Field::Year, year, &mut rare)?;
    if starts_with_star(year) && rare.years.is_full() {
        rare.years.clear();
    }

    let pattern = Pattern {
        seconds,
        minutes,
        hours: hours as u32,
        days_of_month: days_of_month as u32,
        months: months as u16,
        // Bit 7 is Sunday once more.
        days_of_week: (days_of_week as u8 & 0x7f) | (days_of_week >> 7) as u8,
        stars: Stars {
            minute: starts_with_star(minute),
            hour: starts_with_star(hour),
            day_of_month: starts_with_star(day_of_month),
            day_of_week: starts_with_star(day_of_week),
        },
        rare: if rare == Rare::default() {
            None
        } else {
            Some(Box::new(rare))
        },
    };
    if pattern.ever_matches() {
        Ok(pattern)
    } else {
        Err(CronError::NeverFires {
            day_of_month: clipped(day_of_month),
            month: clipped(month),
            day_of_week: clipped(day_of_week),
            year: (found == 7).then(|| clipped(year)),
        })
    }
}

/// The plain values of a field as bits; whatever else its list holds goes to `rare`.
fn values(field: Field, text: &str, rare: &mut Rare) -> Result<u64, CronError> {
    let mut bits = 0u64;
    for item in items(field, text) {
        match item? {
            Item::Span { first, last, step } => {
                for value in (first..=last).step_by(step.into()) {
                    if field == Field::Year {
                        rare.years.insert(value);
                    } else {
                        bits |= 1 << value;
                    }
                }
            }
            Item::LastDay(before) => rare.last_days |= 1 << before,
            Item::LastWeekday => rare.last_weekday = true,
            Item::NearestWeekday(day) => rare.nearest_weekdays |= 1 << day,
            Item::LastOf(day) => rare.last_of |= 1 << day,
            Item::Nth(day, nth) => rare.nth[usize::from(nth) - 1] |= 1 << day,
        }
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::MACROS;

    #[test]
    fn every_macro_that_the_message_lists_is_read_and_no_other() {
        let listed: Vec<&str> = MACROS
            .split([',', ' '])
            .filter(|word| word.starts_with('@'))
            .collect();
        let read: Vec<&str> = EXPANSIONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(listed, read);
    }
}
