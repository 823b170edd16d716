//! When a schedule does not run although it would: dates, hours of the week, and whatever another expression matches.
//!
//! An exclusion looks at the local time that the clock shows at a tick, so a tick that was moved out of a gap is
//! judged by where it went.

use std::fmt;

use chrono::NaiveDate;

use crate::parse::parse_exclusion;
use crate::pattern::{DAY, END, Pattern};
use crate::print;
use crate::specification::error::{Part, Reason, SpecificationError};
use crate::timeline::{FARTHEST, Line, WINDOW};
use crate::weekly::Weekly;

/// Instants at which a schedule does not run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Exclusion {
    /// From the first day through the last, counted from 1970-01-01.
    Dates {
        first: i32,
        last: i32,
    },
    Weekly(Weekly),
    Cron(Pattern),
}

/// What is allowed in its place, for messages.
pub(crate) const ALLOWED: &str = "a date 2026-12-24, a range of dates 2026-12-24..2026-12-26, hours of the week \
                                  fri 18:00-mon 06:00, lists of these, and cron 0 12 * * *";
pub(crate) const DATES: &str =
    "dates of the calendar from 1970-01-01 through 9999-12-31, the first one first";

impl Exclusion {
    pub(crate) fn dates(first: NaiveDate, last: NaiveDate) -> Option<Self> {
        let (first, last) = (first.to_epoch_days(), last.to_epoch_days());
        (0 <= first && first <= last && i64::from(last) * DAY < END).then_some(Self::Dates { first, last })
    }

    /// An expression of five fields excludes whole minutes, one of six or seven single seconds.
    pub(crate) fn cron(expression: &str) -> Result<Self, SpecificationError> {
        parse_exclusion(expression)
            .map(Self::Cron)
            .map_err(|error| SpecificationError::new(Part::Except, Reason::Cron(Box::new(error))))
    }

    /// The end of a stretch of real time that begins with this instant and is excluded as a whole; `None` if the
    /// instant is not excluded.
    pub(crate) fn excluded_until(&self, line: Line, instant: i64) -> Option<i64> {
        let local = line.local(instant);
        match self {
            Self::Dates { first, last } => {
                let (start, end) = (i64::from(*first) * DAY, (i64::from(*last) + 1) * DAY);
                (start <= local && local < end).then(|| {
                    let near = line.evenly_until(instant, end);
                    // Away from both ends no offset leads out of the range.
                    if instant - FARTHEST >= start {
                        near.max(end - FARTHEST)
                    } else {
                        near
                    }
                })
            }
            Self::Weekly(weekly) => weekly
                .contains(local)
                .then(|| line.evenly_until(instant, weekly.next_end(local))),
            Self::Cron(pattern) => pattern
                .matches(local)
                .then(|| line.evenly_until(instant, pattern.unmatched_after(local))),
        }
    }

    /// The end of a stretch that begins with this instant, which is not excluded, and of which nothing is.
    pub(crate) fn allowed_until(&self, line: Line, instant: i64) -> i64 {
        let local = line.local(instant);
        match self {
            Self::Dates { first, last } => {
                let (start, end) = (i64::from(*first) * DAY, (i64::from(*last) + 1) * DAY);
                if instant - FARTHEST >= end {
                    return END + WINDOW;
                }
                let near = line.evenly_until(instant, if local < start { start } else { END + WINDOW });
                near.max(if local < start { start - FARTHEST } else { near })
            }
            Self::Weekly(weekly) => line.evenly_until(instant, weekly.next_start(local)),
            Self::Cron(pattern) => {
                let next = pattern.at_or_after(local + 1).unwrap_or(END + WINDOW);
                line.evenly_until(instant, next)
            }
        }
    }
}

pub(crate) fn date(day: i32) -> NaiveDate {
    NaiveDate::from_epoch_days(day).unwrap_or(NaiveDate::MAX)
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dates { first, last } if first == last => write!(f, "{}", date(*first)),
            Self::Dates { first, last } => write!(f, "{}..{}", date(*first), date(*last)),
            Self::Weekly(weekly) => write!(f, "{weekly}"),
            Self::Cron(pattern) => {
                f.write_str("cron ")?;
                print::print_exclusion(pattern, f)
            }
        }
    }
}
