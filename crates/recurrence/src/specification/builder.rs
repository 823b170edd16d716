//! Puts a specification together and checks it as a whole.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc, Weekday};

use crate::daylight::{DaylightPolicy, Gap, Overlap};
use crate::exclusion::{self, Exclusion};
use crate::instant::{self, Instant};
use crate::interval::Interval;
use crate::parse;
use crate::source::Source;
use crate::span::{self, Span};
use crate::specification::error::{Part, Reason, SpecificationError};
use crate::specification::{Rest, Specification};
use crate::weekly::{self, Weekly};
use crate::zone::Zone;

const MOST_SOURCES: usize = 32;
const MOST_INSTANTS: usize = 1_000;
const MOST_EXCLUSIONS: usize = 1_000;

/// A [`Specification`] in the making, from [`Specification::builder`]. The first mistake is kept and returned by
/// [`build`](Self::build).
///
/// ```
/// use std::time::Duration;
/// use ratchet_recurrence::{Specification, Zone};
///
/// let poll = Specification::builder(Zone::UTC)
///     .every_from(Duration::from_secs(900), "2026-01-01T00:05:00Z".parse()?)
///     .ending("2027-01-01T00:00:00Z".parse()?)
///     .build()?;
/// assert_eq!(
///     poll.to_string(),
///     "every 15m from 2026-01-01T00:05:00Z; ending 2027-01-01T00:00:00Z",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SpecificationBuilder {
    zone: Zone,
    daylight: DaylightPolicy,
    sources: Vec<Source>,
    instants: Vec<Instant>,
    exclusions: Vec<Exclusion>,
    starts_at: Option<Instant>,
    ends_at: Option<Instant>,
    mistake: Option<SpecificationError>,
}

impl SpecificationBuilder {
    pub(super) fn new(zone: Zone) -> Self {
        Self {
            zone,
            daylight: DaylightPolicy::default(),
            sources: Vec::new(),
            instants: Vec::new(),
            exclusions: Vec::new(),
            starts_at: None,
            ends_at: None,
            mistake: None,
        }
    }

    /// Runs when a cron expression says so.
    #[must_use]
    pub fn cron(mut self, expression: &str) -> Self {
        let added = self.add_cron(expression);
        self.keep(added)
    }

    /// Runs every so often in real time, counted from 1970-01-01T00:00:00Z: whole seconds, up to ten years.
    #[must_use]
    pub fn every(self, interval: Duration) -> Self {
        self.every_from(interval, DateTime::UNIX_EPOCH)
    }

    /// Runs at an instant and every so often after it.
    #[must_use]
    pub fn every_from(mut self, interval: Duration, anchor: DateTime<Utc>) -> Self {
        let added = Span::new(interval)
            .ok_or_else(|| {
                SpecificationError::not_allowed(Part::Every, &format!("{interval:?}"), span::ALLOWED)
            })
            .and_then(|every| {
                let anchor = instant_of(Part::Every, anchor)?;
                self.add_source(Part::Every, Source::Interval(Interval { every, anchor }))
            });
        self.keep(added)
    }

    /// Runs at these instants.
    #[must_use]
    pub fn at(mut self, instants: impl IntoIterator<Item = DateTime<Utc>>) -> Self {
        let added = instants
            .into_iter()
            .try_for_each(|instant| self.add_instant(instant_of(Part::At, instant)?));
        self.keep(added)
    }

    /// Does not run on a local date.
    #[must_use]
    pub fn except_date(self, date: NaiveDate) -> Self {
        self.except_dates(date, date)
    }

    /// Does not run on the local dates from the first through the last.
    #[must_use]
    pub fn except_dates(mut self, first: NaiveDate, last: NaiveDate) -> Self {
        let added = Exclusion::dates(first, last)
            .ok_or_else(|| {
                SpecificationError::not_allowed(Part::Except, &format!("{first}..{last}"), exclusion::DATES)
            })
            .and_then(|exclusion| self.add_exclusion(exclusion));
        self.keep(added)
    }

    /// Does not run from a local time of the week on, until shortly before another.
    #[must_use]
    pub fn except_weekly(mut self, from: (Weekday, NaiveTime), until: (Weekday, NaiveTime)) -> Self {
        let added = Weekly::new(from, until)
            .ok_or_else(|| {
                let text = format!("{} {}-{} {}", from.0, from.1, until.0, until.1);
                SpecificationError::not_allowed(Part::Except, &text, weekly::ALLOWED)
            })
            .and_then(|weekly| self.add_exclusion(Exclusion::Weekly(weekly)));
        self.keep(added)
    }

    /// Does not run in the local minutes, or with six or seven fields the seconds, that a cron expression matches.
    #[must_use]
    pub fn except_cron(mut self, expression: &str) -> Self {
        let added = Exclusion::cron(expression).and_then(|exclusion| self.add_exclusion(exclusion));
        self.keep(added)
    }

