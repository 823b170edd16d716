use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{ScheduleId, SchedulePolicies};
use ratchet_recurrence::{Specification, spread_offset};

/// When a schedule fires and by which rules: equal ones are kept once, however many schedules have them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timetable {
    /// What its instants are.
    pub specification: Specification,
    /// What it does about missed ticks, overlap and herds.
    pub policies: SchedulePolicies,
    /// Since when excluded instants are its own. Only schedules that exclude something have this, and so only they keep
    /// a timetable each.
    pub excludes_since: Option<DateTime<Utc>>,
}

impl Timetable {
    /// How long after its nominal instants a schedule's ticks are due.
    #[must_use]
    pub fn offset(&self, id: ScheduleId) -> TimeDelta {
        offset_of(id, self.policies.spread)
    }
}

/// How long after its nominal instants the ticks of a schedule are due that is spread over so much time. Stored spreads
/// are checked; a negative one is none.
#[must_use]
pub fn offset_of(id: ScheduleId, spread: TimeDelta) -> TimeDelta {
    match spread.to_std() {
        Ok(width) if width > Duration::ZERO => {
            let offset = spread_offset(id.as_uuid().as_u128(), width);
            // It is less than its width, which was one.
            TimeDelta::from_std(offset).unwrap_or(spread)
        }
        _ => TimeDelta::zero(),
    }
}
