//! What a schedule said when: the times that are over, and the present.

#[cfg(test)]
pub(crate) mod ledger;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{Following, RepositoryError, SchedulePeriod, ScheduleState, UnifiedSchedule};
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
    pub(crate) rule: Rule,
}

/// What a specification says.
#[derive(Debug)]
pub(crate) enum Rule {
    /// It has ticks.
    Ticks(Specification),
    /// It follows another schedule.
    Follows(Following),
    /// This binary cannot read it.
    Unreadable(SpecificationError),
}

impl Rule {
    fn of(specification: &str, timezone: &str) -> Self {
        if let Some(following) = Following::of(specification) {
            return Self::Follows(following);
        }
        match parse_specification(specification, timezone) {
            Ok(specification) => Self::Ticks(specification),
            Err(error) => Self::Unreadable(error),
        }
    }
}

impl Term {
    fn of_period(period: &SchedulePeriod) -> Self {
        Self {
            after: period.effective_from,
            until: Some(period.effective_until),
            is_present: false,
            rule: Rule::of(&period.specification, &period.timezone),
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
            rule: Rule::of(&schedule.specification, &schedule.timezone),
        })
    }

    /// Its ticks, if it has some.
    pub(crate) fn specification(&self) -> Option<&Specification> {
        match &self.rule {
            Rule::Ticks(specification) => Some(specification),
            Rule::Follows(_) | Rule::Unreadable(_) => None,
        }
    }

    /// Whether a row that was decided on at an instant may be of its leader's jobs: an edit and a tick at the same moment
    /// may be either first, whatever their clocks said.
    pub(crate) fn follows_around(&self, decided_at: DateTime<Utc>) -> bool {
        matches!(self.rule, Rule::Follows(_))
            && self.after - AROUND < decided_at
            && self.until.is_none_or(|until| decided_at < until + AROUND)
    }

    /// Whether what a leader decided on at an instant, under another, must have a row: within the term, and not close to an
    /// edit.
    pub(crate) fn must_follow(&self, decided_at: DateTime<Utc>, scheduled_for: DateTime<Utc>) -> bool {
        let is_within = |instant: DateTime<Utc>, margin: TimeDelta| {
            self.after + margin < instant && self.until.is_none_or(|until| instant < until - margin)
        };
        is_within(decided_at, AROUND) && is_within(scheduled_for, TimeDelta::zero())
    }

    pub(crate) fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.after < instant && self.until.is_none_or(|until| instant <= until)
    }

    /// The term's first tick that is later than `after`.
    pub(crate) fn next_tick(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let specification = self.specification()?;
        specification
            .next_after(after.max(self.after))
            .filter(|tick| self.until.is_none_or(|until| *tick <= until))
    }

    /// The term's last tick that is earlier than `before`.
    pub(crate) fn previous_tick(&self, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let specification = self.specification()?;
        let until = self
            .until
            .map_or(before - INSTANT, |until| until.min(before - INSTANT));
        specification.last_between(self.after, until)
    }
}

/// Less than the distance of any two instants that are stored.
pub(crate) const INSTANT: TimeDelta = TimeDelta::nanoseconds(1);

/// How long an edit may take from when it was asked for until it is on disk.
const AROUND: TimeDelta = TimeDelta::minutes(1);

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
