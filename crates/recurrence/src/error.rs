//! Why an expression was refused.

use thiserror::Error;

use crate::field::Field;

/// Why a cron expression was refused. The message names the field, the offending text and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CronError {
    /// The expression is empty or only white space.
    #[error(
        "the expression is empty; write five fields (minute hour day-of-month month day-of-week) \
         or a macro such as @daily"
    )]
    Empty,
    /// The expression has neither five, six nor seven fields.
    #[error(
        "{found} fields are not an expression; write 5 (minute hour day-of-month month day-of-week), \
         6 (second first) or 7 (second first, year last)"
    )]
    FieldCount {
        /// How many fields were written.
        found: usize,
    },
    /// A word after `@` that is not known.
    #[error("{text:?} is not a macro; known are {}", MACROS)]
    UnknownMacro {
        /// The word as written.
        text: String,
    },
    /// `@reboot` names an event of the machine, not an instant of the calendar.
    #[error(
        "\"@reboot\" is not supported: it names an event, not a time; known macros are {}",
        MACROS
    )]
    Reboot,
    /// A piece of a field that the field does not take.
    #[error("{field}: {text:?} is not allowed; allowed are {}", field.allowed())]
    NotAllowed {
        /// The field it stands in.
        field: Field,
        /// The offending piece.
        text: String,
    },
    /// A range whose end lies before its start.
    #[error(
        "{field}: the range {text:?} runs backwards; write {first}-{},{}-{last} to go round the end, \
         or put the smaller value first; allowed are {}",
        field.span().1, field.span().0, field.allowed()
    )]
    Reversed {
        /// The field it stands in.
        field: Field,
        /// The range as written.
        text: String,
        /// Its start.
        first: u16,
        /// Its end.
        last: u16,
    },
    /// A step of zero, or one longer than the field, which would not do what it says.
    #[error("{field}: {text:?} is not a usable step; allowed are steps of 1-{}", field.size())]
    Step {
        /// The field it stands in.
        field: Field,
        /// The step as written.
        text: String,
    },
    /// Every field is well formed, but no date satisfies them together.
    #[error(
        "the expression never fires: no date has day-of-month {day_of_month:?} and day-of-week \
         {day_of_week:?} in month {month:?}{}; allowed is any combination that occurs in the calendar",
        year.as_ref().map(|year| format!(" of year {year:?}")).unwrap_or_default()
    )]
    NeverFires {
        /// The day-of-month field as written.
        day_of_month: String,
        /// The month field as written.
        month: String,
        /// The day-of-week field as written.
        day_of_week: String,
        /// The year field as written, if there is one.
        year: Option<String>,
    },
}

/// The macros, for messages; the parser's table is tested against it.
pub(crate) const MACROS: &str = "@yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly";

impl CronError {
    /// The field at fault, if one field alone is.
    #[must_use]
    pub fn field(&self) -> Option<Field> {
        match self {
            Self::NotAllowed { field, .. } | Self::Reversed { field, .. } | Self::Step { field, .. } => {
                Some(*field)
            }
            Self::Empty
            | Self::FieldCount { .. }
            | Self::UnknownMacro { .. }
            | Self::Reboot
            | Self::NeverFires { .. } => None,
        }
    }

    /// The offending piece of the expression, if one piece alone is at fault.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::NotAllowed { text, .. }
            | Self::Reversed { text, .. }
            | Self::Step { text, .. }
            | Self::UnknownMacro { text } => Some(text),
            Self::Empty | Self::FieldCount { .. } | Self::Reboot | Self::NeverFires { .. } => None,
        }
    }
}
