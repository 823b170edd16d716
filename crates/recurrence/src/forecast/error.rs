use std::time::Duration;

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::instant::written;

/// More counts are no view of a herd any more; a year of minutes fits.
pub(super) const MOST_BUCKETS: u64 = 1_000_000;

/// Why a forecast was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForecastError {
    /// It would end before it begins.
    #[error("to: {} is not later than from, which is {}; it must be later", written(*to), written(*from))]
    Bounds {
        /// Its start.
        from: DateTime<Utc>,
        /// Its end.
        to: DateTime<Utc>,
    },
    /// Stretches must have a length of whole seconds.
    #[error("width: {width:?} is not allowed; allowed are whole seconds from 1s on")]
    Width {
        /// As it was given.
        width: Duration,
    },
    /// There would be too many stretches.
    #[error(
        "width: {stretches} stretches of time are too many; allowed are {MOST_BUCKETS}, so choose a wider width or a \
         shorter time"
    )]
    TooMany {
        /// How many.
        stretches: u64,
    },
}
