use chrono::{DateTime, Utc};

use crate::name::named_enum;
use crate::{ExecutionId, JobId, ScheduleId, TaskId};

named_enum! {
    /// What a [`DeletionEvent`] tells of.
    pub enum Deleted: "kind of deletion" {
        /// A job that had ended, with its executions, logs and deliveries.
        Job = "job",
        /// An execution that had ended, with its log and deliveries. Its job stays.
        Execution = "execution",
        /// All jobs of a task, which went with it.
        JobsOfTask = "jobs_of_task",
        /// Jobs that had ended, and are not kept any more.
        OldJobs = "old_jobs",
    }
}

/// A job or an execution was deleted, or many jobs at once. Of many it is told how many there were, and not which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletionEvent {
    /// What was.
    pub deleted: Deleted,
    /// How many jobs, or executions.
    pub count: u64,
    /// The job, or that of the execution; `None` for many, or where that is not known.
    pub job_id: Option<JobId>,
    /// The execution, if it was one.
    pub execution_id: Option<ExecutionId>,
    /// Whose task it was, if that was the same for all and is known.
    pub task_id: Option<TaskId>,
    /// The schedule that had made the job, if it was one, a schedule did, and that is known.
    pub schedule_id: Option<ScheduleId>,
    /// When.
    pub at: DateTime<Utc>,
}

impl DeletionEvent {
    /// The name by which a deletion is found among other events, where these have a status or a change.
    pub const STATUS: &str = "deleted";

    /// So many of a kind were deleted, of which nothing else is known.
    #[must_use]
    pub const fn of(deleted: Deleted, count: u64, at: DateTime<Utc>) -> Self {
        Self {
            deleted,
            count,
            job_id: None,
            execution_id: None,
            task_id: None,
            schedule_id: None,
            at,
        }
    }
}
