//! Deterministic jitter: each schedule has its own place within a width, and keeps it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::specification::Specification;

/// How far a schedule's runs are moved from its ticks: at least nothing, and less than `width`.
///
/// The place depends on the id and the width alone and never changes from one version of this crate to the next. It is
/// the id, mixed by the finalizer of `splitmix64` over each half, as a fraction of the width in whole milliseconds. A
/// width of less than two milliseconds moves nothing. The tick itself stays what identifies the run.
///
/// ```
/// use std::time::Duration;
///
/// let offset = ratchet_recurrence::spread_offset(42, Duration::from_secs(600));
/// assert_eq!(offset, Duration::from_millis(181_890));
/// ```
#[must_use]
pub fn spread_offset(schedule_id: u128, width: Duration) -> Duration {
    let mixed = mix(mix((schedule_id >> 64) as u64) ^ schedule_id as u64);
    let milliseconds = width.as_millis().min(u128::from(u64::MAX));
    // The high half of a product of two numbers of 64 bits is smaller than either.
    let offset = (u128::from(mixed) * milliseconds) >> 64;
    Duration::from_millis(offset as u64)
}

fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A width that a schedule's runs cannot be spread over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpreadError {
    /// The width as given.
    pub width: Duration,
    /// The widest that is allowed for the specification.
    pub widest: Duration,
}

impl fmt::Display for SpreadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "spread: a width of {:?} is longer than {:?}, the shortest time between two runs of the schedule; allowed \
             is up to that",
            self.width, self.widest
        )
    }
}

impl Error for SpreadError {}

impl Specification {
    /// Checks that runs may be spread over so much time.
    ///
    /// # Errors
    ///
    /// [`SpreadError`] if the width is longer than the [shortest interval](Self::shortest_interval).
    pub fn check_spread(&self, width: Duration) -> Result<(), SpreadError> {
        match self.shortest_interval() {
            Some(widest) if width > widest => Err(SpreadError { width, widest }),
            _ => Ok(()),
        }
    }
}
