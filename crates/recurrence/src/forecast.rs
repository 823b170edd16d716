//! What many schedules will do together, before they do it.
//!
//! A schedule runs a fixed offset after each of its ticks, and perhaps only so many times more. Every answer is one of
//! the instants of running; it knows of no pauses. Schedules that will run at the same instants are worked out once.
//! Stretches of time include their start and not their end.

pub(crate) mod buckets;
pub(crate) mod busiest;
pub(crate) mod error;
mod merge;
pub(crate) mod planned;
mod series;
mod stretch;

use std::iter::FusedIterator;

use chrono::{DateTime, Utc};

use crate::forecast::error::ForecastError;
use crate::forecast::merge::Merge;
use crate::forecast::planned::Planned;
use crate::forecast::series::grouped;
use crate::forecast::stretch::Stretch;

/// A run to be expected, from [`Forecast`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Expected<K> {
    /// Whose it is.
    pub key: K,
    /// The tick, which identifies the run.
    pub tick: DateTime<Utc>,
    /// When it runs: the schedule's offset later.
    pub runs_at: DateTime<Utc>,
}

/// The runs of many schedules in order of the instants at which they run, from [`forecast()`].
#[derive(Clone, Debug)]
pub struct Forecast<K> {
    merge: Merge,
    /// Of each series, whose it is.
    keys: Vec<Vec<K>>,
    /// The run that is being handed out, by its second and its series, and the place of the next key.
    current: Option<(i64, usize, usize)>,
}

/// The runs of all schedules from `from` until shortly before `to`, in order of the instants at which they run; those
/// of one instant in no stated order.
///
/// The runs are worked out as they are asked for, in memory that grows with the number of schedules alone.
///
/// # Errors
///
/// [`ForecastError`] if `to` is not later than `from`.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ratchet_recurrence::{Planned, Specification, Zone, forecast};
///
/// let hourly = Arc::new(Specification::parse("0 * * * *", Zone::UTC)?);
/// let schedules = [
///     Planned::new("at once", Arc::clone(&hourly)),
///     Planned { offset: Duration::from_millis(90_500), ..Planned::new("spread", Arc::clone(&hourly)) },
///     Planned { most: Some(1), ..Planned::new("once more", hourly) },
/// ];
/// let (from, to) = ("2026-01-01T00:00:00Z".parse()?, "2026-01-01T02:00:00Z".parse()?);
/// let runs: Vec<_> = forecast(schedules, from, to)?.collect();
/// assert_eq!(runs.len(), 5);
/// assert_eq!((runs[2].key, runs[2].tick, runs[2].runs_at), ("spread", from, "2026-01-01T00:01:30.5Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn forecast<K>(
    schedules: impl IntoIterator<Item = Planned<K>>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Forecast<K>, ForecastError> {
    let stretch = Stretch::new(from, to)?;
    let (series, keys) = grouped(schedules, stretch).into_iter().unzip();
    Ok(Forecast {
        merge: Merge::new(series),
        keys,
        current: None,
    })
}

impl<K: Clone> Iterator for Forecast<K> {
    type Item = Expected<K>;

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
        let offset = self.merge.offset(place);
        Some(Expected {
            key: keys[next_key].clone(),
            tick: offset.tick_of(second),
            runs_at: offset.instant_in(second),
        })
    }
}

impl<K: Clone> FusedIterator for Forecast<K> {}
