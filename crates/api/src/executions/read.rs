use std::collections::{BTreeSet, HashMap};

use ratchet_interfaces::{Execution, ExecutionId, JobId, Page, RepositoryError, UnifiedJob};

use crate::envelope::{Many, One};
use crate::error::{ApiError, ErrorEnvelope};
use crate::executions::TAG;
use crate::executions::list::Executions;
use crate::executions::subject::find;
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

/// One execution. The id of a job is that of the execution which is its turn now: the next one while it waits, or else the
/// last.
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
    Ok(One {
        data: find(&services, id).await?.view(),
    })
}

/// The jobs of a page of executions, read together.
async fn jobs_of(
    services: &Services,
    executions: &[Execution],
) -> Result<HashMap<JobId, UnifiedJob>, RepositoryError> {
    let ids: BTreeSet<JobId> = executions.iter().map(|execution| execution.job_id).collect();
    let ids: Vec<JobId> = ids.into_iter().collect();
    let found = services.repositories.jobs().job_find_many(&ids).await?;
    Ok(found.into_iter().map(|job| (job.id, job)).collect())
}
