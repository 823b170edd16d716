use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Bound, Choice, Event, EventSink, JobCondition, JobEvent, JobFilter, JobId, JobStatus, ScheduleId, TaskId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::{JsonBody, whole};
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::example;
use crate::id::PathId;
use crate::jobs::cancel::{JobAction, done};
use crate::jobs::read::stored;
use crate::jobs::{TAG, event, queue};
use crate::named::Named;
use crate::state::Services;

/// The most jobs that are put back together.
const MOST: u32 = 1_000;

/// Puts a job that failed for good, or was cancelled, back into the queue with all its tries before it.
#[utoipa::path(
    post,
    path = "/jobs/{id}/retry",
    tag = TAG,
    operation_id = "jobs_retry",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = One<JobAction>),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "It has not failed, or another has its unique key"),
    )
)]
pub(super) async fn retry(services: Services, PathId(id): PathId<JobId>) -> Result<One<JobAction>, ApiError> {
    let message = put_back_one(&services, id).await?;
    done(&services, id, message).await
}

/// Puts a job back into the queue, and says in words what was done.
pub(crate) async fn put_back_one(services: &Services, id: JobId) -> Result<String, ApiError> {
    stored(services, id).await?;
    let retried = put_back(services, vec![id], JobFilter::default(), 1).await?;
    if retried.is_empty() {
        return Err(refusal(services, id).await?);
    }
    tracing::info!(job.id = %id, "a job was put back into the queue");
    Ok(format!("job {id} was put back into the queue"))
}

/// Why a job was left as it is.
async fn refusal(services: &Services, id: JobId) -> Result<ApiError, ApiError> {
    let job = stored(services, id).await?;
    Ok(ApiError::conflict(match (job.status, job.unique_key) {
        (JobStatus::Failed | JobStatus::Cancelled, Some(key)) => {
            match services.repositories.jobs().job_find_by_unique_key(&key).await? {
                Some(holder) => {
                    format!("uniqueKey: job {holder}, which is unfinished, has the key \"{key}\"")
                }
                None => {
                    format!("uniqueKey: another job had the key \"{key}\", and has ended since: try again")
                }
            }
        }
        (status, _) => format!(
            "job {id} is {}: only one that is FAILED or CANCELLED can be retried",
            status.wire_name()
        ),
    }))
}

/// Which jobs that failed are to be put back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RetryJobs {
    /// Only those of this task.
    #[schema(example = json!(example::TASK))]
    task_id: Option<Uuid>,
    /// Only those of this schedule.
    schedule_id: Option<Uuid>,
    /// Only those that were created at this instant or later.
    queued_from: Option<DateTime<Utc>>,
    /// Only those that were created before this instant.
    queued_before: Option<DateTime<Utc>>,
    /// How many at the most: the oldest.
    #[serde(default = "most", deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 1_000, example = 100)]
    limit: u32,
}

const fn most() -> u32 {
    MOST
}

/// Which jobs were put back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RetriedJobs {
    /// How many there are.
    #[schema(example = 1)]
    retried: usize,
    /// Their ids.
    #[schema(example = json!([example::JOB]))]
    job_ids: Vec<Uuid>,
}

/// Puts jobs that failed for good back into the queue together, oldest first. One whose unique key another has is left.
#[utoipa::path(
    post,
    path = "/jobs/retry",
    tag = TAG,
    operation_id = "jobs_retry_many",
    request_body = RetryJobs,
    responses(
        (status = 200, body = One<RetriedJobs>),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is of another type"),
    )
)]
pub(super) async fn retry_many(
    services: Services,
    JsonBody(given): JsonBody<RetryJobs>,
) -> Result<One<RetriedJobs>, ApiError> {
    let RetryJobs {
        task_id,
        schedule_id,
        queued_from,
        queued_before,
        limit,
    } = given;
    if !(1..=MOST).contains(&limit) {
        let rule = format!("{limit} is not allowed: it is 1 to {MOST}");
        return Err(ApiError::invalid("limit", rule));
    }
    let mut filter = JobFilter::default();
    filter.extend(task_id.map(|id| JobCondition::TaskId(Choice::Is(TaskId::from_uuid(id)))));
    filter.extend(schedule_id.map(|id| JobCondition::ScheduleId(Choice::Is(ScheduleId::from_uuid(id)))));
    filter.extend(queued_from.map(|from| JobCondition::QueuedAt(Bound::AtLeast(from))));
    filter.extend(queued_before.map(|before| JobCondition::QueuedAt(Bound::Before(before))));
    let retried = put_back(&services, Vec::new(), filter, limit).await?;
    tracing::info!(jobs = retried.len(), "failed jobs were put back into the queue");
    let data = RetriedJobs {
        retried: retried.len(),
        job_ids: retried.into_iter().map(|id| id.as_uuid()).collect(),
    };
    Ok(One { data })
}

async fn put_back(
    services: &Services,
    ids: Vec<JobId>,
    filter: JobFilter,
    limit: u32,
) -> Result<Vec<JobId>, ApiError> {
    let now = services.clock.now();
    let events = Arc::clone(&services.events);
    queue::fill(services, move |jobs| async move {
        let retried = jobs.job_retry_many(&ids, &filter, now, limit).await?;
        match retried.as_slice() {
            [id] => event::tell_of_stored(&*events, &*jobs, *id, JobStatus::Queued, now).await,
            retried => tell_of_retried(&*events, retried, &filter, now),
        }
        Ok(retried)
    })
    .await
}

/// What is not known of all of them by what was asked for is not told.
fn tell_of_retried(events: &dyn EventSink, retried: &[JobId], filter: &JobFilter, at: DateTime<Utc>) {
    if retried.is_empty() || !events.listens() {
        return;
    }
    let conditions = filter.conditions();
    let task_id = conditions.iter().find_map(|condition| match condition {
        JobCondition::TaskId(Choice::Is(id)) => Some(*id),
        _ => None,
    });
    let schedule_id = conditions.iter().find_map(|condition| match condition {
        JobCondition::ScheduleId(Choice::Is(id)) => Some(*id),
        _ => None,
    });
    let retried = retried.iter().map(|id| {
        Event::Job(JobEvent {
            task_id,
            schedule_id,
            ..JobEvent::bare(*id, JobStatus::Queued, at)
        })
    });
    events.emit(&retried.collect::<Vec<_>>());
}
