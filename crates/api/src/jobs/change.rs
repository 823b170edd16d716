use chrono::{DateTime, SubsecRound, Utc};
use ratchet_interfaces::{JobChanges, JobId, JobStatus, JobUpdate, UnifiedJob};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::{JsonBody, nullable, nullable_whole, present};
use crate::destination::Destination;
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::id::PathId;
use crate::jobs::read::stored;
use crate::jobs::view::{JobDetail, detail};
use crate::jobs::{TAG, queue};
use crate::named::{JobPriorityName, Name, Named};
use crate::run::{check_run, destinations, retries, timeout};
use crate::state::Services;

/// Changes of a job that waits. What is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PatchJob {
    /// Which of the jobs that are due runs first.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    priority: Option<JobPriorityName>,
    /// The instant that it stands for, of a job that no schedule made. It does not run before it, unless `runAfter` says
    /// otherwise. Null takes it away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    scheduled_for: Option<Option<DateTime<Utc>>>,
    /// It does not run before this instant: not that of a BUFFERED job, which runs when the one before it has ended.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, example = "2030-01-01T06:00:00Z")]
    run_after: Option<DateTime<Utc>>,
    /// Null is what its task says.
    #[serde(default, deserialize_with = "nullable_whole")]
    #[schema(value_type = Option<u32>, maximum = 100)]
    max_retries: Option<Option<u32>>,
    /// Null is what its task or the server says.
    #[serde(default, deserialize_with = "nullable_whole")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 604_800)]
    timeout_seconds: Option<Option<u32>>,
    /// Its input, which must be what its task's schema says.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Value, required = false)]
    input: Option<Value>,
    /// All of them, with their secrets: a masked one is refused. Null takes them away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<Destination>>, min_items = 1, max_items = 10)]
    output_destinations: Option<Option<Vec<Destination>>>,
}

impl PatchJob {
    async fn checked(self, job: &UnifiedJob, services: &Services) -> Result<JobChanges, ApiError> {
        let Self {
            priority,
            scheduled_for,
            run_after,
            max_retries,
            timeout_seconds,
            input,
            output_destinations,
        } = self;
        // As it is stored.
        let in_micros = |instant: DateTime<Utc>| instant.trunc_subsecs(6);
        let scheduled_for = scheduled_for.map(|given| given.map(in_micros));
        if scheduled_for.is_some() && job.schedule_id.is_some() {
            return Err(ApiError::invalid(
                "scheduledFor",
                "a schedule made the job for that instant: change runAfter",
            ));
        }
        let run_after = run_after.map(in_micros).or(scheduled_for.flatten());
        if run_after.is_some() && job.status == JobStatus::Buffered {
            return Err(ApiError::conflict(format!(
                "runAfter: job {} is BUFFERED: it runs when the one before it has ended",
                job.id
            )));
        }
        if let Some(input) = &input {
            check_run(services, job.task_id, input).await?;
        }
        // An instant of the past makes nothing older than it is.
        let now = in_micros(services.clock.now());
        Ok(JobChanges {
            priority: priority.map(|Name(priority)| priority),
            scheduled_for,
            run_after: run_after.map(|instant| instant.max(now)),
            max_retries: max_retries
                .map(|given| given.map(retries).transpose())
                .transpose()?,
            timeout_seconds: timeout_seconds
                .map(|given| given.map(timeout).transpose())
                .transpose()?,
            input,
            output_destinations: output_destinations
                .map(|given| destinations(given, services))
                .transpose()?,
        })
    }
}

/// Changes what is given of a job that waits. One that runs, or has ended, stays as it is.
#[utoipa::path(
    patch,
    path = "/jobs/{id}",
    tag = TAG,
    operation_id = "jobs_patch",
    params(("id" = Uuid, Path)),
    request_body = PatchJob,
    responses(
        (status = 200, body = One<JobDetail>),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "It runs or has ended, or is BUFFERED and given another instant"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is of another type"),
    )
)]
pub(super) async fn patch(
    services: Services,
    PathId(id): PathId<JobId>,
    JsonBody(given): JsonBody<PatchJob>,
) -> Result<One<JobDetail>, ApiError> {
    let before = stored(&services, id).await?;
    let changes = given.checked(&before, &services).await?;
    let update = queue::fill(&services, move |jobs| async move {
        jobs.job_update(id, &changes).await
    });
    match update.await? {
        JobUpdate::Updated(job) => {
            tracing::info!(job.id = %id, "a job was changed");
            Ok(One {
                data: detail(&services, *job).await?,
            })
        }
        JobUpdate::TooLate(status) => Err(ApiError::conflict(format!(
            "job {id} is {}: only one that waits can be changed",
            status.wire_name()
        ))),
    }
}
