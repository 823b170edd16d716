use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};

use crate::forecast::error::ForecastError;
use crate::forecast::merge::Merge;
use crate::forecast::planned::Planned;
use crate::forecast::series::{Series, grouped};
use crate::forecast::stretch::Stretch;
use crate::instant::utc;

/// A second and how many runs it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Its start.
    pub at: DateTime<Utc>,
    /// The runs in it.
    pub runs: u64,
}

/// The whole seconds with the most runs from `from` until shortly before `to`, at most so many, the busiest first and
/// the earlier one of two that are as busy.
///
/// It is exact, and for that looks at each second in which a different series of runs has one. A second in which the
/// forecast begins or ends counts with that part of it.
///
/// # Errors
///
/// [`ForecastError`] if `to` is not later than `from`.
pub fn busiest<K>(
    schedules: impl IntoIterator<Item = Planned<K>>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    most: usize,
) -> Result<Vec<Busy>, ForecastError> {
    let stretch = Stretch::new(from, to)?;
    let (series, times): (Vec<Series>, Vec<u64>) = grouped(schedules, stretch)
        .into_iter()
        .map(|(series, keys)| (series, keys.len() as u64))
        .unzip();
    let mut merge = Merge::new(series).peekable();
    // The least busy, and of these the latest, is on top and the first to go.
    let mut kept: BinaryHeap<Reverse<(u64, Reverse<i64>)>> = BinaryHeap::new();
    while let Some((second, place)) = merge.next() {
        let mut runs = times[place];
        while let Some((_, other)) = merge.next_if(|(other, _)| *other == second) {
            runs += times[other];
        }
        kept.push(Reverse((runs, Reverse(second))));
        if kept.len() > most {
            kept.pop();
        }
    }
    let busy = kept.into_sorted_vec().into_iter();
    Ok(busy
        .map(|Reverse((runs, Reverse(second)))| Busy {
            at: utc(second),
            runs,
        })
        .collect())
}
