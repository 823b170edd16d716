//! The runs that some schedules have in common.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::forecast::planned::Planned;
use crate::forecast::stretch::Stretch;
use crate::instant::utc;
use crate::pattern::{END, FIRST};
use crate::specification::Specification;

/// How long after a tick its run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Offset {
    seconds: i64,
    nanoseconds: u32,
}

impl Offset {
    const NONE: Self = Self {
        seconds: 0,
        nanoseconds: 0,
    };

    fn new(offset: Duration) -> Self {
        Self {
            seconds: i64::try_from(offset.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: offset.subsec_nanos(),
        }
    }

    /// The first second whose tick would not run before this instant.
    pub(super) fn first_tick(self, instant: DateTime<Utc>) -> i64 {
        let later = self.nanoseconds < instant.timestamp_subsec_nanos();
        let second = instant.timestamp().saturating_sub(self.seconds);
        second.saturating_add(i64::from(later))
    }

    /// The tick that runs in this second.
    pub(super) fn tick_of(self, second: i64) -> DateTime<Utc> {
        utc(second - self.seconds)
    }

    /// The instant of running in this second.
    pub(super) fn instant_in(self, second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, self.nanoseconds).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// The runs of a specification with an offset, between two of its ticks and no more than so many. Schedules of which
/// all this is equal run together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Series {
    specification: Arc<Specification>,
    pub(super) offset: Offset,
    /// Its ticks are later than this second, and not later than the other.
    after: i64,
    until: i64,
    /// More than the calendar has seconds if nobody counts.
    left: u64,
}

impl Series {
    fn of<K>(planned: Planned<K>, stretch: Stretch) -> (Self, K) {
        let Planned {
            key,
            specification,
            offset,
            most,
            from,
        } = planned;
        let offset = Offset::new(offset);
        // Nothing ticks outside the calendar, and inside it no sum can overflow.
        let before = |instant, offset: Offset| offset.first_tick(instant).clamp(FIRST, END) - 1;
        let mut after = before(stretch.from, offset);
        let mut left = most.unwrap_or(u64::MAX);
        if let Some(from) = from {
            let planned_after = before(from, Offset::NONE);
            if most.is_some() && planned_after < after {
                left -= specification.count_at_most(planned_after, after, left);
            }
            after = after.max(planned_after);
        }
        let series = Self {
            specification,
            offset,
            after,
            until: before(stretch.to, offset),
            left,
        };
        (series, key)
    }

    /// The second of the next run.
    pub(super) fn next_second(&mut self) -> Option<i64> {
        self.next_tick().map(|tick| tick + self.offset.seconds)
    }

    pub(super) fn next_tick(&mut self) -> Option<i64> {
        if self.left == 0 {
            return None;
        }
        match self.specification.search(self.after, self.until) {
            Ok(Some(tick)) => {
                (self.after, self.left) = (tick, self.left - 1);
                Some(tick)
            }
            // Either no tick is in time or none is left at all, which to a forecast is the same.
            Ok(None) | Err(_) => {
                self.left = 0;
                None
            }
        }
    }

    /// How many ticks there still are.
    pub(super) fn count(&self) -> u64 {
        self.specification
            .count_at_most(self.after, self.until, self.left)
    }

    /// Passes over the ticks up to and including this second, and counts them.
    pub(super) fn pass(&mut self, last: i64) -> u64 {
        let last = last.min(self.until);
        if last <= self.after {
            return 0;
        }
        let count = self.specification.count_at_most(self.after, last, self.left);
        (self.after, self.left) = (last, self.left - count);
        count
    }
}

/// The different series and the keys of each, in the order of the fractions of a second at which they run and, of the
/// same fraction, in that in which they were given.
pub(super) fn grouped<K>(
    schedules: impl IntoIterator<Item = Planned<K>>,
    stretch: Stretch,
) -> Vec<(Series, Vec<K>)> {
    let mut places: HashMap<Series, usize> = HashMap::new();
    let mut groups: Vec<(Series, Vec<K>)> = Vec::new();
    for planned in schedules {
        let (series, key) = Series::of(planned, stretch);
        match places.get(&series) {
            Some(place) => groups[*place].1.push(key),
            None => {
                places.insert(series.clone(), groups.len());
                groups.push((series, vec![key]));
            }
        }
    }
    groups.sort_by_key(|(series, _)| series.offset.nanoseconds);
    groups
}
