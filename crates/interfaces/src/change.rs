//! Changes by hand.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    JobEvent, JobId, JobPriority, JobStatus, OutputDestination, ScheduleId, TaskId, UnifiedJob,
    UnifiedSchedule,
};

/// What is to be changed of a job that waits. A field that is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobChanges {
    /// How important it is.
    pub priority: Option<JobPriority>,
    /// The instant that it stands for, or none.
    pub scheduled_for: Option<Option<DateTime<Utc>>>,
    /// It does not run before this instant.
    pub run_after: Option<DateTime<Utc>>,
    /// How often it is tried again, or what its task says.
    pub max_retries: Option<Option<u32>>,
    /// How long it may run, in seconds, or what its task says.
    pub timeout_seconds: Option<Option<u32>>,
    /// Its input.
    pub input: Option<Value>,
    /// Where its result goes.
    pub output_destinations: Option<Vec<OutputDestination>>,
}

/// What became of a job that was to be changed.
#[derive(Clone, Debug, PartialEq)]
pub enum JobUpdate {
    /// It was changed, and is like this.
    Updated(Box<UnifiedJob>),
    /// It runs or has ended, and was left as it is.
    TooLate(JobStatus),
}

/// What became of a job that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobDeletion {
    /// It was deleted, with its executions, logs and deliveries.
    Deleted {
        /// Its task, if that can be read.
        task_id: Option<TaskId>,
        /// The schedule that had made it, if one had and that can be read.
        schedule_id: Option<ScheduleId>,
    },
    /// It has not ended.
    Unfinished(JobStatus),
    /// So many of its results are still to be delivered.
    Undelivered(u64),
    /// This job waits for it.
    AwaitedBy(JobId),
}

/// What became of a schedule that was to be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleDeletion {
    /// Whether there was one.
    pub existed: bool,
    /// What became of jobs that waited for an earlier one of it, and of those after them.
    pub changed: Vec<JobEvent>,
}

/// Schedules that were changed together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangedSchedules {
    /// What was created and replaced, in the order in which it was given.
    pub schedules: Vec<UnifiedSchedule>,
    /// What became of jobs of those that were deleted; see [`ScheduleDeletion::changed`].
    pub changed: Vec<JobEvent>,
}

/// What became of an execution that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionDeletion {
    /// It was deleted, with its log and deliveries.
    Deleted {
        /// Its job, if that can be read.
        job_id: Option<JobId>,
        /// The job's task, if the job is there and that can be read.
        task_id: Option<TaskId>,
        /// The schedule that had made the job, if one had, and the job is there and that can be read.
        schedule_id: Option<ScheduleId>,
    },
    /// It runs.
    Running,
    /// So many of its results are still to be delivered.
    Undelivered(u64),
}
