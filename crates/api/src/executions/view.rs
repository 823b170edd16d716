use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Choice, Execution, ExecutionCondition, ExecutionStatus, JobStatus, ParseNameError, Progress, UnifiedJob,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example;
use crate::named::{Name, Named, TaskErrorKindName};

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = ExecutionStatus, example = "COMPLETED")]
pub(crate) enum Standing {
    /// It has not begun: its job waits for its turn.
    Pending,
    /// It runs.
    Running,
    /// The task returned.
    Completed,
    /// The task failed, panicked or ran into its timeout, or its process died.
    Failed,
    /// It was broken off on purpose.
    Cancelled,
}

impl Named for Standing {
    const TYPE: &'static str = "ExecutionStatus";
    const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];
    const EXAMPLE: Self = Self::Completed;

    fn stored_name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn of_stored_name(name: &str) -> Result<Self, ParseNameError> {
        let found = Self::ALL.iter().find(|standing| standing.stored_name() == name);
        found.copied().ok_or_else(|| ParseNameError {
            what: "execution status",
            text: name.to_owned(),
            allowed: Self::wire_names().join(", "),
        })
    }
}

impl From<ExecutionStatus> for Standing {
    fn from(status: ExecutionStatus) -> Self {
        match status {
            ExecutionStatus::Running => Self::Running,
            ExecutionStatus::Completed => Self::Completed,
            ExecutionStatus::Failed => Self::Failed,
            ExecutionStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl Standing {
    /// That of an execution which has begun.
    const fn of_begun(self) -> Option<ExecutionStatus> {
        match self {
            Self::Pending => None,
            Self::Running => Some(ExecutionStatus::Running),
            Self::Completed => Some(ExecutionStatus::Completed),
            Self::Failed => Some(ExecutionStatus::Failed),
            Self::Cancelled => Some(ExecutionStatus::Cancelled),
        }
    }

    /// What the executions of a list, which have all begun, must be.
    pub(super) fn condition(choice: Choice<Self>) -> ExecutionCondition {
        let begun = match choice {
            Choice::Is(one) => Choice::IsOneOf(one.of_begun().into_iter().collect()),
            Choice::IsOneOf(some) => Choice::IsOneOf(some.into_iter().filter_map(Self::of_begun).collect()),
            Choice::IsNot(one) => match one.of_begun() {
                Some(begun) => Choice::IsNot(begun),
                None => Choice::IsOneOf(ExecutionStatus::ALL.to_vec()),
            },
        };
        ExecutionCondition::Status(match begun {
            Choice::IsOneOf(some) if some.len() == 1 => Choice::Is(some[0]),
            begun => begun,
        })
    }

    /// That of a job's execution which has not begun.
    pub(super) const fn of_next(status: JobStatus) -> Self {
        match status {
            JobStatus::Queued | JobStatus::Retrying | JobStatus::Buffered | JobStatus::Blocked => {
                Self::Pending
            }
            JobStatus::Processing => Self::Running,
            JobStatus::Completed => Self::Completed,
            JobStatus::Failed => Self::Failed,
            JobStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// One attempt at a job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Execution)]
pub(crate) struct ExecutionView {
    /// Its id; that of its job while it has not begun.
    #[schema(example = json!(example::EXECUTION))]
    id: Uuid,
    /// The id again.
    #[schema(example = json!(example::EXECUTION))]
    uuid: Uuid,
    /// The job of which it is an attempt.
    job_id: Uuid,
    /// The task that its job runs; null if the job was deleted meanwhile, or is damaged.
    #[schema(example = json!(example::TASK))]
    task_id: Option<Uuid>,
    /// Which attempt at the job it is, from 1.
    #[schema(example = 1)]
    attempt: u32,
    /// How far it is.
    status: Standing,
    /// The input it ran with.
    input: Value,
    /// What the task returned.
    output: Option<Value>,
    /// Why it failed.
    error_message: Option<String>,
    /// What kind of failure that is.
    error_kind: Option<TaskErrorKindName>,
    /// Always null: `errorKind` says what there is.
    error_details: Option<Value>,
    /// Always null: requests are not recorded.
    http_requests: Option<Value>,
    /// Always null: requests are not recorded.
    recording_path: Option<String>,
    /// How far the task said last that it is.
    progress: Option<ProgressView>,
    /// When its job was created; null if the job was deleted meanwhile, or is damaged.
    #[schema(example = "2026-01-05T08:00:00Z")]
    queued_at: Option<DateTime<Utc>>,
    /// When it was started; null while it has not begun.
    #[schema(example = "2026-01-05T08:00:00Z")]
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[schema(example = "2026-01-05T08:00:01Z")]
    completed_at: Option<DateTime<Utc>>,
    /// How long it ran, in milliseconds.
    #[schema(example = 812)]
    duration_ms: Option<i64>,
    /// The process that runs or ran it; null while it has not begun.
    #[schema(example = json!(example::NODE))]
    node: Option<Uuid>,
    /// Whether its job, of which it is the last attempt, can be put back into the queue.
    #[schema(example = false)]
    can_retry: bool,
    /// Whether it runs or has not begun, and its job can be cancelled.
    #[schema(example = false)]
    can_cancel: bool,
}

/// How far a task is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Progress)]
pub(crate) struct ProgressView {
    /// In percent, 0 through 100.
    #[schema(example = 100.0)]
    percent: f64,
    /// In words.
    #[schema(example = "3 of 3 rows")]
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
            status: status.into(),
            input,
            output,
            error_message: error,
            error_kind: error_kind.map(Name),
            error_details: None,
            http_requests: None,
            recording_path: None,
            progress: progress.map(ProgressView::from),
            queued_at: job.map(|job| job.queued_at),
            started_at: Some(started_at),
            completed_at,
            duration_ms: duration.map(|duration| duration.num_milliseconds()),
            node: Some(node.as_uuid()),
            can_retry: job.is_some_and(is_last_of_ended),
            can_cancel: status == ExecutionStatus::Running,
        }
    }

    /// Whether it is the execution that had not begun when the job was like that.
    pub(super) fn is_next_of(&self, job: &UnifiedJob) -> bool {
        self.job_id == job.id.as_uuid() && self.attempt == job.attempts.saturating_add(1)
    }

    /// Of the execution of a job that has not begun, or never will.
    pub(super) fn next_of(job: UnifiedJob) -> Self {
        let status = Standing::of_next(job.status);
        Self {
            id: job.id.as_uuid(),
            uuid: job.id.as_uuid(),
            job_id: job.id.as_uuid(),
            task_id: Some(job.task_id.as_uuid()),
            attempt: job.attempts.saturating_add(1),
            status,
            input: job.input,
            output: None,
            error_message: job.error,
            error_kind: job.error_kind.map(Name),
            error_details: None,
            http_requests: None,
            recording_path: None,
            progress: None,
            queued_at: Some(job.queued_at),
            started_at: None,
            completed_at: job.completed_at,
            duration_ms: None,
            node: None,
            can_retry: matches!(job.status, JobStatus::Failed | JobStatus::Cancelled),
            can_cancel: status == Standing::Pending,
        }
    }
}
