use chrono::{DateTime, Utc};

use crate::{ScheduleId, Tick};

/// What became, becomes or would become of one instant of a schedule, and why: the answer to
/// [`SchedulerService::why`](crate::SchedulerService::why).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickAccount {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The instant that was asked about.
    pub instant: DateTime<Utc>,
    /// The answer.
    pub verdict: TickVerdict,
    /// The answer in words.
    pub words: String,
    /// What the ledger has of the instant: what the schedule decided, and runs that were asked for by hand.
    pub recorded: Vec<Tick>,
    /// The last tick before the instant, by the specification that held at the time.
    pub previous: Option<DateTime<Utc>>,
    /// The first tick after the instant, by the specification that held at the time.
    pub next: Option<DateTime<Utc>>,
}

/// The kinds of answers about an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TickVerdict {
    /// It is a tick, and the ledger says what became of it.
    Recorded,
    /// It is a tick to come.
    Expected,
    /// It is a tick that is due, and is being decided on or waits for the engine to run.
    Undecided,
    /// It is a tick that will be decided on when the schedule is resumed.
    Paused,
    /// It is no tick.
    NotDue,
    /// It would be a tick, were it not excluded.
    Excluded,
    /// The schedule did not exist yet, was disabled, or was completed.
    OutOfForce,
    /// It was a tick, but the ledger does not go back so far.
    Pruned,
    /// It was a tick, and the ledger has nothing of it: that must not be.
    Missing,
}