    /// Does not run before this instant.
    #[must_use]
    pub fn starting(mut self, instant: DateTime<Utc>) -> Self {
        let set = instant_of(Part::Starting, instant).and_then(|instant| self.set_start(instant));
        self.keep(set)
    }

    /// Runs only before this instant.
    #[must_use]
    pub fn ending(mut self, instant: DateTime<Utc>) -> Self {
        let set = instant_of(Part::Ending, instant).and_then(|instant| self.set_end(instant));
        self.keep(set)
    }

    /// What fixed-time expressions do in a gap.
    #[must_use]
    pub fn gap(mut self, gap: Gap) -> Self {
        self.daylight.gap = gap;
        self
    }

    /// What fixed-time expressions do in an overlap.
    #[must_use]
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.daylight.overlap = overlap;
        self
    }

    /// Checks the whole.
    ///
    /// # Errors
    ///
    /// The first mistake that was made, or what is wrong with the parts together: no source, an end that is not later
    /// than the start, and parts that leave no tick since 1970.
    pub fn build(self) -> Result<Specification, SpecificationError> {
        let Self {
            zone,
            daylight,
            mut sources,
            mut instants,
            mut exclusions,
            starts_at,
            ends_at,
            mistake,
        } = self;
        if let Some(mistake) = mistake {
            return Err(mistake);
        }
        if !instants.is_empty() {
            instants.sort_unstable();
            instants.dedup();
            sources.push(Source::Instants(instants.into_boxed_slice()));
        }
        sources.sort_unstable();
        sources.dedup();
        exclusions.sort_unstable();
        exclusions.dedup();
        if let (Some(start), Some(end)) = (starts_at, ends_at)
            && start >= end
        {
            let (starts_at, ends_at) = (start.utc(), end.utc());
            return Err(SpecificationError::new(
                Part::Ending,
                Reason::Bounds { starts_at, ends_at },
            ));
        }
        let mut sources = sources.into_iter();
        let Some(source) = sources.next() else {
            return Err(SpecificationError::new(Part::Whole, Reason::NoSource));
        };
        let rest = Rest {
            sources: sources.collect(),
            exclusions,
            starts_at,
            ends_at,
        };
        let specification = Specification {
            source,
            rest: (rest != Rest::default()).then(|| Box::new(rest)),
            zone,
            daylight,
        };
        match specification.end(instant::utc(-1)) {
            None => Ok(specification),
            Some(end) => Err(specification.nothing_left(end)),
        }
    }

    fn keep(mut self, added: Result<(), SpecificationError>) -> Self {
        if let (None, Err(mistake)) = (&self.mistake, added) {
            self.mistake = Some(mistake);
        }
        self
    }

    pub(super) fn add_cron(&mut self, expression: &str) -> Result<(), SpecificationError> {
        let pattern = parse::parse(expression)
            .map_err(|error| SpecificationError::new(Part::Cron, Reason::Cron(Box::new(error))))?;
        self.add_source(Part::Cron, Source::Cron(pattern))
    }

    pub(super) fn add_source(&mut self, part: Part, source: Source) -> Result<(), SpecificationError> {
        self.sources.push(source);
        at_most(part, self.sources.len(), MOST_SOURCES)
    }

    pub(super) fn add_instant(&mut self, instant: Instant) -> Result<(), SpecificationError> {
        self.instants.push(instant);
        at_most(Part::At, self.instants.len(), MOST_INSTANTS)
    }

    pub(super) fn add_exclusion(&mut self, exclusion: Exclusion) -> Result<(), SpecificationError> {
        self.exclusions.push(exclusion);
        at_most(Part::Except, self.exclusions.len(), MOST_EXCLUSIONS)
    }

    pub(super) fn set_start(&mut self, instant: Instant) -> Result<(), SpecificationError> {
        once(Part::Starting, self.starts_at.replace(instant))
    }

    pub(super) fn set_end(&mut self, instant: Instant) -> Result<(), SpecificationError> {
        once(Part::Ending, self.ends_at.replace(instant))
    }
}

fn instant_of(part: Part, instant: DateTime<Utc>) -> Result<Instant, SpecificationError> {
    Instant::new(instant)
        .ok_or_else(|| SpecificationError::not_allowed(part, &instant::written(instant), instant::ALLOWED))
}

fn at_most(part: Part, count: usize, most: usize) -> Result<(), SpecificationError> {
    if count > most {
        return Err(SpecificationError::new(part, Reason::TooMany { most }));
    }
    Ok(())
}

/// Fails if a part that may be given once replaced another.
pub(super) fn once<T>(part: Part, replaced: Option<T>) -> Result<(), SpecificationError> {
    match replaced {
        None => Ok(()),
        Some(_) => Err(SpecificationError::new(part, Reason::Repeated)),
    }
}
