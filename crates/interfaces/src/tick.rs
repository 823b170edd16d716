use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::filter::{conditions, sort_keys};
use crate::name::named_enum;
use crate::{Choice, Filter, InstantBound, JobEvent, JobId, ScheduleId, SchedulePolicies, TextMatch};

named_enum! {
    /// What became of a nominal tick.
    pub enum TickOutcome: "tick outcome" {
        /// It became the job that the ledger names.
        Fired = "fired",
        /// It became the job that the ledger names, which waits for an earlier job of the schedule to end.
        Buffered = "buffered",
        /// It was missed and merged into a later tick, whose job the ledger names.
        Coalesced = "coalesced",
        /// A job of the schedule was unfinished; see [`crate::OverlapPolicy`].
        SkippedOverlap = "skipped_overlap",
        /// It was missed; see [`crate::MisfirePolicy`].
        SkippedMisfire = "skipped_misfire",
        /// The schedule was paused.
        SkippedPaused = "skipped_paused",
        /// The specification excludes it: it was never due. Such a row tells of instants between ticks, and may overlap
        /// with a range of them.
        Excluded = "excluded",
        /// No job could be made of it; the reason says why.
        FailedToCreate = "failed_to_create",
        /// Somebody had the schedule run at this instant, which is no tick.
        Triggered = "triggered",
        /// Somebody had this past tick made up for by the job that the ledger names. What the schedule itself decided
        /// on the tick stands beside it.
        Backfilled = "backfilled",
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
    /// How long after the first of them was due it was decided: after `scheduled_for` and the schedule's spread. Never
    /// negative.
    pub lateness: TimeDelta,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// Which request by hand it was done for, counted for the schedule from 1; 0 for what the schedule itself decided,
    /// which is of each tick once.
    pub request: u32,
    /// What became of its tick.
    pub record: TickRecord,
}

/// The decision on one schedule's due ticks, to be made durable in one transaction: ledger rows, jobs, and the
/// schedule's `last_run`, `next_run` and `run_count` together, or nothing.
///
/// Its jobs are those of the records that are [`TickOutcome::Fired`] or [`TickOutcome::Buffered`]; task, input, priority,
/// retries, timeout and destinations come from the schedule's row in the transaction itself. There, the rule
/// [`crate::decide_overlap`] may still change the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickFiring {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The decision holds only if the row still has this `timing_version` …
    pub expected_timing_version: u32,
    /// … and this `next_run`: a schedule that was edited, disabled, paused or fired meanwhile is left alone.
    pub expected_next_run: DateTime<Utc>,
    /// The policies by which the transaction decides on overlap and on the number of runs.
    pub policies: SchedulePolicies,
    /// The ledger rows, in the order of time but for those of excluded instants.
    pub records: Vec<TickRecord>,
    /// The schedule's next tick; `None` completes the schedule.
    pub next_run: Option<DateTime<Utc>>,
    /// Why the schedule is completed, in words, if there is no next tick.
    pub completion: Option<Arc<str>>,
    /// Whether the schedule was paused until now: it is not any longer, and its version is raised.
    pub resumes: bool,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
}

impl TickFiring {
    /// The records that become jobs.
    pub fn jobs(&self) -> impl DoubleEndedIterator<Item = &TickRecord> {
        self.records.iter().filter(|record| record.outcome.is_run())
    }
}

impl TickOutcome {
    /// Whether the schedule made a job of the tick.
    #[must_use]
    pub const fn is_run(self) -> bool {
        matches!(self, Self::Fired | Self::Buffered)
    }

    /// Whether somebody asked for it.
    #[must_use]
    pub const fn is_by_hand(self) -> bool {
        matches!(self, Self::Triggered | Self::Backfilled)
    }
}

/// What one transaction made of [`TickFiring`]s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommittedFirings {
    /// What became of each, in their order.
    pub outcomes: Vec<FiringOutcome>,
    /// What the schedules got that follow theirs, level by level.
    pub followers: Vec<FollowerTick>,
    /// What became of jobs that gave way to others, and of those that waited for them, in the order in which it was
    /// written. Of those that ran, who runs them tells.
    pub changed: Vec<JobEvent>,
}

/// What a schedule got because a job of the one that it follows was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowerTick {
    /// The schedule that follows.
    pub schedule_id: ScheduleId,
    /// What its ledger says. A job that it names is [`crate::JobStatus::Blocked`].
    pub record: TickRecord,
    /// The job that its job is after.
    pub after: JobId,
    /// Whether it was paused until now, and is not any longer.
    pub resumes: bool,
}

/// What became of a [`TickFiring`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FiringOutcome {
    /// It is on disk as it was decided.
    Committed,
    /// It is on disk in another form: as the rule on overlap changed it, or without what there was before.
    Adjusted(Box<AdjustedFiring>),
    /// The schedule was edited, disabled, paused, deleted or fired meanwhile: nothing was written. Read its row again.
    Stale,
}

/// What was committed instead of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustedFiring {
    /// The decision as it is on disk.
    pub firing: TickFiring,
    /// Its other ticks: there were jobs for them before, with which they are in the ledger.
    pub aside: Vec<TickRecord>,
    /// Whether running jobs of the schedule were asked to stop, or were broken off: whoever runs them must be told.
    pub stops_jobs: bool,
}

/// Runs of a schedule that somebody asked for: a trigger, or past ticks that are made up for.
#[derive(Clone, Debug, PartialEq)]
pub struct ManualRuns {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// [`TickOutcome::Triggered`] or [`TickOutcome::Backfilled`].
    pub outcome: TickOutcome,
    /// Who asked, and why.
    pub reason: Arc<str>,
    /// The input of the jobs, instead of the schedule's.
    pub input: Option<Value>,
    /// The runs, each instant once.
    pub runs: Vec<ManualRun>,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
}

/// What one transaction made of [`ManualRuns`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommittedRuns {
    /// The number of the request.
    pub request: u32,
    /// What the schedules got that follow theirs, level by level.
    pub followers: Vec<FollowerTick>,
}

/// One of [`ManualRuns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManualRun {
    /// The id of its job.
    pub job_id: JobId,
    /// The instant under which the ledger has it: the past tick, or when it was triggered.
    pub instant: DateTime<Utc>,
    /// The job does not run before.
    pub run_after: DateTime<Utc>,
}

/// Which ledger rows a list holds.
pub type TickFilter = Filter<TickCondition>;

conditions! {
    /// What a row of the ledger must be to stand in a list.
    pub enum TickCondition {
        /// See [`Tick::schedule_id`].
        ScheduleId(Choice<ScheduleId>) = "schedule_id",
        /// See [`TickRecord::scheduled_for`].
        ScheduledFor(InstantBound) = "scheduled_for",
        /// See [`TickRecord::through`].
        Through(InstantBound) = "through",
        /// See [`TickRecord::outcome`].
        Outcome(Choice<TickOutcome>) = "outcome",
        /// By hand, or by the schedule itself.
        ByHand(bool) = "by_hand",
        /// See [`TickRecord::reason`].
        Reason(TextMatch) = "reason",
        /// See [`TickRecord::job_id`].
        JobId(Choice<JobId>) = "job_id",
        /// See [`TickRecord::decided_at`].
        DecidedAt(InstantBound) = "decided_at",
    }
}

sort_keys! {
    /// What a list of ledger rows is sorted by. Ties are broken by the schedule, then the request.
    pub enum TickSort, by default ScheduledFor Descending {
        /// By the first nominal instant.
        ScheduledFor,
    }
}
