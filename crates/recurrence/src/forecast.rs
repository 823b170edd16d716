//! What many schedules will do together, before they do it.
//!
//! Schedules with equal specifications are worked out once, and every answer is that of the nominal ticks: it knows of
//! no pauses, no counts and no spread. Stretches of time include their start and not their end.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashMap};
use std::error::Error;
use std::fmt;
use std::iter::FusedIterator;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::instant::utc;
use crate::specification::Specification;

/// More counts are no view of a herd any more; a year of minutes fits.
const MOST_BUCKETS: u64 = 1_000_000;

/// The ticks of many schedules in order of time, from [`forecast`].
#[derive(Clone, Debug)]
pub struct Forecast<'a, K> {
    merge: Merge<'a>,
    /// Of each specification, whose it is.
    keys: Vec<Vec<K>>,
    /// The tick that is being handed out, and the place of the next key.
    current: Option<(i64, usize, usize)>,
}

/// The ticks of all schedules from `from` until shortly before `to`, in order of time; those of one instant in no
/// stated order.
///
/// The ticks are worked out as they are asked for, in memory that grows with the number of schedules alone.
///
/// ```
/// use ratchet_recurrence::{Specification, Zone, forecast};
///
/// let nightly = Specification::parse("0 2 * * *", Zone::UTC)?;
/// let hourly = Specification::parse("0 * * * *", Zone::UTC)?;
/// let (from, to) = ("2026-01-01T00:00:00Z".parse()?, "2026-01-01T03:00:00Z".parse()?);
/// let ticks: Vec<_> = forecast([("nightly", &nightly), ("hourly", &hourly)], from, to).collect();
/// assert_eq!(ticks.len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn forecast<'a, K>(
    schedules: impl IntoIterator<Item = (K, &'a Specification)>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Forecast<'a, K> {
    let mut places: HashMap<&'a Specification, usize> = HashMap::new();
    let (mut specifications, mut keys): (Vec<&'a Specification>, Vec<Vec<K>>) = (Vec::new(), Vec::new());
    for (key, specification) in schedules {
        let place = *places.entry(specification).or_insert_with(|| {
            specifications.push(specification);
            keys.push(Vec::new());
            keys.len() - 1
        });
        keys[place].push(key);
    }
    Forecast {
        merge: Merge::new(specifications, from, to),
        keys,
        current: None,
    }
}

impl<K: Clone> Iterator for Forecast<'_, K> {
    type Item = (DateTime<Utc>, K);

    fn next(&mut self) -> Option<Self::Item> {
        let (second, place, next_key) = match self.current {
            Some(current) => current,
            None => {
                let (second, place) = self.merge.next()?;
                (second, place, 0)
            }
        };
        let keys = &self.keys[place];
        self.current = (next_key + 1 < keys.len()).then_some((second, place, next_key + 1));
        Some((utc(second), keys[next_key].clone()))
    }
}

impl<K: Clone> FusedIterator for Forecast<'_, K> {}

/// How many ticks fall into each of equally long stretches of time, from [`buckets`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// The start of the first stretch.
    pub from: DateTime<Utc>,
    /// The length of each but the last, which ends with the forecast.
    pub width: Duration,
    /// The counts, one after the other.
    pub counts: Vec<u64>,
}

impl Buckets {
    /// Each stretch's start and its count.
    pub fn iter(&self) -> impl Iterator<Item = (DateTime<Utc>, u64)> {
        (0u32..)
            .zip(&self.counts)
            .map(|(place, count)| (self.from + self.width * place, *count))
    }
}

/// Counts the ticks of all schedules from `from` until shortly before `to`, in stretches of `width`: the herd view.
///
/// A schedule that ticks more often than there are stretches is counted, not enumerated.
///
/// # Errors
///
/// [`ForecastError`] if the width is not of whole seconds, or if there are more than a million stretches.
pub fn buckets<'a>(
    specifications: impl IntoIterator<Item = &'a Specification>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    width: Duration,
) -> Result<Buckets, ForecastError> {
    let (first, end) = (ceiling(from), ceiling(to));
    let seconds = i64::try_from(width.as_secs()).unwrap_or(i64::MAX);
    if seconds == 0 || width.subsec_nanos() != 0 {
        return Err(ForecastError::Width { width });
    }
    let stretches = (end.saturating_sub(first).max(0) as u64).div_ceil(seconds as u64);
    if stretches > MOST_BUCKETS {
        return Err(ForecastError::TooMany { stretches });
    }
    let mut counts = vec![0; stretches as usize];
    for (specification, times) in weighed(specifications) {
        let (mut after, until) = (first - 1, end - 1);
        if specification.count(after, until) >= stretches {
            for count in &mut counts {
                let last = until.min(after.saturating_add(seconds));
                *count += times * specification.count(after, last);
                after = last;
            }
        } else {
            while let Ok(Some(tick)) = specification.search(after, until) {
                counts[((tick - first) / seconds) as usize] += times;
                after = tick;
            }
        }
    }
    Ok(Buckets {
        from: utc(first),
        width,
        counts,
    })
}

