use std::collections::{BTreeSet, HashMap};

use futures_util::future::try_join_all;
use ratchet_interfaces::{Execution, ExecutionId, JobId, Page, RepositoryError, UnifiedJob};

use crate::envelope::{Many, One};
use crate::error::{ApiError, ErrorEnvelope};
use crate::executions::TAG;
use crate::executions::list::Executions;
use crate::executions::view::ExecutionView;
use crate::id::PathId;
use crate::list::ListQuery;
use crate::state::Services;

/// A page of the executions.
#[utoipa::path(
    get,
    path = "/executions",
    tag = TAG,
    operation_id = "executions_list",
    params(ListQuery<Executions>),
    responses(
        (status = 200, body = Many<ExecutionView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
    )
)]
pub(super) async fn list(
    services: Services,
    query: ListQuery<Executions>,
) -> Result<Many<ExecutionView>, ApiError> {
    let executions = services.repositories.executions();
    let Page { items, total } = executions
        .execution_list(&query.filter, query.sort, query.page)
        .await?;
    let jobs = jobs_of(&services, &items).await?;
    let view = |execution: Execution| {
        let job = jobs.get(&execution.job_id);
        ExecutionView::new(execution, job)
    };
    let page = Page {
        items: items.into_iter().map(view).collect(),
        total,
    };
    Ok(Many::new("executions", page, query.page, services.clock.now()))
}

/// One execution.
#[utoipa::path(
    get,
    path = "/executions/{id}",
    tag = TAG,
    operation_id = "executions_get",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = One<ExecutionView>),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn get(
    services: Services,
    PathId(id): PathId<ExecutionId>,
) -> Result<One<ExecutionView>, ApiError> {
    let execution = stored(&services, id).await?;
    let job = services.repositories.jobs().job_find(execution.job_id).await?;
    Ok(One {
        data: ExecutionView::new(execution, job.as_ref()),
    })
}

/// The execution with this id.
pub(super) async fn stored(services: &Services, id: ExecutionId) -> Result<Execution, ApiError> {
    let found = services.repositories.executions().execution_find(id).await?;
    found.ok_or_else(|| ApiError::not_found("execution", &id.to_string()))
}

/// The jobs of a page of executions, each read once.
async fn jobs_of(
    services: &Services,
    executions: &[Execution],
) -> Result<HashMap<JobId, UnifiedJob>, RepositoryError> {
    let jobs = services.repositories.jobs();
    let ids: BTreeSet<JobId> = executions.iter().map(|execution| execution.job_id).collect();
    let found = try_join_all(ids.into_iter().map(|id| jobs.job_find(id))).await?;
    Ok(found.into_iter().flatten().map(|job| (job.id, job)).collect())
}
