use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    BusyInstant, ForecastBucket, ForecastRequest, ForecastTick, Pause, RepositoryError, ScheduleChange,
    ScheduleId, ScheduleState, TickAccount, UnifiedJob, UnifiedSchedule,
};

/// The scheduler, as the layers above see it.
///
/// It is the one way to change a schedule: a change is on disk *and* in the running engine when the call returns,
/// or the call fails and neither has it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SchedulerService: Send + Sync {
    /// Loads the schedules and begins to fire them. Starting a started scheduler does nothing.
    async fn start(&self) -> Result<(), SchedulerError>;

    /// Fires no further tick, and returns when the last transaction in flight is on disk. Stopping a stopped
    /// scheduler does nothing.
    async fn stop(&self) -> Result<(), SchedulerError>;

    /// Stores a new schedule and fires it from now on. Returns it with its first `next_run`. One that follows another, as
    /// in `after nightly-import succeeded`, has none: its jobs are made with those of the other.
    async fn add_schedule(&self, schedule: UnifiedSchedule) -> Result<UnifiedSchedule, SchedulerError>;

    /// Deletes a schedule. Its jobs stay. One that others follow is not deleted.
    async fn remove_schedule(&self, id: ScheduleId) -> Result<(), SchedulerError>;

    /// As [`Self::remove_schedule`], if the schedule is of this version; `VersionConflict` otherwise.
    async fn remove_schedule_of_version(&self, id: ScheduleId, version: u32) -> Result<(), SchedulerError>;

    /// Replaces a schedule; `version` must be the one that was read. Its next tick is recomputed from now on.
    async fn update_schedule(&self, schedule: UnifiedSchedule) -> Result<UnifiedSchedule, SchedulerError>;

    /// Makes many changes together, or none; each as the verbs above make it, but that the version counts for what is deleted
    /// as well. What is created may follow what is created with it, by its name. The order does not matter. Returns what
    /// was created and replaced.
    ///
    /// What is due already under a schedule that is replaced is decided on before, whether the changes go through or not.
    async fn change_schedules(
        &self,
        changes: Vec<ScheduleChange>,
    ) -> Result<Vec<UnifiedSchedule>, SchedulerError>;

    /// Refuses the changes that [`Self::change_schedules`] would refuse before it writes. Nothing is decided on or changed.
    async fn check_schedule_changes(&self, changes: Vec<ScheduleChange>) -> Result<(), SchedulerError>;

    /// Where a schedule stands, in the database and in the engine.
    async fn get_schedule_status(&self, id: ScheduleId) -> Result<ScheduleStatus, SchedulerError>;

    /// Creates a job of the schedule at once, whether it is enabled or not, with its own or with another input. Those that
    /// follow the schedule get theirs, with their own input; one that follows another waits for nothing then.
    async fn trigger_now(&self, id: ScheduleId, input: Option<Value>) -> Result<UnifiedJob, SchedulerError>;

    /// Ceases to fire a schedule until it is resumed, by somebody or at an instant. What is due already is decided on
    /// first. A paused schedule is paused anew.
    async fn pause_schedule(
        &self,
        id: ScheduleId,
        request: PauseRequest,
    ) -> Result<UnifiedSchedule, SchedulerError>;

    /// Fires a paused schedule again. Its ticks meanwhile were missed: its misfire policy decides on them, or all are
    /// skipped. One that is not paused stays as it is.
    async fn resume_schedule(
        &self,
        id: ScheduleId,
        request: ResumeRequest,
    ) -> Result<UnifiedSchedule, SchedulerError>;

    /// Makes up for past ticks of the schedule's present specification, whether it is enabled or not: a job for each,
    /// marked as such in queue and ledger. The overlap policy does not concern them. A schedule that follows another has no
    /// ticks to make up for.
    async fn backfill(
        &self,
        id: ScheduleId,
        request: BackfillRequest,
    ) -> Result<BackfillReport, SchedulerError>;

    /// What became, becomes or would become of an instant of the schedule, and why.
    async fn why(&self, id: ScheduleId, instant: DateTime<Utc>) -> Result<TickAccount, SchedulerError>;

    /// The ticks to come, in the order in which they are due, worked out as they are asked for. Schedules that follow others
    /// have none.
    async fn forecast(
        &self,
        request: ForecastRequest,
    ) -> Result<Box<dyn Iterator<Item = ForecastTick> + Send>, SchedulerError>;

    /// How many ticks are due in each of equally long stretches.
    async fn forecast_buckets(
        &self,
        request: ForecastRequest,
        width: Duration,
    ) -> Result<Vec<ForecastBucket>, SchedulerError>;

    /// The seconds in which most ticks are due, at most so many, the busiest first.
    async fn forecast_busiest(
        &self,
        request: ForecastRequest,
        most: usize,
    ) -> Result<Vec<BusyInstant>, SchedulerError>;

    /// How the engine is.
    async fn health(&self) -> Result<SchedulerHealth, SchedulerError>;
}

