use std::collections::{BTreeSet, HashMap};

use ratchet_interfaces::{
    Execution, ExecutionFilter, ExecutionId, JobFilter, JobId, Page, PageRequest, RepositoryError, UnifiedJob,
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
/// jobs. One that begins while the page is read stands in it once. From one page to the next, rows move as executions begin.
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
    let page = match (begun, waiting) {
        (begun, Some(waiting)) => with_pending_ones(&services, begun.as_ref(), &waiting, &query).await?,
        (Some(begun), None) => begun_ones(&services, &begun, &query).await?,
        (None, None) => Readable::default(),
    };
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

/// A page of those that have begun, and behind them of those that have not: these have no value in any key that a list is sorted
/// by.
///
/// The jobs that wait are read before the executions. One that is claimed in between is among both, and is left out of the
/// former; the other way round it would be in neither.
async fn with_pending_ones(
    services: &Services,
    begun: Option<&ExecutionFilter>,
    waiting: &JobFilter,
    query: &ListQuery<Executions>,
) -> Result<Readable<ExecutionView>, ApiError> {
    let (offset, limit) = (query.page.offset(), query.page.limit());
    let before = match begun {
        Some(filter) => how_many(services, filter, query).await?,
        None => 0,
    };
    let rest = limit - before.saturating_sub(offset).min(limit);
    let rows = PageRequest::new(offset.saturating_sub(before), rest.max(1))?;
    let jobs = services.repositories.jobs();
    let list = |request| jobs.job_list(waiting, order(query.sort), request);
    let pending = Readable::read(rows, list).await?;
    let mut page = match begun {
        Some(filter) => begun_ones(services, filter, query).await?,
        None => Readable::default(),
    };
    let pending = pending.without(|job| page.items().iter().any(|execution| execution.is_next_of(job)));
    let room = limit - page.rows() as u64;
    page.append(pending.map(ExecutionView::next_of), room as usize);
    Ok(page)
}

/// How many executions have begun and are so.
async fn how_many(
    services: &Services,
    filter: &ExecutionFilter,
    query: &ListQuery<Executions>,
) -> Result<u64, ApiError> {
    let executions = services.repositories.executions();
    let list = |request| executions.execution_list(filter, query.sort, request);
    let (page, _) = Page::readable(PageRequest::new(0, 1)?, list).await?;
    Ok(page.total)
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
