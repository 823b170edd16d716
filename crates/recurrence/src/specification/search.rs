//! The search for ticks, in whole seconds since 1970-01-01T00:00:00Z.

use crate::exclusion::Exclusion;
use crate::instant::utc;
use crate::pattern::FIRST;
use crate::source::Source;
use crate::specification::Specification;
use crate::specification::end::EndReason;
use crate::timeline::Line;

/// So many excluded stretches are passed over before the search gives up: a daily tick is followed for more than a
/// century, and no search takes long.
const MOST_STRETCHES: usize = 50_000;

impl Specification {
    /// The first tick later than `after`, if it is not later than `until`; an error if there is none at all.
    pub(crate) fn search(&self, after: i64, until: i64) -> Result<Option<i64>, EndReason> {
        let Some(rest) = &self.rest else {
            let next = self.next_of_sources(after).ok_or_else(|| self.sources_end())?;
            return Ok((next <= until).then_some(next));
        };
        let mut after = rest
            .starts_at
            .map_or(after, |start| after.max(start.seconds() - 1));
        let mut passed = false;
        let end_or_excluded = |end: EndReason, passed| if passed { EndReason::Excluded } else { end };
        for _ in 0..MOST_STRETCHES {
            let next = self
                .next_of_sources(after)
                .ok_or_else(|| end_or_excluded(self.sources_end(), passed))?;
            if let Some(end) = rest.ends_at.filter(|end| next >= end.seconds()) {
                return Err(end_or_excluded(EndReason::EndsAt(end.utc()), passed));
            }
            if next > until {
                return Ok(None);
            }
            match self.excluded_until(next) {
                None => return Ok(Some(next)),
                Some(allowed) => (after, passed) = (allowed - 1, true),
            }
        }
        Err(EndReason::ExcludedUntil(utc(after)))
    }

    /// The last tick that is later than `after` and not later than `until`.
    pub(crate) fn search_last(&self, after: i64, until: i64) -> Option<i64> {
        let in_time = |after| matches!(self.search(after, until), Ok(Some(_)));
        // A tick is in time from `low` and none from `high`; the width is tried before the whole stretch.
        let (mut high, mut width) = (until, 60);
        let mut low = loop {
            let low = after.max(until.saturating_sub(width));
            if low >= until {
                return None;
            }
            if in_time(low) {
                break low;
            }
            if low == after {
                return None;
            }
            (high, width) = (low, width.saturating_mul(8));
        };
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if in_time(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(high)
    }

    /// How many ticks are later than `after`, up to and including `until`.
    pub(crate) fn count(&self, after: i64, until: i64) -> u64 {
        self.count_at_most(after, until, u64::MAX)
    }

    /// The same, but `most` if there are more: where ticks are enumerated, no more of them are.
    pub(crate) fn count_at_most(&self, after: i64, until: i64, most: u64) -> u64 {
        let Some(rest) = &self.rest else {
            return self.count_of_sources(after, until, most);
        };
        let mut after = rest
            .starts_at
            .map_or(after, |start| after.max(start.seconds() - 1));
        let until = rest.ends_at.map_or(until, |end| until.min(end.seconds() - 1));
        if rest.exclusions.is_empty() {
            return self.count_of_sources(after, until, most);
        }
        let mut count = 0;
        while count < most
            && let Some(next) = self.next_of_sources(after).filter(|next| *next <= until)
        {
            after = match self.excluded_until(next) {
                Some(allowed) => allowed - 1,
                None => {
                    // Up to the next exclusion, which may be far, nothing needs to be looked at one by one.
                    let last = until.min(self.allowed_until(next) - 1);
                    count += self.count_of_sources(next - 1, last, most - count);
                    last
                }
            };
        }
        count
    }

    /// The first tick of any source, bounds and exclusions aside.
    pub(crate) fn next_of_sources(&self, after: i64) -> Option<i64> {
        let zone = self.zone.tz();
        let next = |source: &Source| source.next_after(zone, self.daylight, after);
        match &self.rest {
            None => next(&self.source),
            Some(_) => self.sources().filter_map(next).min(),
        }
    }

    fn count_of_sources(&self, after: i64, until: i64, most: u64) -> u64 {
        let zone = self.zone.tz();
        let count = |source: &Source| source.count_between(zone, self.daylight, after, until);
        if self.sources().count() == 1 {
            return count(&self.source).min(most);
        }
        // Two sources may tick at once, so that their counts do not add up.
        let (mut count, mut after) = (0, after);
        while count < most
            && let Some(next) = self.next_of_sources(after).filter(|next| *next <= until)
        {
            (count, after) = (count + 1, next);
        }
        count
    }

    /// The end of an excluded stretch that begins with this instant, if it is excluded.
    fn excluded_until(&self, instant: i64) -> Option<i64> {
        let line = self.line();
        self.exclusions()
            .iter()
            .filter_map(|exclusion| exclusion.excluded_until(line, instant))
            .max()
    }

    fn allowed_until(&self, instant: i64) -> i64 {
        let line = self.line();
        self.exclusions()
            .iter()
            .map(|exclusion| exclusion.allowed_until(line, instant))
            .min()
            .unwrap_or(i64::MAX)
    }

    pub(crate) fn excluded_by(&self, instant: i64) -> Option<&Exclusion> {
        let line = self.line();
        self.exclusions()
            .iter()
            .find(|exclusion| exclusion.excluded_until(line, instant).is_some())
    }

    pub(crate) fn line(&self) -> Line {
        Line { zone: self.zone.tz() }
    }

    pub(crate) fn previous(&self, before: i64) -> Option<i64> {
        self.search_last(FIRST, before - 1)
    }

    fn sources_end(&self) -> EndReason {
        let mut count = 0;
        for source in self.sources() {
            match source {
                Source::Instants(instants) => count += instants.len(),
                Source::Cron(_) | Source::Interval(_) => return EndReason::CalendarPast,
            }
        }
        EndReason::InstantsPast { count }
    }
}
