use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{ExecutionId, JobId, NodeId, TaskId};

/// What this process can say of itself as one that runs jobs.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait WorkerStatus: Send + Sync {
    /// How it is at this moment. It waits for nothing and asks the database nothing.
    fn report(&self) -> WorkerReport;
}

/// A process that runs jobs, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    /// The process, as its jobs' lease names it.
    pub node: NodeId,
    /// Its version.
    pub version: String,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// How long it has been running.
    pub uptime: Duration,
    /// How many jobs it runs at once at the most.
    pub slots: u64,
    /// What it runs, the one that was started first first.
    pub running: Vec<RunningJob>,
    /// How many attempts at jobs it has begun.
    pub begun: u64,
    /// What keeps it from claiming, running or settling jobs, if anything does.
    pub stalled: Option<String>,
}

/// A job that a process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningJob {
    /// The job.
    pub job_id: JobId,
    /// The attempt at it.
    pub execution_id: ExecutionId,
    /// The task that it runs.
    pub task_id: TaskId,
    /// Since when the process has had it.
    pub since: DateTime<Utc>,
}
