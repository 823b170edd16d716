use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::filter::{conditions, sort_keys};
use crate::name::named_enum;
use crate::{
    Bound, Choice, Filter, Following, InstantBound, JobPriority, OutputDestination, ScheduleId,
    SchedulePolicies, TaskId, TextMatch,
};

/// A schedule: which task is run when, with what input, and where its results go.
///
/// The specification is kept as text, with the name of its zone. It becomes a `ratchet_recurrence::Specification` where
/// it is needed; a row whose specification no longer parses is disabled by the engine, and all others run.
#[derive(Clone, Debug, PartialEq)]
pub struct UnifiedSchedule {
    /// The schedule's id.
    pub id: ScheduleId,
    /// The task that it runs.
    pub task_id: TaskId,
    /// Its unique name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it fires: cron with five, six or seven fields or a macro, intervals, instants, exclusions, bounds and
    /// daylight-saving policies, in the canonical text of `ratchet_recurrence::Specification`; or which schedule it
    /// follows, as [`Following`] prints it: then it has no ticks of its own, and no `next_run`.
    pub specification: String,
    /// The IANA time zone in which the specification is read, for example `Europe/Berlin`.
    pub timezone: String,
    /// The input of its jobs.
    pub input: Value,
    /// Whether it fires.
    pub enabled: bool,
    /// What the engine found out about it.
    pub state: ScheduleState,
    /// Why it is in that state, in words.
    pub state_reason: Option<String>,
    /// What it does about missed ticks, overlap, failures, and herds.
    pub policies: SchedulePolicies,
    /// Since when and why it does not fire, if it is paused. Its ticks meanwhile are decided on when it is resumed.
    pub pause: Option<Pause>,
    /// The priority of its jobs.
    pub priority: JobPriority,
    /// How often a failed job of it is tried again; `None` is what its task says.
    pub max_retries: Option<u32>,
    /// How long a job of it may run, in seconds; `None` is the server's default.
    pub timeout_seconds: Option<u32>,
    /// The next tick, in nominal time.
    pub next_run: Option<DateTime<Utc>>,
    /// The nominal time of the last tick that became a job.
    pub last_run: Option<DateTime<Utc>>,
    /// How many ticks became jobs.
    pub run_count: u64,
    /// How many of its jobs failed for good since the last one that succeeded.
    pub consecutive_failures: u32,
    /// How often somebody triggered it or filled in past ticks: the number of the last such request, from 1.
    pub requests: u32,
    /// Since when the specification, the zone and `enabled` are what they are. Its ticks are those after this instant;
    /// what it said before stands in its [`SchedulePeriod`]s.
    pub effective_from: DateTime<Utc>,
    /// Where the results of its jobs go.
    pub output_destinations: Vec<OutputDestination>,
    /// Anything that the owner wants to keep with it.
    pub metadata: Option<Value>,
    /// The set of schedules as code to which it belongs: who applies that set may delete it when it is not in the set any
    /// more. `None` is a schedule that somebody made by hand.
    pub managed_by: Option<String>,
    /// Counts the edits (not the ticks); an update must name the version that it read.
    pub version: u32,
    /// Counts those edits that concern when it fires, and how it is decided on. A decision on a tick holds if this is what it
    /// was.
    pub timing_version: u32,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
}

impl UnifiedSchedule {
    /// An enabled schedule with default policies, that has not fired yet.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        task_id: TaskId,
        specification: impl Into<String>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id: ScheduleId::new(),
            task_id,
            name: name.into(),
            description: None,
            specification: specification.into(),
            timezone: "UTC".to_owned(),
            input: Value::Object(serde_json::Map::new()),
            enabled: true,
            state: ScheduleState::Active,
            state_reason: None,
            policies: SchedulePolicies::default(),
            pause: None,
            priority: JobPriority::Normal,
            max_retries: None,
            timeout_seconds: None,
            next_run: None,
            last_run: None,
            run_count: 0,
            consecutive_failures: 0,
            requests: 0,
            effective_from: now,
            output_destinations: Vec::new(),
            metadata: None,
            managed_by: None,
            version: 1,
            timing_version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Which schedule it follows, if it does.
    #[must_use]
    pub fn follows(&self) -> Option<Following> {
        Following::of(&self.specification)
    }
}

named_enum! {
    /// What the engine found out about a schedule.
    pub enum ScheduleState: "schedule state" {
        /// Nothing stands against firing it.
        Active = "active",
        /// Its specification cannot be understood; the engine disabled it.
        Invalid = "invalid",
        /// It will never fire again.
        Completed = "completed",
    }
}

/// Schedules that are asked for together. What does not exist is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleSelection {
    /// Those with these names.
    Named(Vec<String>),
    /// Those of a set of schedules as code; see [`UnifiedSchedule::managed_by`].
    ManagedBy(String),
    /// Those that follow one of these.
    Following(Vec<ScheduleId>),
}

/// One of several changes of schedules that are made together, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleChange {
    /// A new schedule.
    Create(UnifiedSchedule),
    /// What a stored schedule is to become; its `version` must be the one that was read.
    Replace(UnifiedSchedule),
    /// As `Replace`, of what says nothing about when it fires.
    ReplaceDetails(UnifiedSchedule),
    /// A stored schedule is to go.
    Delete {
        /// Which.
        id: ScheduleId,
        /// The version that was read.
        version: u32,
    },
}

