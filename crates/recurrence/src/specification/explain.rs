//! Why a schedule runs at an instant, or does not.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::instant::{utc, written};
use crate::source::Source;
use crate::specification::Specification;
use crate::specification::end::EndReason;
use crate::timeline;

/// What a specification says of an instant. [`Display`](fmt::Display) says it in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Explanation {
    /// There is a tick at the instant.
    Due {
        /// The sources that name it, as text.
        by: Vec<String>,
        /// The local time that a gap moved to the instant, if the schedule runs then for that reason alone.
        moved_from: Option<NaiveDateTime>,
    },
    /// A source names the instant, and it lies before the first instant at which the schedule may run.
    BeforeStart {
        /// That first instant.
        starts_at: DateTime<Utc>,
        /// The next tick.
        next: Option<DateTime<Utc>>,
    },
    /// A source names the instant, and the schedule had ended by then.
    AfterEnd {
        /// The first instant at which it may no longer run.
        ends_at: DateTime<Utc>,
        /// The last tick before that.
        previous: Option<DateTime<Utc>>,
    },
    /// A source names the instant, and it is excluded.
    Excluded {
        /// The exclusion, as text.
        by: String,
        /// The tick before.
        previous: Option<DateTime<Utc>>,
        /// The next tick.
        next: Option<DateTime<Utc>>,
    },
    /// The local time is named, but the clock shows it twice, and the policy chose the other time.
    OtherPass {
        /// The local time.
        local: NaiveDateTime,
        /// When the schedule runs for it, exclusions and bounds aside.
        runs_at: DateTime<Utc>,
    },
    /// No source names the instant.
    NotDue {
        /// The tick before.
        previous: Option<DateTime<Utc>>,
        /// The next tick, or why there is none.
        next: Result<DateTime<Utc>, EndReason>,
    },
}

impl Specification {
    /// Why the schedule runs at this instant, or does not. It does not know what became of the tick.
    #[must_use]
    pub fn explain(&self, instant: DateTime<Utc>) -> Explanation {
        let second = instant.timestamp();
        let whole = instant.timestamp_subsec_nanos() == 0;
        let next = || self.next_after(instant);
        // Of an instant within a second, that second's tick is the tick before.
        let previous = || self.previous(second + i64::from(!whole)).map(utc);
        if whole && self.next_of_sources(second - 1) == Some(second) {
            if let Some(starts_at) = self.starts_at().filter(|start| instant < *start) {
                let next = next();
                return Explanation::BeforeStart { starts_at, next };
            }
            if let Some(ends_at) = self.ends_at().filter(|end| instant >= *end) {
                let previous = previous();
                return Explanation::AfterEnd { ends_at, previous };
            }
            if let Some(exclusion) = self.excluded_by(second) {
                return Explanation::Excluded {
                    by: exclusion.to_string(),
                    previous: previous(),
                    next: next(),
                };
            }
            return Explanation::Due {
                by: self.sources_at(second).map(ToString::to_string).collect(),
                moved_from: self.moved_from(instant),
            };
        }
        if whole && let Some(other) = self.other_pass(second) {
            let local = utc(self.line().local(second)).naive_utc();
            let runs_at = utc(other);
            return Explanation::OtherPass { local, runs_at };
        }
        Explanation::NotDue {
            previous: previous(),
            next: match self.search(second, i64::MAX) {
                Ok(next) => next.map(utc).ok_or(EndReason::CalendarPast),
                Err(end) => Err(end),
            },
        }
    }

    /// The local time that a gap moved to this tick, if the schedule runs at the instant for that reason alone.
    #[must_use]
    pub fn moved_from(&self, tick: DateTime<Utc>) -> Option<NaiveDateTime> {
        let second = tick.timestamp();
        let mut first = None;
        for source in self.sources_at(second) {
            let Source::Cron(pattern) = source else {
                return None;
            };
            let policy = pattern.policy(self.daylight);
            let moved = timeline::moved_from(pattern, self.zone.tz(), policy, second)?;
            first = Some(first.map_or(moved, |first: i64| first.min(moved)));
        }
        first.map(|local| utc(local).naive_utc())
    }

    fn sources_at(&self, second: i64) -> impl Iterator<Item = &Source> {
        self.sources().filter(move |source| {
            source.next_after(self.zone.tz(), self.daylight, second - 1) == Some(second)
        })
    }

    /// When an expression runs for the local time that this instant shows as well.
    fn other_pass(&self, second: i64) -> Option<i64> {
        let line = self.line();
        let local = line.local(second);
        self.sources().find_map(|source| {
            let Source::Cron(pattern) = source else {
                return None;
            };
            let other = line.other_pass(second).filter(|_| pattern.matches(local))?;
            (source.next_after(self.zone.tz(), self.daylight, other - 1) == Some(other)).then_some(other)
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |instant: &Option<DateTime<Utc>>| match instant {
            Some(instant) => written(*instant),
            None => "none".to_owned(),
        };
        match self {
            Self::Due { by, moved_from: None } => write!(f, "due by {}", by.join("; ")),
            Self::Due {
                by,
                moved_from: Some(local),
            } => write!(
                f,
                "due by {}: moved by daylight saving from {local}, which no clock showed that day",
                by.join("; ")
            ),
            Self::BeforeStart { starts_at, next } => write!(
                f,
                "not due: it starts at {}; next is {}",
                written(*starts_at),
                named(next)
            ),
            Self::AfterEnd { ends_at, previous } => write!(
                f,
                "not due: it ended at {}; previous was {}",
                written(*ends_at),
                named(previous)
            ),
            Self::Excluded { by, previous, next } => write!(
                f,
                "not due: excluded by {by}; previous was {}, next is {}",
                named(previous),
                named(next)
            ),
            Self::OtherPass { local, runs_at } => write!(
                f,
                "not due: clocks show {local} twice, and it runs at {}",
                written(*runs_at)
            ),
            Self::NotDue {
                previous,
                next: Ok(next),
            } => write!(
                f,
                "not due: previous was {}, next is {}",
                named(previous),
                written(*next)
            ),
            Self::NotDue {
                previous,
                next: Err(end),
            } => write!(f, "not due: previous was {}, and {end}", named(previous)),
        }
    }
}
