use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::filter::{conditions, sort_keys};
use crate::name::named_enum;
use crate::{
    Bound, Choice, ExecutionId, Filter, InstantBound, JobId, LengthBound, LogLevel, NodeId, Progress,
    TaskErrorKind, TaskId, TextMatch,
};

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

/// Which executions a list holds.
pub type ExecutionFilter = Filter<ExecutionCondition>;

conditions! {
    /// What an execution must be to stand in a list.
    pub enum ExecutionCondition {
        /// See [`Execution::id`].
        Id(Choice<ExecutionId>) = "id",
        /// See [`Execution::job_id`].
        JobId(Choice<JobId>) = "job_id",
        /// The task that its job runs.
        TaskId(Choice<TaskId>) = "task_id",
        /// See [`Execution::status`].
        Status(Choice<ExecutionStatus>) = "status",
        /// See [`Execution::attempt`].
        Attempt(Bound<u64>) = "attempt",
        /// See [`Execution::node`].
        Node(Choice<NodeId>) = "node",
        /// See [`Execution::error`].
        Error(TextMatch) = "error",
        /// See [`Execution::error_kind`].
        ErrorKind(Choice<TaskErrorKind>) = "error_kind",
        /// See [`Execution::started_at`].
        StartedAt(InstantBound) = "started_at",
        /// See [`Execution::completed_at`].
        CompletedAt(InstantBound) = "completed_at",
        /// See [`Execution::duration`].
        Duration(LengthBound) = "duration",
    }
}

sort_keys! {
    /// What a list of executions is sorted by. Ties are broken by id.
    pub enum ExecutionSort, by default Started Descending {
        /// In the order in which they were started: that of their ids, which are made then.
        Started,
        /// By the end; executions that run come last.
        CompletedAt,
    }
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

/// Which lines of an execution's log a list holds.
pub type LogFilter = Filter<LogCondition>;

conditions! {
    /// What a line must be to stand in a list.
    pub enum LogCondition {
        /// See [`ExecutionLogLine::seq`].
        Seq(Bound<u64>) = "seq",
        /// See [`ExecutionLogLine::at`].
        At(InstantBound) = "at",
        /// See [`ExecutionLogLine::level`].
        Level(Bound<LogLevel>) = "level",
        /// See [`ExecutionLogLine::message`].
        Message(TextMatch) = "message",
    }
}
