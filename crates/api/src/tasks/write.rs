use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ratchet_interfaces::{
    AuditNote, Deleted, DeletionEvent, Event, Task, TaskDefinition, TaskDeletion, TaskId, TaskUse,
};

use crate::body::JsonBody;
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::etag::{IfMatch, Tagged};
use crate::id::PathId;
use crate::router::PREFIX;
use crate::state::Services;
use crate::tasks::TAG;
use crate::tasks::change::{CreateTask, PatchTask, now};
use crate::tasks::read::stored;
use crate::tasks::view::{Surroundings, TaskView, answer};

/// Creates a task, which is kept in the database.
#[utoipa::path(
    post,
    path = "/tasks",
    tag = TAG,
    operation_id = "tasks_create",
    request_body = CreateTask,
    responses(
        (
            status = 201,
            body = One<TaskView>,
            headers(
                ("ETag" = String, description = "Its revision"),
                ("Location" = String, description = "Its path"),
            )
        ),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 409, body = ErrorEnvelope, description = "Another task has the name and version"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is missing or of another type"),
    )
)]
pub(super) async fn create(
    services: Services,
    JsonBody(given): JsonBody<CreateTask>,
) -> Result<Response, ApiError> {
    let task = given.checked(&services)?;
    // What is done is told: nothing is asked of the database after it.
    let surroundings = Surroundings::of(&services, std::slice::from_ref(&task)).await?;
    AuditNote::is_about(task.definition.id);
    services.repositories.tasks().task_create(&task).await?;
    let surroundings = surroundings.after_change(&task.definition, None);
    let id = task.definition.id;
    tracing::info!(task.id = %id, "a task was created");
    let mut response = (StatusCode::CREATED, answer(task, &surroundings)).into_response();
    if let Ok(path) = HeaderValue::try_from(format!("{PREFIX}/tasks/{id}")) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    Ok(response)
}

/// Changes what is given of a task. Of one that the API does not keep, only `enabled` can be changed.
#[utoipa::path(
    patch,
    path = "/tasks/{id}",
    tag = TAG,
    operation_id = "tasks_patch",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    request_body = PatchTask,
    responses(
        (status = 200, body = One<TaskView>, headers(("ETag" = String, description = "Its revision"))),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 404, body = ErrorEnvelope),
        (
            status = 409,
            body = ErrorEnvelope,
            description = "Its registry says what is to be changed, another task has the name and version, or somebody \
                           else changed it meanwhile"
        ),
        (status = 412, body = ErrorEnvelope, description = "Its revision is not that of If-Match"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is of another type"),
    )
)]
pub(super) async fn patch(
    services: Services,
    PathId(id): PathId<TaskId>,
    if_match: IfMatch,
    JsonBody(changes): JsonBody<PatchTask>,
) -> Result<Tagged<One<TaskView>>, ApiError> {
    let change = || async {
        let before = stored(&services, id).await?;
        if_match.check(before.revision)?;
        let definition = before.definition.clone();
        let task = changes.clone().applied_to(before, &services)?;
        update(&services, task, &definition).await
    };
    if_match.settle(change).await
}

/// Deletes a task, and its jobs, which have all ended, with their executions, logs and deliveries.
#[utoipa::path(
    delete,
    path = "/tasks/{id}",
    tag = TAG,
    operation_id = "tasks_delete",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    responses(
        (status = 204),
        (status = 404, body = ErrorEnvelope),
        (
            status = 409,
            body = ErrorEnvelope,
            description = "Schedules run it, or jobs of it have not ended or have results to be delivered: they are \
                           named; or its registry would bring it back; or somebody else changed it meanwhile"
        ),
        (status = 412, body = ErrorEnvelope, description = "Its revision is not that of If-Match"),
    )
)]
pub(super) async fn delete(
    services: Services,
    PathId(id): PathId<TaskId>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    let delete = || async {
        let task = stored(&services, id).await?;
        if_match.check(task.revision)?;
        if !task.is_of_database() && task.removed_at.is_none() {
            return Err(ApiError::conflict(format!(
                "registry {} has task {} {}, and would bring it back: take it away there, or disable it",
                task.registry, task.definition.name, task.definition.version
            )));
        }
        let tasks = services.repositories.tasks();
        let deletion = tasks.task_delete_with_jobs(id, task.revision).await;
        match deletion? {
            TaskDeletion::Deleted { jobs } => {
                if jobs > 0 {
                    services.events.emit(&[Event::Deletion(DeletionEvent {
                        task_id: Some(id),
                        ..DeletionEvent::of(Deleted::JobsOfTask, jobs, services.clock.now())
                    })]);
                }
                tracing::info!(task.id = %id, jobs, "a task was deleted with its jobs");
                Ok(StatusCode::NO_CONTENT)
            }
            TaskDeletion::InUse(task_use) => Err(ApiError::conflict(in_use(&task, &task_use))),
        }
    };
    if_match.settle(delete).await
}

