//! An interval of real time, counted from its anchor, so that no run is later for the last one's being late.

use std::fmt;

use crate::instant::{self, Instant};
use crate::pattern::END;
use crate::span::Span;

/// Every so many seconds, the first time at the anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Interval {
    pub(crate) every: Span,
    pub(crate) anchor: Instant,
}

impl Interval {
    pub(crate) fn next_after(self, after: i64) -> Option<i64> {
        let anchor = self.anchor.seconds();
        if after < anchor {
            return Some(anchor);
        }
        let every = self.every.seconds();
        let next = anchor + ((after - anchor) / every + 1) * every;
        (next < END).then_some(next)
    }

    /// How many ticks are later than `after`, up to and including `until`.
    pub(crate) fn count_between(self, after: i64, until: i64) -> u64 {
        let up_to = |instant: i64| {
            let since = instant.min(END - 1) - self.anchor.seconds();
            if since < 0 {
                0
            } else {
                (since / self.every.seconds() + 1) as u64
            }
        };
        up_to(until).saturating_sub(up_to(after))
    }
}

/// `15m from 2026-01-01T00:00:00Z`; the anchor is left out if it is 1970-01-01T00:00:00Z.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.every)?;
        if self.anchor != instant::EPOCH {
            write!(f, " from {}", self.anchor)?;
        }
        Ok(())
    }
}
