//! What a schedule does when clocks change.

use std::fmt;

/// What a fixed-time schedule does when the clocks of its zone change. The default is the rule of Debian's cron:
/// [`Gap::RunAfter`] and [`Overlap::OnceFirst`].
///
/// A cron expression whose minute or hour field starts with `*` is a wildcard, and no policy applies to it: it follows
/// real time, which neither leaps nor repeats. The same holds for intervals and for instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DaylightPolicy {
    /// What becomes of the local times that a clock leaps over.
    pub gap: Gap,
    /// What becomes of the local times that a clock shows twice.
    pub overlap: Overlap,
}

/// What becomes of the local times that a clock leaps over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Gap {
    /// All that fell into the gap runs once, at the first instant after it.
    #[default]
    RunAfter,
    /// What fell into the gap does not run.
    Skip,
}

/// What becomes of the local times that a clock shows twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// They run the first time.
    #[default]
    OnceFirst,
    /// They run the last time.
    OnceLast,
    /// They run both times.
    Twice,
}

impl DaylightPolicy {
    /// Every instant whose local time matches, whatever the clock did before: what a wildcard does.
    pub(crate) const REAL_TIME: Self = Self {
        gap: Gap::Skip,
        overlap: Overlap::Twice,
    };
}

impl Gap {
    pub(crate) const ALL: [Self; 2] = [Self::RunAfter, Self::Skip];
}

impl Overlap {
    pub(crate) const ALL: [Self; 3] = [Self::OnceFirst, Self::OnceLast, Self::Twice];
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RunAfter => "run_after",
            Self::Skip => "skip",
        })
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnceFirst => "once_first",
            Self::OnceLast => "once_last",
            Self::Twice => "twice",
        })
    }
}
