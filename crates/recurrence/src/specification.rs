//! What a schedule's user wrote about time, and which instants that is.

pub(crate) mod builder;
pub(crate) mod end;
pub(crate) mod error;
pub(crate) mod explain;
mod parse;
mod print;
pub(crate) mod read;
mod search;
mod spacing;
mod words;

use std::iter::FusedIterator;

use chrono::{DateTime, Utc};

use crate::daylight::DaylightPolicy;
use crate::exclusion::Exclusion;
use crate::instant::{self, Instant};
use crate::source::Source;
use crate::specification::builder::SpecificationBuilder;
use crate::specification::end::EndReason;
use crate::specification::error::SpecificationError;
use crate::zone::Zone;

/// When a schedule fires: cron expressions, intervals and instants together, read in one time zone, without what is
/// excluded, within its bounds.
///
/// It exists only if it is well formed and has at least one tick since 1970. Ticks are whole seconds and strictly
/// increasing; what several sources name is one tick. The calendar ends with the local year 9999.
///
/// Its text, from [`Display`](std::fmt::Display), parses back to an equal value in the same zone. Parts are separated
/// by `; ` and may be written in any order:
///
/// | part | meaning |
/// |---|---|
/// | `0 9 * * 1-5` | a cron expression, as [`Recurrence::cron`](crate::Recurrence::cron) reads it |
/// | `every 15m from 2026-01-01T00:00:00Z` | the anchor, and every 15 minutes of real time after it; without `from`, the anchor is 1970-01-01T00:00:00Z |
/// | `at 2026-03-01T09:00:00Z, 2026-04-01T09:00:00Z` | these instants |
/// | `except 2026-12-24, 2026-12-30..2027-01-02` | not on these local dates, the last one of a range included |
/// | `except fri 18:00-mon 06:00` | not from that local time of the week on, until shortly before the other |
/// | `except cron 0 12 * * *` | not in the local minutes that the expression matches; with six or seven fields, seconds |
/// | `starting 2026-01-01T00:00:00Z` | not before that instant |
/// | `ending 2027-01-01T00:00:00Z` | only before that instant |
/// | `gap skip` | a [policy](DaylightPolicy): `run_after` or `skip` |
/// | `overlap twice` | `once_first`, `once_last` or `twice` |
///
/// Up to 32 sources, 1,000 instants and 1,000 exclusions are taken. Instants, bounds and dates are those of the years
/// 1970 through 9999, in whole seconds.
///
/// ```
/// use ratchet_recurrence::{Specification, Zone};
///
/// let berlin: Zone = "Europe/Berlin".parse()?;
/// let backup = Specification::parse("0 22 * * *; except 2026-12-24..2026-12-26", berlin)?;
/// let next = backup.next_after("2026-12-23T22:00:00Z".parse()?);
/// assert_eq!(next, Some("2026-12-27T21:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Specification {
    source: Source,
    rest: Option<Box<Rest>>,
    zone: Zone,
    daylight: DaylightPolicy,
}

/// What few schedules use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Rest {
    /// Together with the first one: ascending, each once, and instants in one list.
    sources: Vec<Source>,
    exclusions: Vec<Exclusion>,
    starts_at: Option<Instant>,
    ends_at: Option<Instant>,
}

impl Specification {
    /// Reads a specification's text.
    ///
    /// # Errors
    ///
    /// [`SpecificationError`] names the part, the offending text with its place, and what is allowed.
    pub fn parse(text: &str, zone: Zone) -> Result<Self, SpecificationError> {
        parse::parse(text, zone)
    }

    /// Begins a specification that is put together by a program.
    #[must_use]
    pub fn builder(zone: Zone) -> SpecificationBuilder {
        SpecificationBuilder::new(zone)
    }

    /// The time zone in which expressions and exclusions are read.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// What fixed-time expressions do when clocks change.
    #[must_use]
    pub fn daylight(&self) -> DaylightPolicy {
        self.daylight
    }

    /// The first instant at which the schedule may run.
    #[must_use]
    pub fn starts_at(&self) -> Option<DateTime<Utc>> {
        Some(self.rest.as_ref()?.starts_at?.utc())
    }

    /// The first instant at which the schedule may no longer run.
    #[must_use]
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        Some(self.rest.as_ref()?.ends_at?.utc())
    }

    /// The first tick strictly later than `after`, or `None` if there is none: [`end`](Self::end) then says why.
    ///
    /// The search is bounded. It gives up after 50,000 excluded stretches of time, which is more than a century of
    /// daily ticks.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.search(after.timestamp(), i64::MAX).ok().flatten()?;
        Some(instant::utc(next))
    }

    /// Why there is no tick later than `after`; `None` if there is one.
    #[must_use]
    pub fn end(&self, after: DateTime<Utc>) -> Option<EndReason> {
        self.search(after.timestamp(), i64::MAX).err()
    }

    /// The ticks strictly later than `after`, one after the other.
    #[must_use]
    pub fn upcoming(&self, after: DateTime<Utc>) -> Ticks<'_> {
        Ticks {
            specification: self,
            after: Some(after),
        }
    }

    /// Whether there is a tick at this very instant.
    #[must_use]
    pub fn is_due(&self, instant: DateTime<Utc>) -> bool {
        let second = instant.timestamp();
        instant.timestamp_subsec_nanos() == 0 && self.search(second - 1, second) == Ok(Some(second))
    }

    /// How many ticks are later than `after`, up to and including `until`.
    ///
    /// The ticks of a single source are not enumerated: three years of seconds are counted in a few milliseconds.
    /// Several sources are, because they may tick at once.
    #[must_use]
    pub fn count_between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> u64 {
        self.count(after.timestamp(), until.timestamp())
    }

    /// The last tick that is later than `after` and not later than `until`, if there is any.
    #[must_use]
    pub fn last_between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.search_last(after.timestamp(), until.timestamp())
            .map(instant::utc)
    }

    /// The same schedule with nothing excluded, for what asks which ticks an exclusion took away.
    #[must_use]
    pub fn without_exclusions(&self) -> Self {
        let mut plain = self.clone();
        if let Some(rest) = &mut plain.rest {
            rest.exclusions.clear();
            if **rest == Rest::default() {
                plain.rest = None;
            }
        }
        plain
    }

    /// Whether anything is excluded.
    #[must_use]
    pub fn excludes(&self) -> bool {
        !self.exclusions().is_empty()
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        let others = self.rest.as_ref().map_or(&[][..], |rest| &rest.sources);
        std::iter::once(&self.source).chain(others)
    }

    fn exclusions(&self) -> &[Exclusion] {
        self.rest.as_ref().map_or(&[], |rest| &rest.exclusions)
    }
}

/// The ticks of a [`Specification`] in order, from [`Specification::upcoming`].
#[derive(Clone, Debug)]
pub struct Ticks<'a> {
    specification: &'a Specification,
    after: Option<DateTime<Utc>>,
}

impl Iterator for Ticks<'_> {
    type Item = DateTime<Utc>;

    fn next(&mut self) -> Option<Self::Item> {
        self.after = self.specification.next_after(self.after?);
        self.after
    }
}

impl FusedIterator for Ticks<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_stays_small_enough_to_keep_a_million_of_them() {
        assert!(size_of::<Specification>() <= 64, "{}", size_of::<Specification>());
    }

    #[test]
    fn a_single_source_without_limits_needs_no_heap() {
        for text in ["*/5 9-17 * * mon-fri; gap skip; overlap twice", "every 90m"] {
            assert!(
                Specification::parse(text, Zone::UTC).unwrap().rest.is_none(),
                "{text}"
            );
        }
    }
}
