use chrono::{DateTime, Utc};
use ratchet_interfaces::UnifiedJob;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::destination::Destination;
use crate::named::{JobOriginName, JobPriorityName, JobStatusName, Name};

/// One run of a task that must happen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub(crate) struct JobView {
    id: Uuid,
    task_id: Uuid,
    /// The schedule that made it, if one did.
    schedule_id: Option<Uuid>,
    priority: JobPriorityName,
    status: JobStatusName,
    /// What it came from.
    origin: JobOriginName,
    /// How many of its executions failed and were followed by another try.
    retry_count: u32,
    /// How many such tries are allowed; null is what its task says.
    max_retries: Option<u32>,
    /// When it was created.
    queued_at: DateTime<Utc>,
    /// The nominal tick that it stands for, if it stands for one.
    scheduled_for: Option<DateTime<Utc>>,
    /// It does not run before this instant.
    run_after: DateTime<Utc>,
    /// When its last execution was started.
    started_at: Option<DateTime<Utc>>,
    /// When it reached its final status.
    completed_at: Option<DateTime<Utc>>,
    input: Value,
    /// Why its last execution failed.
    error_message: Option<String>,
    /// How long it may run, in seconds; null is what its task or the server says.
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
            attempts: _,
            retry_count,
            max_retries,
            run_after,
            unique_key: _,
            concurrency_key: _,
            after: _,
            execution_id: _,
            lease_owner: _,
            lease_until: _,
            timeout_seconds,
            stop_requested_at: _,
            error,
            error_kind: _,
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
            retry_count,
            max_retries,
            queued_at,
            scheduled_for,
            run_after,
            started_at,
            completed_at,
            input,
            error_message: error,
            timeout_seconds,
            output_destinations: output_destinations.into_iter().map(Destination).collect(),
        }
    }
}
