use chrono::{DateTime, Utc};
use ratchet_interfaces::{Task, TaskId, TaskStatistics};
use serde::Serialize;
use utoipa::ToSchema;

use crate::envelope::{Many, One, Statistics};
use crate::error::{ApiError, ErrorEnvelope};
use crate::etag::Tagged;
use crate::id::PathId;
use crate::list::ListQuery;
use crate::readable::Readable;
use crate::state::Services;
use crate::tasks::TAG;
use crate::tasks::list::Tasks;
use crate::tasks::view::{Surroundings, TaskView, answer};

/// A page of the tasks.
#[utoipa::path(
    get,
    path = "/tasks",
    tag = TAG,
    operation_id = "tasks_list",
    params(ListQuery<Tasks>),
    responses(
        (status = 200, body = Many<TaskView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
    )
)]
pub(super) async fn list(services: Services, query: ListQuery<Tasks>) -> Result<Many<TaskView>, ApiError> {
    let tasks = services.repositories.tasks();
    let list = |request| tasks.task_list(&query.filter, query.sort, request);
    let page = Readable::read(query.page, list).await?;
    let surroundings = Surroundings::of(&services, page.items()).await?;
    let page = page.map(|task| TaskView::new(task, &surroundings));
    Ok(Many::new("tasks", page, query.page, services.clock.now()))
}

/// One task.
#[utoipa::path(
    get,
    path = "/tasks/{id}",
    tag = TAG,
    operation_id = "tasks_get",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = One<TaskView>, headers(("ETag" = String, description = "Its revision"))),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn get(
    services: Services,
    PathId(id): PathId<TaskId>,
) -> Result<Tagged<One<TaskView>>, ApiError> {
    let task = stored(&services, id).await?;
    let surroundings = Surroundings::of(&services, std::slice::from_ref(&task)).await?;
    Ok(answer(task, &surroundings))
}

/// Numbers about all tasks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskStats {
    /// How many there are, also those that their registry has no more.
    #[schema(example = 9)]
    total_tasks: u64,
    /// How many are enabled.
    #[schema(example = 9)]
    enabled_tasks: u64,
    /// How many are disabled.
    #[schema(example = 0)]
    disabled_tasks: u64,
    /// How many come from registries that the API does not change.
    #[schema(example = 8)]
    registry_tasks: u64,
    /// How many the API keeps.
    #[schema(example = 1)]
    database_tasks: u64,
    /// What was wrong with single tasks when the registries were read last.
    #[schema(example = 0)]
    validation_errors: usize,
    /// When the registries were read last.
    #[schema(example = "2026-01-05T08:00:00Z")]
    last_sync: Option<DateTime<Utc>>,
}

/// Numbers about all tasks.
#[utoipa::path(
    get,
    path = "/tasks/stats",
    tag = TAG,
    operation_id = "tasks_stats",
    responses((status = 200, body = Statistics<TaskStats>))
)]
pub(super) async fn statistics(services: Services) -> Result<Statistics<TaskStats>, ApiError> {
    let TaskStatistics {
        total,
        enabled,
        of_database,
    } = services.repositories.tasks().task_statistics().await?;
    let last = services.registries.last_sync();
    Ok(Statistics {
        stats: TaskStats {
            total_tasks: total,
            enabled_tasks: enabled,
            disabled_tasks: total.saturating_sub(enabled),
            registry_tasks: total.saturating_sub(of_database),
            database_tasks: of_database,
            validation_errors: last.as_ref().map_or(0, |last| last.report.issues.len()),
            last_sync: last.map(|last| last.at),
        },
        timestamp: services.clock.now(),
        period: "all",
    })
}

/// The task with this id.
pub(super) async fn stored(services: &Services, id: TaskId) -> Result<Task, ApiError> {
    let found = services.repositories.tasks().task_find(id).await?;
    found.ok_or_else(|| ApiError::not_found("task", &id.to_string()))
}
