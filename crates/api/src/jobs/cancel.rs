use std::sync::Arc;

use ratchet_interfaces::{CancelRequest, Cancellation, JobId, JobStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::OptionalJsonBody;
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::id::PathId;
use crate::job::JobView;
use crate::jobs::read::stored;
use crate::jobs::{TAG, event, queue};
use crate::named::Named;
use crate::state::Services;

/// The most characters of a reason.
const LONGEST_REASON: usize = 1_000;

/// How a job is to be called off.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct CancelJob {
    /// Why; it becomes the job's `errorMessage` unless it is asked to stop.
    #[schema(min_length = 1, max_length = 1_000, example = "the source is out of order")]
    reason: Option<String>,
    /// Whether one that runs is taken away at once, and not asked to stop.
    #[serde(default)]
    #[schema(default = false)]
    terminate: bool,
}

/// That something was done with a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobAction {
    /// Whether it was done.
    #[schema(example = true)]
    success: bool,
    /// What was done, in words.
    #[schema(example = "the job is cancelled")]
    message: String,
    /// As it is now; null if it was done, and could not be read after it.
    job: Option<JobView>,
}

/// What was done, and the job as it is now.
pub(super) async fn done(
    services: &Services,
    id: JobId,
    message: String,
) -> Result<One<JobAction>, ApiError> {
    // It is done, whatever can be read of it.
    let job = match stored(services, id).await {
        Ok(job) => Some(job.into()),
        Err(error) => {
            tracing::warn!(job.id = %id, error = %error, "a job that was changed could not be read");
            None
        }
    };
    let data = JobAction {
        success: true,
        message,
        job,
    };
    Ok(One { data })
}

/// Calls a job off: one that waits is cancelled; one that runs is asked to stop, or taken away.
#[utoipa::path(
    post,
    path = "/jobs/{id}/cancel",
    tag = TAG,
    operation_id = "jobs_cancel",
    params(("id" = Uuid, Path)),
    request_body(content = Option<CancelJob>),
    responses(
        (status = 200, body = One<JobAction>),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "It has ended"),
    )
)]
pub(super) async fn cancel(
    services: Services,
    PathId(id): PathId<JobId>,
    OptionalJsonBody(given): OptionalJsonBody<CancelJob>,
) -> Result<One<JobAction>, ApiError> {
    let message = call_off(&services, id, given.unwrap_or_default()).await?;
    done(&services, id, message).await
}

/// Calls a job off, and says in words what was done.
pub(crate) async fn call_off(
    services: &Services,
    id: JobId,
    CancelJob { reason, terminate }: CancelJob,
) -> Result<String, ApiError> {
    let reason = reason.unwrap_or_else(|| "cancelled over the API".to_owned());
    let length = reason.chars().count();
    if !(1..=LONGEST_REASON).contains(&length) {
        let rule = format!("it has {length} characters: 1 to {LONGEST_REASON} are allowed");
        return Err(ApiError::invalid("reason", rule));
    }
    let request = CancelRequest {
        job_id: id,
        reason,
        terminates: terminate,
        at: services.clock.now(),
    };
    let events = Arc::clone(&services.events);
    let cancellation = queue::stop(services, move |jobs| async move {
        let cancellation = jobs.job_cancel(&request).await?;
        if let Cancellation::Cancelled { was_running, changed } = &cancellation {
            // Of one that ran, who ran it tells.
            if !was_running {
                event::tell_of_stored(&*events, &*jobs, id, JobStatus::Cancelled, request.at).await;
            }
            event::tell_of_others(&*events, changed);
        }
        Ok(cancellation)
    });
    let message = match cancellation.await? {
        Cancellation::Cancelled { .. } => format!("job {id} was cancelled"),
        Cancellation::Asked => format!("job {id} runs, and was asked to stop"),
        Cancellation::Final(status) => {
            return Err(ApiError::conflict(format!(
                "job {id} is {}: only one that has not ended can be cancelled",
                status.wire_name()
            )));
        }
    };
    tracing::info!(job.id = %id, terminate, "{message}");
    Ok(message)
}