/// That a schedule does not fire although it is enabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Who paused it: a person, or `ratchet` after failures.
    pub by: String,
    /// Why.
    pub note: Option<String>,
    /// When it resumes by itself, if it does.
    pub resume_at: Option<DateTime<Utc>>,
}

/// What a schedule said during a time that is over: its ticks then are those of the specification that are later than
/// `effective_from`, up to and including `effective_until`. Times in which it was disabled have no period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulePeriod {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// When it began to say so.
    pub effective_from: DateTime<Utc>,
    /// When it ceased to.
    pub effective_until: DateTime<Utc>,
    /// See [`UnifiedSchedule::specification`].
    pub specification: String,
    /// See [`UnifiedSchedule::timezone`].
    pub timezone: String,
}

/// What the tick index needs of a schedule: a million of these are loaded at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleTiming {
    /// The schedule's id.
    pub id: ScheduleId,
    /// See [`UnifiedSchedule::timing_version`].
    pub timing_version: u32,
    /// See [`UnifiedSchedule::specification`].
    pub specification: String,
    /// See [`UnifiedSchedule::timezone`].
    pub timezone: String,
    /// See [`UnifiedSchedule::policies`].
    pub policies: SchedulePolicies,
    /// The next tick, or `None` where none was computed yet or none is left.
    pub next_run: Option<DateTime<Utc>>,
    /// When it resumes by itself: it is paused until then, and does not fire. A schedule that is paused until somebody
    /// resumes it has no timing.
    pub resume_at: Option<DateTime<Utc>>,
    /// See [`UnifiedSchedule::effective_from`].
    pub effective_from: DateTime<Utc>,
}

/// The schedules that the engine disabled because they cannot be understood, in short: for health, which must tell of
/// them even where the rest of such a row cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvalidSchedules {
    /// How many there are.
    pub total: u64,
    /// The first of them, by name.
    pub first: Vec<InvalidScheduleSummary>,
}

/// One of [`InvalidSchedules`]. It has no id: that may be what cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidScheduleSummary {
    /// See [`UnifiedSchedule::name`].
    pub name: String,
    /// See [`UnifiedSchedule::state_reason`].
    pub reason: Option<String>,
}

/// Numbers about all schedules, of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduleStatistics {
    /// How many there are.
    pub total: u64,
    /// How many of them are enabled.
    pub enabled: u64,
    /// How many are enabled, not paused, and have a tick that is due.
    pub ready: u64,
    /// The latest tick of any that became a job.
    pub last_run: Option<DateTime<Utc>>,
    /// The earliest next tick of those that are enabled and not paused.
    pub next_run: Option<DateTime<Utc>>,
    /// Of each that has run, the time from its creation to its last run, divided by the number of its runs: the mean of
    /// these, in seconds.
    pub mean_interval_seconds: Option<f64>,
}

/// Which schedules a list holds.
pub type ScheduleFilter = Filter<ScheduleCondition>;

conditions! {
    /// What a schedule must be to stand in a list.
    pub enum ScheduleCondition {
        /// See [`UnifiedSchedule::id`].
        Id(Choice<ScheduleId>) = "id",
        /// See [`UnifiedSchedule::task_id`].
        TaskId(Choice<TaskId>) = "task_id",
        /// See [`UnifiedSchedule::name`].
        Name(TextMatch) = "name",
        /// See [`UnifiedSchedule::description`].
        Description(TextMatch) = "description",
        /// See [`UnifiedSchedule::specification`].
        Specification(TextMatch) = "specification",
        /// See [`UnifiedSchedule::timezone`].
        Timezone(TextMatch) = "timezone",
        /// Enabled or not.
        Enabled(bool) = "enabled",
        /// See [`UnifiedSchedule::state`].
        State(Choice<ScheduleState>) = "state",
        /// Paused or not.
        Paused(bool) = "paused",
        /// See [`UnifiedSchedule::priority`].
        Priority(Bound<JobPriority>) = "priority",
        /// See [`UnifiedSchedule::next_run`].
        NextRun(InstantBound) = "next_run",
        /// See [`UnifiedSchedule::last_run`].
        LastRun(InstantBound) = "last_run",
        /// See [`UnifiedSchedule::run_count`].
        RunCount(Bound<u64>) = "run_count",
        /// See [`UnifiedSchedule::consecutive_failures`].
        ConsecutiveFailures(Bound<u64>) = "consecutive_failures",
        /// See [`UnifiedSchedule::created_at`].
        CreatedAt(InstantBound) = "created_at",
        /// See [`UnifiedSchedule::updated_at`].
        UpdatedAt(InstantBound) = "updated_at",
    }
}

sort_keys! {
    /// What a list of schedules is sorted by. Ties are broken by id.
    pub enum ScheduleSort, by default Name Ascending {
        /// By name.
        Name,
        /// By the next tick; schedules without one come last.
        NextRun,
        /// By the time of creation.
        CreatedAt,
    }
}
