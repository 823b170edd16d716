use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::name::named_enum;
use crate::{ExecutionId, JobId, LogLevel, NodeId, Progress, TaskErrorKind};

named_enum! {
    /// Where an execution stands.
    pub enum ExecutionStatus: "execution status" {
        /// It runs.
        Running = "running",
        /// The task returned.
        Completed = "completed",
        /// The task failed, panicked or ran into its timeout, or its process died.
        Failed = "failed",
        /// It was broken off on purpose.
        Cancelled = "cancelled",
    }
}

/// One attempt at a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// The execution's id.
    pub id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// The input it ran with.
    pub input: Value,
    /// What the task returned.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// What kind of failure that is.
    pub error_kind: Option<TaskErrorKind>,
    /// How far the task said last that it is.
    pub progress: Option<Progress>,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it ran.
    pub duration: Option<TimeDelta>,
    /// The process that ran it.
    pub node: NodeId,
}

/// Which executions a list holds. A field that is `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct ExecutionFilter {
    /// Of this job.
    pub job_id: Option<JobId>,
    /// In this state.
    pub status: Option<ExecutionStatus>,
}

/// A line that a task printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionLogLine {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its place among the execution's lines, from 0.
    pub seq: u32,
    /// When it was printed.
    pub at: DateTime<Utc>,
    /// How important the task said it is.
    pub level: LogLevel,
    /// The line.
    pub message: String,
}
