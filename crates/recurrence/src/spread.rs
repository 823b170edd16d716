//! Deterministic jitter: each schedule has its own place within a width, and keeps it.

use std::time::Duration;

use thiserror::Error;

use crate::span::LONGEST;
use crate::specification::Specification;

/// A schedule with a single tick has no interval that would limit it.
const WIDEST: Duration = Duration::from_secs(LONGEST as u64);

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

/// Why a schedule's runs cannot be spread over a width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpreadError {
    /// A run would come after the next tick.
    #[error(
        "spread: a width of {width:?} is longer than {widest:?}, the shortest time between two runs of the schedule; \
         allowed is up to that"
    )]
    Wider {
        /// The width as given.
        width: Duration,
        /// The widest that is allowed for the specification.
        widest: Duration,
    },
    /// No width is that long, whatever the specification.
    #[error(
        "spread: a width of {width:?} is too long; allowed are whole milliseconds up to {WIDEST:?}, ten years"
    )]
    TooLong {
        /// The width as given.
        width: Duration,
    },
    /// Offsets are whole milliseconds, so that widths are too.
    #[error("spread: a width of {width:?} is not allowed; allowed are whole milliseconds up to {WIDEST:?}")]
    Fraction {
        /// The width as given.
        width: Duration,
    },
}

impl Specification {
    /// Checks that runs may be spread over so much time: over nothing, or over whole milliseconds up to the [shortest
    /// interval](Self::shortest_interval), so that no run comes after the next tick, and up to ten years.
    ///
    /// # Errors
    ///
    /// [`SpreadError`] names the width and what is allowed.
    pub fn check_spread(&self, width: Duration) -> Result<(), SpreadError> {
        if !width.subsec_nanos().is_multiple_of(1_000_000) {
            return Err(SpreadError::Fraction { width });
        }
        // The shortest interval takes a walk over all changes of the clock.
        if width.is_zero() {
            return Ok(());
        }
        match self.shortest_interval() {
            Some(widest) if width > widest => Err(SpreadError::Wider { width, widest }),
            _ if width > WIDEST => Err(SpreadError::TooLong { width }),
            _ => Ok(()),
        }
    }
}
