use chrono::{DateTime, Utc};
use ratchet_interfaces::UnifiedJob;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::destination::Destination;
use crate::example;
use crate::named::{JobOriginName, JobPriorityName, JobStatusName, Name, TaskErrorKindName};

/// One run of a task that must happen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub(crate) struct JobView {
    /// Its id.
    #[schema(example = json!(example::JOB))]
    id: Uuid,
    /// The task that it runs.
    task_id: Uuid,
    /// The schedule that made it, if one did.
    #[schema(example = json!(example::SCHEDULE))]
    schedule_id: Option<Uuid>,
    /// Which of the jobs that are due runs first.
    priority: JobPriorityName,
    /// How far it is.
    status: JobStatusName,
    /// What it came from.
    origin: JobOriginName,
    /// How many executions of it were started.
    #[schema(example = 0)]
    attempts: u32,
    /// How many of its executions failed and were followed by another try.
    #[schema(example = 0)]
    retry_count: u32,
    /// How many such tries are allowed; null is what its task says.
    #[schema(example = 3)]
    max_retries: Option<u32>,
    /// When it was created.
    queued_at: DateTime<Utc>,
    /// The nominal tick that it stands for, if it stands for one.
    #[schema(example = "2026-01-05T08:00:00Z")]
    scheduled_for: Option<DateTime<Utc>>,
    /// It does not run before this instant.
    run_after: DateTime<Utc>,
    /// When its last execution was started.
    started_at: Option<DateTime<Utc>>,
    /// When it reached its final status.
    completed_at: Option<DateTime<Utc>>,
    /// What its task gets.
    input: Value,
    /// Why its last execution failed.
    error_message: Option<String>,
    /// What kind of failure that was.
    error_kind: Option<TaskErrorKindName>,
    /// The execution that runs, if one does.
    #[schema(example = json!(null))]
    execution_id: Option<Uuid>,
    /// When it was asked to stop, if it was while it ran.
    stop_requested_at: Option<DateTime<Utc>>,
    /// While a job with this key is unfinished, no other is created with it.
    #[schema(example = json!(null))]
    unique_key: Option<String>,
    /// Of the jobs with this key, only so many run at once.
    concurrency_key: Option<String>,
    /// How long it may run, in seconds; null is what its task or the server says.
    #[schema(example = 60)]
    timeout_seconds: Option<u32>,
    /// Where its result goes. Secrets are masked.
    output_destinations: Vec<Destination>,
}

impl From<UnifiedJob> for JobView {
    fn from(job: UnifiedJob) -> Self {
        let UnifiedJob {
            id,
            schedule_id,
            scheduled_for,
            origin,
            request: _,
            task_id,
            input,
            priority,
            status,
            attempts,
            retry_count,
            max_retries,
            run_after,
            unique_key,
            concurrency_key,
            after: _,
            execution_id,
            lease_owner: _,
            lease_until: _,
            timeout_seconds,
            stop_requested_at,
            error,
            error_kind,
            output_destinations,
            queued_at,
            started_at,
            completed_at,
        } = job;
        Self {
            id: id.as_uuid(),
            task_id: task_id.as_uuid(),
            schedule_id: schedule_id.map(|id| id.as_uuid()),
            priority: Name(priority),
            status: Name(status),
            origin: Name(origin),
            attempts,
            retry_count,
            max_retries,
            queued_at,
            scheduled_for,
            run_after,
            started_at,
            completed_at,
            input,
            error_message: error,
            error_kind: error_kind.map(Name),
            execution_id: execution_id.map(|id| id.as_uuid()),
            stop_requested_at,
            unique_key,
            concurrency_key,
            timeout_seconds,
            output_destinations: output_destinations.into_iter().map(Destination).collect(),
        }
    }
}
