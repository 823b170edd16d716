//! Why a schedule never fires again.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::instant::written;

/// Why there is no further tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The next tick would not be before the end.
    EndsAt(DateTime<Utc>),
    /// There were only instants, and they are past.
    InstantsPast {
        /// How many there were.
        count: usize,
    },
    /// No later date of the calendar matches.
    CalendarPast,
    /// There are later ticks, and every one is excluded.
    Excluded,
    /// Every tick up to this instant is excluded, and that is as far as the search goes.
    ExcludedUntil(DateTime<Utc>),
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndsAt(end) => write!(f, "no further tick is before its end at {}", written(*end)),
            Self::InstantsPast { count: 1 } => f.write_str("its only instant is past"),
            Self::InstantsPast { count } => write!(f, "all {count} instants are past"),
            Self::CalendarPast => f.write_str("no later date of the calendar matches"),
            Self::Excluded => f.write_str("every remaining tick is excluded"),
            Self::ExcludedUntil(until) => write!(
                f,
                "every tick until {} is excluded, which is as far as the search goes",
                written(*until)
            ),
        }
    }
}
