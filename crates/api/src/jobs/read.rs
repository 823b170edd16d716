use ratchet_interfaces::{JobId, UnifiedJob};

use crate::envelope::{Many, One};
use crate::error::{ApiError, ErrorEnvelope};
use crate::id::PathId;
use crate::job::JobView;
use crate::jobs::TAG;
use crate::jobs::list::Jobs;
use crate::jobs::view::{JobDetail, detail};
use crate::list::ListQuery;
use crate::readable::Readable;
use crate::state::Services;

/// A page of the jobs.
#[utoipa::path(
    get,
    path = "/jobs",
    tag = TAG,
    operation_id = "jobs_list",
    params(ListQuery<Jobs>),
    responses(
        (status = 200, body = Many<JobView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
    )
)]
pub(super) async fn list(services: Services, query: ListQuery<Jobs>) -> Result<Many<JobView>, ApiError> {
    let jobs = services.repositories.jobs();
    let list = |request| jobs.job_list(&query.filter, query.sort, request);
    let page = Readable::read(query.page, list).await?.map(JobView::from);
    Ok(Many::new("jobs", page, query.page, services.clock.now()))
}

/// One job.
#[utoipa::path(
    get,
    path = "/jobs/{id}",
    tag = TAG,
    operation_id = "jobs_get",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = One<JobDetail>),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn get(services: Services, PathId(id): PathId<JobId>) -> Result<One<JobDetail>, ApiError> {
    let job = stored(&services, id).await?;
    Ok(One {
        data: detail(&services, job).await?,
    })
}

/// The job with this id.
pub(super) async fn stored(services: &Services, id: JobId) -> Result<UnifiedJob, ApiError> {
    let found = services.repositories.jobs().job_find(id).await?;
    found.ok_or_else(|| ApiError::not_found("job", &id.to_string()))
}
