//! Where a specification's ticks come from.

use chrono_tz::Tz;

use crate::daylight::DaylightPolicy;
use crate::instant::Instant;
use crate::interval::Interval;
use crate::pattern::Pattern;
use crate::timeline;

/// One of the sources whose ticks a specification unites.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    Cron(Pattern),
    Interval(Interval),
    /// Ascending, each once, at least one.
    Instants(Box<[Instant]>),
}

impl Source {
    /// The first tick later than the instant `after`.
    pub(crate) fn next_after(&self, zone: Tz, chosen: DaylightPolicy, after: i64) -> Option<i64> {
        match self {
            Self::Cron(pattern) => timeline::next_after(pattern, zone, pattern.policy(chosen), after),
            Self::Interval(interval) => interval.next_after(after),
            Self::Instants(instants) => instants
                .get(past(instants, after))
                .map(|instant| instant.seconds()),
        }
    }

    /// How many ticks are later than `after`, up to and including `until`.
    pub(crate) fn count_between(&self, zone: Tz, chosen: DaylightPolicy, after: i64, until: i64) -> u64 {
        match self {
            Self::Cron(pattern) => {
                timeline::count_between(pattern, zone, pattern.policy(chosen), after, until)
            }
            Self::Interval(interval) => interval.count_between(after, until),
            Self::Instants(instants) => past(instants, until).saturating_sub(past(instants, after)) as u64,
        }
    }
}

/// How many of the instants are not later than `after`.
fn past(instants: &[Instant], after: i64) -> usize {
    instants.partition_point(|instant| instant.seconds() <= after)
}
