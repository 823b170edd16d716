//! What a schedule said when: the times that are over, and the present.

#[cfg(test)]
pub(crate) mod ledger;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{RepositoryError, SchedulePeriod, ScheduleState, UnifiedSchedule};
use ratchet_recurrence::Specification;
use ratchet_repository_bridge::{RepositoryBridge, SpecificationError, parse_specification};

/// A stretch of time in which one specification held: its ticks then are those later than `after`, up to and including
/// `until`.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) after: DateTime<Utc>,
    /// `None` where it holds still, as long as it has ticks.
    pub(crate) until: Option<DateTime<Utc>>,
    /// Whether it is what the schedule says now.
    pub(crate) is_present: bool,
    /// An error where this binary cannot read it.
    pub(crate) specification: Result<Specification, SpecificationError>,
}

impl Term {
    fn of_period(period: &SchedulePeriod) -> Self {
        Self {
            after: period.effective_from,
            until: Some(period.effective_until),
            is_present: false,
            specification: parse_specification(&period.specification, &period.timezone),
        }
    }

    /// `None` if the schedule is disabled. One that the engine disabled because it cannot be read has a term, for
    /// nobody knows what its ticks were.
    fn of_present(schedule: &UnifiedSchedule) -> Option<Self> {
        if !schedule.enabled && schedule.state != ScheduleState::Invalid {
            return None;
        }
        let until =
            ends_with_last_run(schedule).then(|| schedule.last_run.unwrap_or(schedule.effective_from));
        Some(Self {
            after: schedule.effective_from,
            until,
            is_present: true,
            specification: parse_specification(&schedule.specification, &schedule.timezone),
        })
    }

    pub(crate) fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.after < instant && self.until.is_none_or(|until| instant <= until)
    }

    /// The term's first tick that is later than `after`.
    pub(crate) fn next_tick(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let specification = self.specification.as_ref().ok()?;
        specification
            .next_after(after.max(self.after))
            .filter(|tick| self.until.is_none_or(|until| *tick <= until))
    }

    /// The term's last tick that is earlier than `before`.
    pub(crate) fn previous_tick(&self, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let specification = self.specification.as_ref().ok()?;
        let until = self
            .until
            .map_or(before - INSTANT, |until| until.min(before - INSTANT));
        specification.last_between(self.after, until)
    }
}

/// Less than the distance of any two instants that are stored.
pub(crate) const INSTANT: TimeDelta = TimeDelta::nanoseconds(1);

/// A schedule that has had its number of runs ends with the last of them, whatever its specification says.
fn ends_with_last_run(schedule: &UnifiedSchedule) -> bool {
    let reason = schedule.state_reason.as_deref().unwrap_or_default();
    schedule.state == ScheduleState::Completed && reason.contains("maxRuns")
}

/// All that a schedule has said, in the order of time.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) terms: Vec<Term>,
}

impl History {
    pub(crate) async fn read(
        bridge: &RepositoryBridge,
        schedule: &UnifiedSchedule,
    ) -> Result<Self, RepositoryError> {
        let periods = bridge.list_periods(schedule.id).await?;
        Ok(Self::new(&periods, schedule))
    }

    pub(crate) fn new(periods: &[SchedulePeriod], schedule: &UnifiedSchedule) -> Self {
        let past = periods.iter().map(Term::of_period);
        Self {
            terms: past.chain(Term::of_present(schedule)).collect(),
        }
    }

    pub(crate) fn at(&self, instant: DateTime<Utc>) -> Option<&Term> {
        self.terms.iter().find(|term| term.contains(instant))
    }

    pub(crate) fn next_tick(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.terms.iter().find_map(|term| term.next_tick(after))
    }

    pub(crate) fn previous_tick(&self, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let earlier = self.terms.iter().rev().filter(|term| term.after < before);
        earlier.filter_map(|term| term.previous_tick(before)).next()
    }
}
