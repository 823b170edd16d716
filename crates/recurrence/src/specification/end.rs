//! Why a schedule never fires again.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::daylight::Gap;
use crate::exclusion::Exclusion;
use crate::instant::written;
use crate::item::clipped;
use crate::specification::Specification;
use crate::specification::error::{Part, Reason, SpecificationError};

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

impl Specification {
    /// The refusal of a specification that has no tick at all: of the part without which it might have one.
    pub(super) fn nothing_left(&self, end: EndReason) -> SpecificationError {
        let (part, text) = match end {
            EndReason::Excluded | EndReason::ExcludedUntil(_) => {
                let each: Vec<String> = self.exclusions().iter().map(Exclusion::to_string).collect();
                (Part::Except, clipped(&each.join(", ")))
            }
            EndReason::EndsAt(end) => (Part::Ending, written(end)),
            EndReason::InstantsPast { .. } | EndReason::CalendarPast => match self.starts_at() {
                Some(start) => (Part::Starting, written(start)),
                None if self.daylight.gap == Gap::Skip => (Part::Gap, Gap::Skip.to_string()),
                None => (Part::Whole, String::new()),
            },
        };
        SpecificationError::new(part, Reason::NothingLeft { text, end })
    }
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
