use std::error::Error;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{RepositoryError, ScheduleId, ScheduleState, UnifiedJob, UnifiedSchedule};

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

    /// Stores a new schedule and fires it from now on. Returns it with its first `next_run`.
    async fn add_schedule(&self, schedule: UnifiedSchedule) -> Result<UnifiedSchedule, SchedulerError>;

    /// Deletes a schedule. Its jobs stay.
    async fn remove_schedule(&self, id: ScheduleId) -> Result<(), SchedulerError>;

    /// Replaces a schedule; `version` must be the one that was read. Its next tick is recomputed from now on.
    async fn update_schedule(&self, schedule: UnifiedSchedule) -> Result<UnifiedSchedule, SchedulerError>;

    /// Where a schedule stands, in the database and in the engine.
    async fn get_schedule_status(&self, id: ScheduleId) -> Result<ScheduleStatus, SchedulerError>;

    /// Creates a job of the schedule at once, whether it is enabled or not, with its own or with another input.
    async fn trigger_now(&self, id: ScheduleId, input: Option<Value>) -> Result<UnifiedJob, SchedulerError>;

    /// How the engine is.
    async fn health(&self) -> Result<SchedulerHealth, SchedulerError>;
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
    /// Whether the engine will fire it: it is enabled, valid, has a next tick, and the engine runs.
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
