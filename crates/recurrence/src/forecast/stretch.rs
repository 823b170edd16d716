use chrono::{DateTime, Utc};

use crate::forecast::error::ForecastError;

/// The time that a forecast is about, the start included, the end not; never empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
}

impl Stretch {
    pub(super) fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Self, ForecastError> {
        if to <= from {
            return Err(ForecastError::Bounds { from, to });
        }
        Ok(Self { from, to })
    }

    /// Its length, a begun second being a whole one.
    pub(super) fn seconds(self) -> u64 {
        let begun = self.to.timestamp_subsec_nanos() > self.from.timestamp_subsec_nanos();
        self.to.timestamp().abs_diff(self.from.timestamp()) + u64::from(begun)
    }
}
