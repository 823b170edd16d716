//! The grammar of one field: a list of items, each a span of values or one of the calendar's special days.

use crate::error::CronError;
use crate::field::Field;

/// One member of a field's comma-separated list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Every `step`-th value from `first` through `last`. In the day-of-week field `last` may be 7.
    Span { first: u16, last: u16, step: u16 },
    /// `L` (0) and `L-n`: so many days before the month's last.
    LastDay(u16),
    /// `LW`: the month's last day from Monday through Friday.
    LastWeekday,
    /// `nW`: the weekday nearest to this day, in the same month.
    NearestWeekday(u16),
    /// `dL`: the month's last such day of the week.
    LastOf(u16),
    /// `d#k`: the month's k-th such day of the week.
    Nth(u16, u16),
}

/// Reads a whole field.
pub(crate) fn items(field: Field, text: &str) -> impl Iterator<Item = Result<Item, CronError>> {
    // A bare "," or a trailing one leaves an empty item; the whole field then says more than "".
    text.split(',').map(move |item| {
        if item.is_empty() {
            refuse(field, text)
        } else {
            read(field, item)
        }
    })
}

/// Whether the field counts as a star for the rules that ask for one.
pub(crate) fn starts_with_star(text: &str) -> bool {
    text.starts_with(['*', '?'])
}

fn read(field: Field, item: &str) -> Result<Item, CronError> {
    if let Some(special) = special(field, item)? {
        return Ok(special);
    }
    let (base, step) = match item.split_once('/') {
        Some((base, step)) => (base, Some(read_step(field, step)?)),
        None => (item, None),
    };
    let question_mark = base == "?" && matches!(field, Field::DayOfMonth | Field::DayOfWeek);
    let (first, last) = if base == "*" || question_mark {
        field.span()
    } else if let Some((first, last)) = base.split_once('-') {
        range(field, base, value(field, first, base)?, value(field, last, base)?)?
    } else {
        let first = value(field, base, item)?;
        // With a step, a lone value opens a range to the field's end; Sunday written as 7 has none to open.
        (
            first,
            if step.is_some() {
                field.span().1.max(first)
            } else {
                first
            },
        )
    };
    Ok(Item::Span {
        first,
        last,
        step: step.unwrap_or(1),
    })
}

fn special(field: Field, item: &str) -> Result<Option<Item>, CronError> {
    // ASCII upper-casing moves no byte, so a prefix found in `upper` is as long in `item`.
    let upper = item.to_ascii_uppercase();
    match field {
        Field::DayOfMonth => {
            if upper == "L" {
                return Ok(Some(Item::LastDay(0)));
            }
            if upper == "LW" {
                return Ok(Some(Item::LastWeekday));
            }
            if let Some(before) = upper.strip_prefix("L-") {
                return match number(before) {
                    Some(days @ 1..=30) => Ok(Some(Item::LastDay(days))),
                    _ => refuse(field, item),
                };
            }
            if let Some(day) = upper.strip_suffix('W') {
                return Ok(Some(Item::NearestWeekday(value(
                    field,
                    &item[..day.len()],
                    item,
                )?)));
            }
            Ok(None)
        }
        Field::DayOfWeek => {
            if let Some((day, nth)) = upper.split_once('#') {
                let day = value(field, &item[..day.len()], item)? % 7;
                return match number(nth) {
                    Some(nth @ 1..=5) => Ok(Some(Item::Nth(day, nth))),
                    _ => refuse(field, item),
                };
            }
            if let Some(day) = upper.strip_suffix('L') {
                return Ok(Some(Item::LastOf(value(field, &item[..day.len()], item)? % 7)));
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

fn read_step(field: Field, text: &str) -> Result<u16, CronError> {
    match number(text) {
        Some(step) if (1..=field.size()).contains(&step) => Ok(step),
        _ => Err(CronError::Step {
            field,
            text: clipped(text),
        }),
    }
}

/// Sunday may stand at either end of a range, whichever of its two numbers is written.
fn range(field: Field, text: &str, mut first: u16, mut last: u16) -> Result<(u16, u16), CronError> {
    if field == Field::DayOfWeek && first > last {
        if last == 0 {
            last = 7;
        } else if first == 7 {
            first = 0;
        }
    }
    if first > last {
        return Err(CronError::Reversed {
            field,
            text: clipped(text),
            first,
            last,
        });
    }
    Ok((first, last))
}

/// A number or a name within the field's bounds; `whole` is named instead of an empty piece.
fn value(field: Field, text: &str, whole: &str) -> Result<u16, CronError> {
    let (low, high) = field.bounds();
    match number(text).or_else(|| field.named(text)) {
        Some(value) if (low..=high).contains(&value) => Ok(value),
        _ => refuse(field, if text.is_empty() { whole } else { text }),
    }
}

fn number(text: &str) -> Option<u16> {
    // `parse` alone would also take a leading plus sign.
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn refuse<T>(field: Field, text: &str) -> Result<T, CronError> {
    Err(CronError::NotAllowed {
        field,
        text: clipped(text),
    })
}

/// Keeps a message readable when someone pastes a document into a field.
pub(crate) fn clipped(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
