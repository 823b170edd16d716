use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{ExecutionId, JobId, TaskDefinition, TaskId};

/// A runtime: what runs tasks of one kind.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TaskExecutor: Send + Sync {
    /// The name that a task's `runtime` gives, for example `builtin`.
    fn runtime(&self) -> &str;

    /// Runs a task once. Dropping the future breaks the run off; limits and timeouts are the caller's.
    async fn execute(&self, request: TaskRequest) -> Result<Value, TaskError>;
}

/// What is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRequest {
    /// The task.
    pub task: TaskDefinition,
    /// Its input.
    pub input: Value,
    /// Who asks.
    pub context: TaskContext,
}

/// What a task may know about its own run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskContext {
    /// The execution.
    pub execution_id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// The task.
    pub task_id: TaskId,
    /// The task's version.
    pub task_version: String,
    /// The nominal tick, if a schedule made the job.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// The task itself says so. It may succeed another time.
    #[error("{message}")]
    Failed {
        /// What the task said.
        message: String,
    },
    /// It cannot succeed, however often it is tried.
    #[error("{message}")]
    Permanent {
        /// Why.
        message: String,
    },
}

/// What the running server can say of itself to a task.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait RuntimeStatus: Send + Sync {
    /// The server's version.
    fn version(&self) -> String;

    /// How long it has been running.
    fn uptime(&self) -> Duration;

    /// How many jobs run at this moment, the asking one included.
    fn active_jobs(&self) -> usize;
}