/// An instant and how many ticks it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// The instant.
    pub at: DateTime<Utc>,
    /// Its ticks.
    pub ticks: u64,
}

/// The instants with the most ticks from `from` until shortly before `to`, at most so many, the busiest first and the
/// earlier one of two that are as busy.
///
/// It is exact, and for that looks at each instant at which a different specification ticks.
#[must_use]
pub fn busiest<'a>(
    specifications: impl IntoIterator<Item = &'a Specification>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    most: usize,
) -> Vec<Busy> {
    let (specifications, times): (Vec<_>, Vec<_>) = weighed(specifications).into_iter().unzip();
    let mut merge = Merge::new(specifications, from, to).peekable();
    // The least busy, and of these the latest, is on top and the first to go.
    let mut kept: BinaryHeap<Reverse<(u64, Reverse<i64>)>> = BinaryHeap::new();
    while let Some((second, place)) = merge.next() {
        let mut ticks = times[place];
        while let Some((_, other)) = merge.next_if(|(other, _)| *other == second) {
            ticks += times[other];
        }
        kept.push(Reverse((ticks, Reverse(second))));
        if kept.len() > most {
            kept.pop();
        }
    }
    kept.into_sorted_vec()
        .into_iter()
        .map(|Reverse((ticks, Reverse(second)))| Busy {
            at: utc(second),
            ticks,
        })
        .collect()
}

/// Why a forecast was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForecastError {
    /// Stretches must have a length of whole seconds.
    Width {
        /// As it was given.
        width: Duration,
    },
    /// There would be too many stretches.
    TooMany {
        /// How many.
        stretches: u64,
    },
}

impl fmt::Display for ForecastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Width { width } => {
                write!(
                    f,
                    "width: {width:?} is not allowed; allowed are whole seconds from 1s on"
                )
            }
            Self::TooMany { stretches } => write!(
                f,
                "width: {stretches} stretches of time are too many; allowed are {MOST_BUCKETS}, so choose a wider \
                 width or a shorter time"
            ),
        }
    }
}

impl Error for ForecastError {}

/// Each different specification and how often it is there.
fn weighed<'a>(specifications: impl IntoIterator<Item = &'a Specification>) -> Vec<(&'a Specification, u64)> {
    let mut times: HashMap<&Specification, u64> = HashMap::new();
    for specification in specifications {
        *times.entry(specification).or_default() += 1;
    }
    times.into_iter().collect()
}

/// The first whole second that is not before the instant.
fn ceiling(instant: DateTime<Utc>) -> i64 {
    instant.timestamp() + i64::from(instant.timestamp_subsec_nanos() > 0)
}

/// The ticks of different specifications in order of time, each with the place of its specification.
#[derive(Clone, Debug)]
struct Merge<'a> {
    specifications: Vec<&'a Specification>,
    /// The next tick of each that has one.
    next: BinaryHeap<Reverse<(i64, usize)>>,
    until: i64,
}

impl<'a> Merge<'a> {
    fn new(specifications: Vec<&'a Specification>, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        let (after, until) = (ceiling(from) - 1, ceiling(to) - 1);
        let next = specifications
            .iter()
            .enumerate()
            .filter_map(|(place, specification)| {
                let first = specification.search(after, until).ok().flatten()?;
                Some(Reverse((first, place)))
            })
            .collect();
        Self {
            specifications,
            next,
            until,
        }
    }
}

impl Iterator for Merge<'_> {
    type Item = (i64, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let mut earliest = self.next.peek_mut()?;
        let Reverse((second, place)) = *earliest;
        match self.specifications[place].search(second, self.until) {
            Ok(Some(later)) => *earliest = Reverse((later, place)),
            Ok(None) | Err(_) => {
                PeekMut::pop(earliest);
            }
        }
        Some((second, place))
    }
}
