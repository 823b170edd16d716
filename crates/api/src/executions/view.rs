use chrono::{DateTime, Utc};
use ratchet_interfaces::{Execution, ExecutionStatus, JobStatus, Progress, UnifiedJob};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::named::{ExecutionStatusName, Name, TaskErrorKindName};

/// One attempt at a job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Execution)]
pub(crate) struct ExecutionView {
    id: Uuid,
    /// The id again.
    uuid: Uuid,
    job_id: Uuid,
    /// The task that its job runs; null if the job was deleted meanwhile.
    task_id: Option<Uuid>,
    /// Which attempt at the job it is, from 1.
    attempt: u32,
    status: ExecutionStatusName,
    /// The input it ran with.
    input: Value,
    /// What the task returned.
    output: Option<Value>,
    /// Why it failed.
    error_message: Option<String>,
    /// What kind of failure that is.
    error_kind: Option<TaskErrorKindName>,
    /// How far the task said last that it is.
    progress: Option<ProgressView>,
    /// When its job was created; null if the job was deleted meanwhile.
    queued_at: Option<DateTime<Utc>>,
    started_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    /// How long it ran, in milliseconds.
    duration_ms: Option<i64>,
    /// The process that ran it.
    node: Uuid,
    /// Whether its job, of which it is the last attempt, can be put back into the queue.
    can_retry: bool,
    /// Whether it runs, and its job can be cancelled.
    can_cancel: bool,
}

/// How far a task is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Progress)]
pub(crate) struct ProgressView {
    /// In percent, 0 through 100.
    percent: f64,
    /// In words.
    message: Option<String>,
}

impl From<Progress> for ProgressView {
    fn from(progress: Progress) -> Self {
        let Progress { percent, message } = progress;
        Self { percent, message }
    }
}

impl ExecutionView {
    pub(super) fn new(execution: Execution, job: Option<&UnifiedJob>) -> Self {
        let Execution {
            id,
            job_id,
            attempt,
            status,
            input,
            output,
            error,
            error_kind,
            progress,
            started_at,
            completed_at,
            duration,
            node,
        } = execution;
        let is_last_of_ended = |job: &UnifiedJob| {
            job.attempts == attempt && matches!(job.status, JobStatus::Failed | JobStatus::Cancelled)
        };
        Self {
            id: id.as_uuid(),
            uuid: id.as_uuid(),
            job_id: job_id.as_uuid(),
            task_id: job.map(|job| job.task_id.as_uuid()),
            attempt,
            status: Name(status),
            input,
            output,
            error_message: error,
            error_kind: error_kind.map(Name),
            progress: progress.map(ProgressView::from),
            queued_at: job.map(|job| job.queued_at),
            started_at,
            completed_at,
            duration_ms: duration.map(|duration| duration.num_milliseconds()),
            node: node.as_uuid(),
            can_retry: job.is_some_and(is_last_of_ended),
            can_cancel: status == ExecutionStatus::Running,
        }
    }
}
