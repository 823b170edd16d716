use ratchet_interfaces::{Deleted, DeletionEvent, Event, JobDeletion, JobId};

use crate::envelope::Action;
use crate::error::{ApiError, ErrorEnvelope};
use crate::id::PathId;
use crate::jobs::{TAG, queue};
use crate::named::Named;
use crate::state::Services;

/// Deletes a job that has ended, with its executions, logs and deliveries.
#[utoipa::path(
    delete,
    path = "/jobs/{id}",
    tag = TAG,
    operation_id = "jobs_delete",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Action),
        (status = 404, body = ErrorEnvelope),
        (
            status = 409,
            body = ErrorEnvelope,
            description = "It has not ended, has results that are still to be delivered, or another job waits for it"
        ),
    )
)]
pub(super) async fn delete(services: Services, PathId(id): PathId<JobId>) -> Result<Action, ApiError> {
    let deletion = queue::fill(&services, move |jobs| async move { jobs.job_delete(id).await });
    match deletion.await? {
        JobDeletion::Deleted { task_id, schedule_id } => {
            services.events.emit(&[Event::Deletion(DeletionEvent {
                job_id: Some(id),
                task_id,
                schedule_id,
                ..DeletionEvent::of(Deleted::Job, 1, services.clock.now())
            })]);
            tracing::info!(job.id = %id, "a job was deleted");
            Ok(Action::done(format!("job {id} was deleted")))
        }
        JobDeletion::Unfinished(status) => Err(ApiError::conflict(format!(
            "job {id} is {}: cancel it first",
            status.wire_name()
        ))),
        JobDeletion::Undelivered(count) => Err(ApiError::conflict(format!(
            "job {id} has {count} results that are still to be delivered: they would be lost"
        ))),
        JobDeletion::AwaitedBy(other) => Err(ApiError::conflict(format!(
            "job {other} waits for job {id}: cancel that one first"
        ))),
    }
}
