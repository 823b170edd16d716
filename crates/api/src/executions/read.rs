use std::collections::{BTreeSet, HashMap};

use ratchet_interfaces::{
    Execution, ExecutionFilter, ExecutionId, JobFilter, JobId, PageRequest, RepositoryError, UnifiedJob,
};

use crate::envelope::{Many, One};
use crate::error::{ApiError, ErrorEnvelope};
use crate::executions::TAG;
use crate::executions::list::Executions;
use crate::executions::pending::{Sought, order};
use crate::executions::subject::{find, job_if_readable};
use crate::executions::view::ExecutionView;
use crate::id::PathId;
use crate::list::ListQuery;
use crate::readable::Readable;
use crate::state::Services;

/// A page of the executions that have begun; where `status` names PENDING, with those that have not, which have the ids of their
/// jobs.
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
    let Sought { begun, waiting } = Sought::of(&query.filter);
    let mut page = match begun {
        Some(filter) => begun_ones(&services, &filter, &query).await?,
        None => Readable::default(),
    };
    if let Some(filter) = waiting {
        add_pending_ones(&services, &filter, &query, &mut page).await?;
    }
    Ok(Many::new("executions", page, query.page, services.clock.now()))
}

async fn begun_ones(
    services: &Services,
    filter: &ExecutionFilter,
    query: &ListQuery<Executions>,
) -> Result<Readable<ExecutionView>, ApiError> {
    let executions = services.repositories.executions();
    let list = |request| executions.execution_list(filter, query.sort, request);
    let page = Readable::read(query.page, list).await?;
    let jobs = jobs_of(services, page.items()).await?;
    Ok(page.map(|execution: Execution| {
        let job = jobs.get(&execution.job_id);
        ExecutionView::new(execution, job)
    }))
}

/// Fills the page up with executions that have not begun. They have no value in any key that a list is sorted by.
async fn add_pending_ones(
    services: &Services,
    filter: &JobFilter,
    query: &ListQuery<Executions>,
    page: &mut Readable<ExecutionView>,
) -> Result<(), ApiError> {
    let rest = query.page.limit() - page.rows() as u64;
    let skipped = query.page.offset().saturating_sub(page.total());
    let rows = PageRequest::new(skipped, rest.max(1))?;
    let jobs = services.repositories.jobs();
    let list = |request| jobs.job_list(filter, order(query.sort), request);
    let pending = Readable::read(rows, list).await?;
    page.append(pending.map(ExecutionView::next_of), rest as usize);
    Ok(())
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
    let jobs = services.repositories.jobs();
    let found = match jobs.job_find_many(&ids).await {
        Err(RepositoryError::CorruptRow { .. }) => {
            let mut found = Vec::new();
            for id in ids {
                found.extend(job_if_readable(&*jobs, id).await?);
            }
            found
        }
        found => found?,
    };
    Ok(found.into_iter().map(|job| (job.id, job)).collect())
}