/// A schedule is to be paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseRequest {
    /// Who asks.
    pub by: String,
    /// Why.
    pub note: Option<String>,
    /// When it resumes by itself, if it does.
    pub resume_at: Option<DateTime<Utc>>,
}

/// A schedule is to be resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeRequest {
    /// Who asks.
    pub by: String,
    /// Whether all ticks meanwhile are skipped, whatever the misfire policy says.
    pub skip_missed: bool,
}

/// Past ticks are to be made up for.
#[derive(Clone, Debug, PartialEq)]
pub struct BackfillRequest {
    /// The first instant of the range.
    pub from: DateTime<Utc>,
    /// The first instant that does not belong to it any more; not in the future.
    pub to: DateTime<Utc>,
    /// Which ticks come first.
    pub order: BackfillOrder,
    /// How many ticks at the most, 1 through 10,000: the first in that order.
    pub max_count: u32,
    /// How many jobs may start a minute, 1 through 60,000; `None` is as fast as they run.
    pub per_minute: Option<u32>,
    /// Whether ticks are left out that became a job, or were merged into one.
    pub only_missing: bool,
    /// The input of the jobs, instead of the schedule's.
    pub input: Option<Value>,
    /// Who asks.
    pub by: String,
    /// Why.
    pub note: Option<String>,
}

/// Which ticks are made up for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackfillOrder {
    /// The earliest.
    OldestFirst,
    /// The latest.
    NewestFirst,
}

/// What a backfill has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackfillReport {
    /// The number of the request, by which ledger and jobs know it; `None` if there was nothing to do.
    pub request: Option<u32>,
    /// How many jobs were made.
    pub jobs: u64,
    /// The first and the last tick that they make up for, in the order of time.
    pub range: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// How many ticks of the range were left out because they have a job.
    pub had_jobs: u64,
    /// How many were left out because of the maximum.
    pub beyond_max: u64,
    /// When the last job may start.
    pub last_start: Option<DateTime<Utc>>,
}

/// Where a schedule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleStatus {
    /// The schedule.
    pub id: ScheduleId,
    /// Whether it is enabled.
    pub enabled: bool,
    /// What the engine found out about it.
    pub state: ScheduleState,
    /// Why, in words.
    pub state_reason: Option<String>,
    /// Since when and why it is paused, if it is.
    pub pause: Option<Pause>,
    /// Whether the engine will fire it: it is enabled, valid, has a next tick, and the engine runs. One that follows another
    /// is never fired by itself.
    pub armed: bool,
    /// Its next tick.
    pub next_run: Option<DateTime<Utc>>,
    /// Its last tick that became a job.
    pub last_run: Option<DateTime<Utc>>,
    /// How many ticks became jobs.
    pub run_count: u64,
}

/// How the engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulerHealth {
    /// Whether it fires.
    pub running: bool,
    /// How many schedules it fires.
    pub schedules: usize,
    /// The next tick of any of them.
    pub next_tick: Option<DateTime<Utc>>,
    /// How many ticks wait for their transaction.
    pub in_flight: usize,
    /// Why ticks do not fire or cannot be made durable at this moment, if that is so. It is then unhealthy, whatever
    /// else it says.
    pub stalled: Option<String>,
    /// How many schedules the engine disabled because their specification cannot be understood.
    pub invalid_schedules: u64,
    /// Some of them: name and reason.
    pub invalid_examples: Vec<(String, String)>,
}

/// The scheduler could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    /// The configuration is out of range.
    #[error("scheduler.{field} is {value}: {rule}")]
    InvalidConfig {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// The schedule cannot be accepted.
    #[error("schedule \"{schedule}\": {field} is \"{value}\"")]
    InvalidSchedule {
        /// The schedule's name.
        schedule: String,
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// What was asked for cannot be done.
    #[error("{field} is \"{value}\": {rule}")]
    InvalidRequest {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        rule: String,
    },
    /// The database could not do it.
    #[error("{during} failed")]
    Repository {
        /// What was being done.
        during: &'static str,
        /// Why.
        #[source]
        source: RepositoryError,
    },
    /// The job runtime could not be set up.
    #[error("the job runtime failed while {during}")]
    Runtime {
        /// What was being done.
        during: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}