/// Lets jobs of a task run.
#[utoipa::path(
    post,
    path = "/tasks/{id}/enable",
    tag = TAG,
    operation_id = "tasks_enable",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    responses(
        (status = 200, body = One<TaskView>, headers(("ETag" = String, description = "Its revision"))),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "Somebody else changed it meanwhile"),
        (status = 412, body = ErrorEnvelope, description = "Its revision is not that of If-Match"),
    )
)]
pub(super) async fn enable(
    services: Services,
    PathId(id): PathId<TaskId>,
    if_match: IfMatch,
) -> Result<Tagged<One<TaskView>>, ApiError> {
    set_enabled(&services, id, &if_match, true).await
}

/// Lets no further job of a task run: those that are queued fail with that reason when their turn comes.
#[utoipa::path(
    post,
    path = "/tasks/{id}/disable",
    tag = TAG,
    operation_id = "tasks_disable",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    responses(
        (status = 200, body = One<TaskView>, headers(("ETag" = String, description = "Its revision"))),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "Somebody else changed it meanwhile"),
        (status = 412, body = ErrorEnvelope, description = "Its revision is not that of If-Match"),
    )
)]
pub(super) async fn disable(
    services: Services,
    PathId(id): PathId<TaskId>,
    if_match: IfMatch,
) -> Result<Tagged<One<TaskView>>, ApiError> {
    set_enabled(&services, id, &if_match, false).await
}

async fn set_enabled(
    services: &Services,
    id: TaskId,
    if_match: &IfMatch,
    enabled: bool,
) -> Result<Tagged<One<TaskView>>, ApiError> {
    let change = || async {
        let task = stored(services, id).await?;
        if_match.check(task.revision)?;
        if task.enabled == enabled {
            let surroundings = Surroundings::of(services, std::slice::from_ref(&task)).await?;
            return Ok(answer(task, &surroundings));
        }
        let updated_at = now(services);
        let task = Task {
            enabled,
            updated_at,
            ..task
        };
        let definition = task.definition.clone();
        update(services, task, &definition).await
    };
    if_match.settle(change).await
}

async fn update(
    services: &Services,
    task: Task,
    before: &TaskDefinition,
) -> Result<Tagged<One<TaskView>>, ApiError> {
    let surroundings = Surroundings::of(services, std::slice::from_ref(&task)).await?;
    let updated = services.repositories.tasks().task_update(&task).await?;
    tracing::info!(task.id = %updated.definition.id, "a task was changed");
    services.jobs_available.raise();
    let surroundings = match updated.removed_at {
        None => surroundings.after_change(&updated.definition, Some(before)),
        // Its version is none that its registry has.
        Some(_) => surroundings,
    };
    Ok(answer(updated, &surroundings))
}

/// What keeps a task from being deleted, in words.
fn in_use(task: &Task, task_use: &TaskUse) -> String {
    let TaskUse {
        schedules,
        schedule_names,
        jobs,
        job_ids,
    } = task_use;
    let mut words = Vec::new();
    if *schedules > 0 {
        let names: Vec<String> = schedule_names.iter().map(|name| format!("\"{name}\"")).collect();
        let names = some_of(*schedules, &names);
        words.push(format!("{schedules} schedules run it: {names}"));
    }
    if *jobs > 0 {
        let ids: Vec<String> = job_ids.iter().map(ToString::to_string).collect();
        let ids = some_of(*jobs, &ids);
        words.push(format!(
            "{jobs} jobs of it have not ended, have results to be delivered, or are waited for: {ids}"
        ));
    }
    format!(
        "task {} {} cannot be deleted: {}",
        task.definition.name,
        task.definition.version,
        words.join("; ")
    )
}

fn some_of(all: u64, named: &[String]) -> String {
    let more = if all > named.len() as u64 { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}
