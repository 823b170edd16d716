use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::name::named_enum;
use crate::{ExecutionId, JobId, StopToken, TaskDefinition, TaskId};

/// A runtime: what runs tasks of one kind.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TaskExecutor: Send + Sync {
    /// The name that a task's `runtime` gives, for example `builtin`.
    fn runtime(&self) -> &str;

    /// What is wrong with a task's source, before anything is run; `None` when nothing is.
    fn check(&self, task: &TaskDefinition) -> Option<String>;

    /// Runs a task once. The caller keeps the time: when it is up, or the run is called off, it triggers the request's
    /// stop token, waits for [`TaskExecutor::stop_grace`], and then drops the future, which breaks the run off.
    async fn execute(&self, request: TaskRequest) -> Result<Value, TaskError>;

    /// How long a run that was told to stop may take to end in order.
    fn stop_grace(&self) -> Duration;
}

/// What is to be run.
#[derive(Clone)]
pub struct TaskRequest {
    /// The task.
    pub task: Arc<TaskDefinition>,
    /// Its input.
    pub input: Value,
    /// Who asks.
    pub context: TaskContext,
    /// What the run may use.
    pub limits: RunLimits,
    /// Who hears what the task says of itself.
    pub monitor: Arc<dyn TaskMonitor>,
    /// Told to stop when the run is to end early.
    pub stop: StopToken,
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

/// What one run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// How long it may take. The caller enforces it; the run may plan by it.
    pub timeout: Duration,
    /// How much memory it may use, in bytes; `None` leaves it to the runtime.
    pub memory_bytes: Option<u64>,
}

/// Hears what a running task says of itself. It never blocks, and what is too much is cut.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TaskMonitor: Send + Sync {
    /// The task printed something.
    fn log(&self, level: LogLevel, message: &str);

    /// The task says how far it is.
    fn progress(&self, progress: Progress);
}

/// How far a task says that it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// In percent, 0 through 100.
    pub percent: f64,
    /// In words.
    pub message: Option<String>,
}

named_enum! {
    /// How important a task says that a line of its log is.
    pub enum LogLevel: "log level" {
        /// For who looks for a fault.
        Debug = "debug",
        /// What happened.
        Info = "info",
        /// What may be wrong.
        Warn = "warn",
        /// What is wrong.
        Error = "error",
    }
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TaskError {
    /// What kind of failure it is, by which a policy may decide.
    pub kind: TaskErrorKind,
    /// What failed, in words.
    pub message: String,
    /// Whether another try may succeed, as far as the failure says.
    pub retryable: bool,
    /// How long it asks to be left alone, if it does.
    pub retry_after: Option<Duration>,
}

named_enum! {
    /// What kind of failure a failed run is.
    pub enum TaskErrorKind: "kind of failure" {
        /// The task itself says so: it threw, or returned an error.
        Task = "task",
        /// It took too long.
        Timeout = "timeout",
        /// It used too much memory.
        Memory = "memory",
        /// Something could not be reached.
        Network = "network",
        /// Something answered otherwise than it should.
        Response = "response",
        /// The input does not suit the task.
        Input = "input",
        /// The output is not what the task promises, or too much of it.
        Output = "output",
        /// It wanted what it is not allowed.
        Permission = "permission",
        /// The task cannot be run as it stands: its source is wrong, or there is no runtime for it.
        Definition = "definition",
        /// The runtime itself failed.
        Panic = "panic",
    }
}

impl TaskErrorKind {
    /// Whether a failure of this kind may be none another time, as long as it does not say otherwise itself.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Task | Self::Timeout | Self::Network | Self::Response | Self::Output | Self::Panic => true,
            Self::Memory | Self::Input | Self::Permission | Self::Definition => false,
        }
    }
}

impl TaskError {
    /// A failure of this kind, which is as retryable as its kind.
    #[must_use]
    pub fn of(kind: TaskErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: kind.is_retryable(),
            retry_after: None,
        }
    }

    /// The task itself says so. It may succeed another time.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::of(TaskErrorKind::Task, message)
    }

    /// The task itself says so, and that it cannot succeed, however often it is tried.
    #[must_use]
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            retryable: false,
            ..Self::failed(message)
        }
    }
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
