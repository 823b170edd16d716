//! The seven fields of an expression: their names, their ranges, and what may stand in them.

use std::fmt;

/// One field of a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// 0–59; absent from an expression of five fields, which fires at second 0.
    Second,
    /// 0–59.
    Minute,
    /// 0–23.
    Hour,
    /// 1–31, counted from the end with `L`, moved to a weekday with `W`.
    DayOfMonth,
    /// 1–12 or `jan`–`dec`.
    Month,
    /// 0–7 or `sun`–`sat`; 0 and 7 are both Sunday.
    DayOfWeek,
    /// 1970–2099; only in an expression of seven fields.
    Year,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Field {
    /// What this field takes, for the messages of [`CronError`](crate::CronError).
    #[must_use]
    pub fn allowed(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => "0-59, *, ranges a-b, lists a,b and steps /n",
            Self::Hour => "0-23, *, ranges a-b, lists a,b and steps /n",
            Self::DayOfMonth => {
                "1-31, *, ?, ranges a-b, lists a,b, steps /n, L (last day), L-n (n days before it, 1-30), \
                 LW (last weekday) and nW (weekday nearest to day n)"
            }
            Self::Month => "1-12, names jan-dec, *, ranges a-b, lists a,b and steps /n",
            Self::DayOfWeek => {
                "0-7 (0 and 7 are Sunday), names sun-sat, *, ?, ranges a-b, lists a,b, steps /n, \
                 dL (last such day of the month) and d#k (its k-th, 1-5)"
            }
            Self::Year => "1970-2099, *, ranges a-b, lists a,b and steps /n",
        }
    }

    /// The smallest and the largest value that may be written.
    pub(crate) fn bounds(self) -> (u16, u16) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 7),
            Self::Year => (1970, 2099),
        }
    }

    /// The first and the last value that `*` covers. Sunday counts once, as 0.
    pub(crate) fn span(self) -> (u16, u16) {
        match self {
            Self::DayOfWeek => (0, 6),
            other => other.bounds(),
        }
    }

    /// How many different values `*` covers, which is also the longest step that still means something.
    pub(crate) fn size(self) -> u16 {
        let (first, last) = self.span();
        last - first + 1
    }

    /// The value of a three-letter name, in any case.
    pub(crate) fn named(self, name: &str) -> Option<u16> {
        let (names, first): (&[&str], u16) = match self {
            Self::Month => (&MONTHS, 1),
            Self::DayOfWeek => (&WEEKDAYS, 0),
            _ => return None,
        };
        (first..)
            .zip(names)
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map(|(value, _)| value)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day-of-month",
            Self::Month => "month",
            Self::DayOfWeek => "day-of-week",
            Self::Year => "year",
        })
    }
}
