use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::TickOutcome;

use super::{Plan, Run};

impl Plan<'_> {
    /// Records in one row what was excluded between the tick before those that are due, or since `since`, and the last
    /// of them.
    pub(super) fn tell_of_excluded(&mut self, since: DateTime<Utc>, last: DateTime<Utc>) {
        let specification = &self.due.timetable.specification;
        let first = self.due.scheduled_for;
        let after = specification
            .last_between(since, first - TimeDelta::seconds(1))
            .unwrap_or(since);
        let plain = specification.without_exclusions();
        let excluded = |until: DateTime<Utc>| {
            plain.count_between(after, until) - specification.count_between(after, until)
        };
        let count = excluded(last);
        if count == 0 {
            return;
        }
        let run = Run {
            first: earliest(after, last, |until| excluded(until) >= 1),
            last: earliest(after, last, |until| excluded(until) == count),
            count,
        };
        let reason = "the specification excludes it".into();
        self.record(run, TickOutcome::Excluded, Some(reason), None);
    }
}

/// The first whole second after `after`, up to `until`, from which on something holds that holds at `until`.
fn earliest(
    after: DateTime<Utc>,
    until: DateTime<Utc>,
    holds: impl Fn(DateTime<Utc>) -> bool,
) -> DateTime<Utc> {
    let (mut low, mut high) = (after.timestamp(), until.timestamp());
    let at = |second| DateTime::from_timestamp(second, 0).unwrap_or(until);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(at(middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    at(high)
}
