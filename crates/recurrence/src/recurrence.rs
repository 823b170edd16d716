//! A specification that says when a schedule fires.

use std::fmt;
use std::iter::FusedIterator;

use chrono::{DateTime, Utc};

use crate::daylight::DaylightPolicy;
use crate::error::CronError;
use crate::parse::parse;
use crate::pattern::Pattern;
use crate::timeline;
use crate::zone::Zone;
use crate::{describe, print};

/// When a schedule fires: a cron expression, read in a time zone.
///
/// It exists only if the expression parsed and matches at least one date of the calendar. Ticks are whole
/// seconds. The calendar ends with the local year 9999.
///
/// [`Display`](fmt::Display) prints a canonical expression (without the zone) that parses back to an equal
/// value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recurrence {
    pattern: Pattern,
    zone: Zone,
}

impl Recurrence {
    /// Reads a cron expression.
    ///
    /// Five fields are minute, hour, day-of-month, month and day-of-week; with six, the second comes first;
    /// with seven, the year comes last. The macros are `@yearly` (`@annually`), `@monthly`, `@weekly`,
    /// `@daily` (`@midnight`) and `@hourly`.
    ///
    /// A field is a list of values, ranges `a-b` and `*`, each with an optional step `/n` no longer than the
    /// field; `a/n` runs from `a` to the field's end. A range that runs backwards is refused, except that
    /// Sunday, 0 or 7, may stand at either end. Day-of-month also takes `L`, `L-3`, `LW` and `15W`;
    /// day-of-week `friL` and `mon#2`; both take `?` for `*`.
    ///
    /// As in Debian's cron, a day matches if either day field does, but if one of the two starts with a star,
    /// both must match.
    ///
    /// # Errors
    ///
    /// The first [`CronError`] found from left to right, or [`CronError::NeverFires`] if no date can match.
    ///
    /// ```
    /// use ratchet_recurrence::{Recurrence, Zone};
    ///
    /// let recurrence = Recurrence::cron("*/5 9-17 * * mon-fri", Zone::UTC)?;
    /// assert_eq!(recurrence.to_string(), "*/5 9-17 * * 1-5");
    ///
    /// let refused = Recurrence::cron("0 25 * * *", Zone::UTC).unwrap_err();
    /// assert_eq!(
    ///     refused.to_string(),
    ///     "hour: \"25\" is not allowed; allowed are 0-23, *, ranges a-b, lists a,b and steps /n",
    /// );
    /// # Ok::<(), ratchet_recurrence::CronError>(())
    /// ```
    pub fn cron(expression: &str, zone: Zone) -> Result<Self, CronError> {
        Ok(Self {
            pattern: parse(expression)?,
            zone,
        })
    }

    /// The time zone in which the expression is read.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The first tick strictly later than `after`, or `None` if there is none in the calendar.
    ///
    /// If the minute or the hour field starts with `*`, the recurrence follows real time. Every other one
    /// fires once for every local time: at the first instant after a gap for all that fell into it, and the
    /// first time in an overlap.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = timeline::next_after(&self.pattern, self.zone.tz(), self.policy(), after.timestamp())?;
        DateTime::from_timestamp(next, 0)
    }

    /// The ticks strictly later than `after`, one after the other.
    #[must_use]
    pub fn upcoming(&self, after: DateTime<Utc>) -> Upcoming<'_> {
        Upcoming {
            recurrence: self,
            after: Some(after),
        }
    }

    /// How many ticks are later than `after`, up to and including `until`. Three years of seconds are counted in less
    /// than a millisecond.
    ///
    /// ```
    /// use ratchet_recurrence::{Recurrence, Zone};
    ///
    /// let seconds = Recurrence::cron("* * * * * *", Zone::UTC)?;
    /// let (from, to) = ("2026-01-01T00:00:00Z".parse()?, "2026-01-02T00:00:00Z".parse()?);
    /// assert_eq!(seconds.count_between(from, to), 86_400);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn count_between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> u64 {
        let (after, until) = (after.timestamp(), until.timestamp());
        timeline::count_between(&self.pattern, self.zone.tz(), self.policy(), after, until)
    }

    /// The last tick that is later than `after` and not later than `until`, if there is any.
    #[must_use]
    pub fn last_between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // From `low` there is a tick in time, and from `high` there is none.
        let in_time = |after: i64| {
            let next = timeline::next_after(&self.pattern, self.zone.tz(), self.policy(), after);
            next.is_some_and(|next| next <= until.timestamp())
        };
        let (mut low, mut high) = (after.timestamp(), until.timestamp());
        if !in_time(low) {
            return None;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if in_time(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        DateTime::from_timestamp(high, 0)
    }

    /// The recurrence in English words, with the name of its zone unless that is UTC.
    #[must_use]
    pub fn describe(&self) -> String {
        let words = describe::describe(&self.pattern);
        if self.zone == Zone::UTC {
            words
        } else {
            format!("{words} ({})", self.zone)
        }
    }

    fn policy(&self) -> DaylightPolicy {
        self.pattern.policy(DaylightPolicy::default())
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print::print(&self.pattern, f)
    }
}

/// The ticks of a [`Recurrence`] in order, from [`Recurrence::upcoming`].
#[derive(Clone, Debug)]
pub struct Upcoming<'a> {
    recurrence: &'a Recurrence,
    after: Option<DateTime<Utc>>,
}

impl Iterator for Upcoming<'_> {
    type Item = DateTime<Utc>;

    fn next(&mut self) -> Option<Self::Item> {
        self.after = self.recurrence.next_after(self.after?);
        self.after
    }
}

impl FusedIterator for Upcoming<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_shareable<T: Send + Sync + Clone + 'static>() {}

    #[test]
    fn a_recurrence_stays_small_enough_to_keep_a_million_of_them() {
        is_shareable::<Recurrence>();
        assert!(size_of::<Recurrence>() <= 48, "{}", size_of::<Recurrence>());
    }

    #[test]
    fn a_recurrence_without_years_and_special_days_needs_no_heap() -> Result<(), CronError> {
        for expression in [
            "* * * * *",
            "*/5 9-17 * * mon-fri",
            "30 0 0 1,15 jan *",
            "@weekly",
        ] {
            assert!(
                Recurrence::cron(expression, Zone::UTC)?.pattern.rare.is_none(),
                "{expression}"
            );
        }
        Ok(())
    }
}
