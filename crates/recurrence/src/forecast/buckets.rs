use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::forecast::error::{ForecastError, MOST_BUCKETS};
use crate::forecast::planned::Planned;
use crate::forecast::series::grouped;
use crate::forecast::stretch::Stretch;

/// How many runs fall into each of equally long stretches of time, from [`buckets`].
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

/// Counts the runs of all schedules from `from` until shortly before `to`, in stretches of `width`: the herd view.
///
/// A schedule that ticks more often than there are stretches is counted, not enumerated.
///
/// # Errors
///
/// [`ForecastError`] if `to` is not later than `from`, if the width is not of whole seconds, or if there are more than
/// a million stretches.
pub fn buckets<K>(
    schedules: impl IntoIterator<Item = Planned<K>>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    width: Duration,
) -> Result<Buckets, ForecastError> {
    let stretch = Stretch::new(from, to)?;
    if width.is_zero() || width.subsec_nanos() != 0 {
        return Err(ForecastError::Width { width });
    }
    let seconds = i64::try_from(width.as_secs()).unwrap_or(i64::MAX);
    let stretches = stretch.seconds().div_ceil(seconds as u64);
    if stretches > MOST_BUCKETS {
        return Err(ForecastError::TooMany { stretches });
    }
    let mut counts = vec![0; stretches as usize];
    for (mut series, keys) in grouped(schedules, stretch) {
        let times = keys.len() as u64;
        let first = series.offset.first_tick(from);
        if series.count() >= stretches {
            let mut last = first - 1;
            for count in &mut counts {
                last = last.saturating_add(seconds);
                *count += times * series.pass(last);
            }
        } else {
            while let Some(tick) = series.next_tick() {
                counts[((tick - first) / seconds) as usize] += times;
            }
        }
    }
    Ok(Buckets { from, width, counts })
}
