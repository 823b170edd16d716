use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::name::named_enum;
use crate::{JobId, ScheduleId};

named_enum! {
    /// What became of a nominal tick.
    pub enum TickOutcome: "tick outcome" {
        /// It became the job that the ledger names.
        Fired = "fired",
        /// It was missed and merged into a later tick, whose job the ledger names.
        Coalesced = "coalesced",
        /// No job could be made of it; the reason says why.
        FailedToCreate = "failed_to_create",
    }
}

/// What the ledger says of a run of nominal ticks of one schedule: usually one, and a range only where very many
/// consecutive ticks had the same outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickRecord {
    /// The first nominal instant.
    pub scheduled_for: DateTime<Utc>,
    /// The last nominal instant; equal to `scheduled_for` where the record is of one tick.
    pub through: DateTime<Utc>,
    /// How many nominal ticks the record stands for.
    pub count: u64,
    /// What became of them.
    pub outcome: TickOutcome,
    /// Why, in words, where the outcome alone does not say it. Records of one decision share the text.
    pub reason: Option<Arc<str>>,
    /// The job that the tick became or was merged into.
    pub job_id: Option<JobId>,
    /// How long after `scheduled_for` it was decided. Never negative.
    pub lateness: TimeDelta,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// What became of its tick.
    pub record: TickRecord,
}

/// The decision on one schedule's due ticks, to be made durable in one transaction: ledger rows, the job, and the
/// schedule's `last_run`, `next_run` and `run_count` together, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickFiring {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The decision holds only if the row still has this version …
    pub expected_version: u32,
    /// … and this `next_run`: a schedule that was edited, disabled or fired meanwhile is left alone.
    pub expected_next_run: DateTime<Utc>,
    /// The ledger rows.
    pub records: Vec<TickRecord>,
    /// The job, unless every tick was skipped.
    pub job: Option<FiredJob>,
    /// The schedule's next tick; `None` completes the schedule.
    pub next_run: Option<DateTime<Utc>>,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
}

/// The job that a tick becomes. Task, input, priority, retries, timeout and destinations come from the schedule's
/// row in the transaction itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiredJob {
    /// The new job's id.
    pub id: JobId,
    /// The nominal tick that it stands for.
    pub scheduled_for: DateTime<Utc>,
}

/// What became of a [`TickFiring`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FiringOutcome {
    /// It is on disk.
    Committed,
    /// The schedule was edited, disabled, deleted or fired meanwhile: nothing was written. Read its row again.
    Stale,
}

/// Which ledger rows a list holds. A field that is `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct TickFilter {
    /// Of this schedule.
    pub schedule_id: Option<ScheduleId>,
    /// That end at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// That begin before this instant.
    pub before: Option<DateTime<Utc>>,
    /// With this outcome.
    pub outcome: Option<TickOutcome>,
}
