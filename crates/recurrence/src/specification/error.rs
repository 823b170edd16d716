//! Why a specification was refused.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::error::CronError;
use crate::instant::written;
use crate::specification::end::EndReason;

/// Why a specification was refused: which part of it, where in the text, and what is allowed there. The source is the
/// [`CronError`], if an expression is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecificationError {
    /// The part at fault.
    pub part: Part,
    /// What is wrong with it.
    pub reason: Reason,
    /// The bytes of the offending text, if the specification was read from one.
    pub at: Option<Range<usize>>,
}

/// A part of a specification, by the word that begins it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The specification as a whole.
    Whole,
    /// A cron expression.
    Cron,
    /// An interval, `every 15m from 2026-01-01T00:00:00Z`.
    Every,
    /// Instants, `at 2026-03-01T09:00:00Z`.
    At,
    /// An exclusion.
    Except,
    /// `starting`, the first instant at which the schedule may run.
    Starting,
    /// `ending`, the first instant at which it may no longer run.
    Ending,
    /// `gap`, the policy for local times that do not exist.
    Gap,
    /// `overlap`, the policy for local times that exist twice.
    Overlap,
}

/// What is wrong with a part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing says when the schedule runs.
    NoSource,
    /// The expression is not one; the source says why.
    Cron(Box<CronError>),
    /// A text or value that the part does not take.
    NotAllowed {
        /// As it was written.
        text: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A date that the calendar does not have.
    NoSuchDate {
        /// As it was written.
        text: String,
    },
    /// A part that may be given once was given again.
    Repeated,
    /// More than fit.
    TooMany {
        /// The most that are allowed.
        most: usize,
    },
    /// The schedule would end before it starts.
    Bounds {
        /// The first instant at which it may run.
        starts_at: DateTime<Utc>,
        /// The first instant at which it may no longer run.
        ends_at: DateTime<Utc>,
    },
    /// Every part is well formed, but together they leave no tick; the error's part is the one that takes the last one.
    NothingLeft {
        /// The part's canonical text; empty if it is the specification as a whole.
        text: String,
        /// Why there is none.
        end: EndReason,
    },
}

impl SpecificationError {
    pub(crate) fn new(part: Part, reason: Reason) -> Self {
        Self {
            part,
            reason,
            at: None,
        }
    }

    pub(crate) fn not_allowed(part: Part, text: &str, allowed: &'static str) -> Self {
        let text = crate::item::clipped(text);
        Self::new(part, Reason::NotAllowed { text, allowed })
    }

    /// The same error with the place of its text, unless it has one.
    pub(crate) fn placed(mut self, at: Range<usize>) -> Self {
        self.at.get_or_insert(at);
        self
    }
}

impl fmt::Display for SpecificationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.part)?;
        if let Some(at) = &self.at {
            write!(f, " (bytes {}-{})", at.start, at.end)?;
        }
        f.write_str(": ")?;
        match &self.reason {
            Reason::NoSource => f.write_str(
                "nothing says when it runs; write a cron expression, every 15m, at 2026-03-01T09:00:00Z, or \
                 several joined by \";\"",
            ),
            Reason::Cron(_) => f.write_str("the expression is not allowed"),
            Reason::NotAllowed { text, allowed } => {
                write!(f, "{text:?} is not allowed; allowed is {allowed}")
            }
            Reason::NoSuchDate { text } => write!(
                f,
                "there is no such date as {text:?}; allowed are dates of the calendar, as in 2026-03-01"
            ),
            Reason::Repeated => f.write_str("it is given twice; allowed is once"),
            Reason::TooMany { most } => write!(f, "there are too many; at most {most} are allowed"),
            Reason::Bounds { starts_at, ends_at } => write!(
                f,
                "the end {} is not later than the start {}; the end must be later",
                written(*ends_at),
                written(*starts_at)
            ),
            Reason::NothingLeft { text, end } => {
                if !text.is_empty() {
                    write!(f, "{text:?} is not allowed here: ")?;
                }
                write!(
                    f,
                    "the schedule would never run: {end}; at least one tick must be left"
                )
            }
        }
    }
}

impl Error for SpecificationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.reason {
            Reason::Cron(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "specification",
            Self::Cron => "cron",
            Self::Every => "every",
            Self::At => "at",
            Self::Except => "except",
            Self::Starting => "starting",
            Self::Ending => "ending",
            Self::Gap => "gap",
            Self::Overlap => "overlap",
        })
    }
}
