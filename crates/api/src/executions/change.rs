use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ratchet_interfaces::{Deleted, DeletionEvent, Event, ExecutionDeletion, ExecutionId, TaskId};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::{JsonBody, OptionalJsonBody};
use crate::envelope::{Action, One};
use crate::error::{ApiError, ErrorEnvelope};
use crate::executions::TAG;
use crate::executions::subject::{Subject, find};
use crate::executions::view::ExecutionView;
use crate::id::PathId;
use crate::jobs::{CancelJob, call_off, put_back_one, run_now};
use crate::router::PREFIX;
use crate::state::Services;

/// An execution that is to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateExecution {
    /// The task that is run.
    task_id: Uuid,
    /// Its input, which must be what the task's schema says.
    #[schema(value_type = Value, required = false)]
    input: Option<Value>,
}

/// Creates a job that runs as soon as possible. The execution is PENDING, with the id of the job, until it begins; that id
/// leads to it afterwards too.
#[utoipa::path(
    post,
    path = "/executions",
    tag = TAG,
    operation_id = "executions_create",
    request_body = CreateExecution,
    responses(
        (status = 201, body = One<ExecutionView>, headers(("Location" = String, description = "Its path"))),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is missing or of another type"),
    )
)]
pub(super) async fn create(
    services: Services,
    JsonBody(CreateExecution { task_id, input }): JsonBody<CreateExecution>,
) -> Result<Response, ApiError> {
    let input = input.unwrap_or_else(|| Value::Object(Map::new()));
    let job = run_now(&services, TaskId::from_uuid(task_id), input).await?;
    let path = format!("{PREFIX}/executions/{}", job.id);
    let data = ExecutionView::next_of(job);
    let mut response = (StatusCode::CREATED, One { data }).into_response();
    if let Ok(path) = HeaderValue::try_from(path) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    Ok(response)
}

/// A change of an execution. It is a record of what happened: all that can be asked for is that it be cancelled.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct PatchExecution {
    /// CANCELLED, in any case.
    #[schema(example = "CANCELLED")]
    status: Option<String>,
    /// Fields that the execution has, and that are not changed.
    #[serde(flatten)]
    #[schema(ignore)]
    others: Map<String, Value>,
}

/// What an execution has, and nobody changes.
const RECORDED: [&str; 9] = [
    "input",
    "output",
    "errorMessage",
    "errorDetails",
    "progress",
    "startedAt",
    "completedAt",
    "durationMs",
    "taskId",
];

/// Cancels an execution, if that is what is asked for; nothing else of one can be changed.
#[utoipa::path(
    patch,
    path = "/executions/{id}",
    tag = TAG,
    operation_id = "executions_patch",
    params(("id" = Uuid, Path)),
    request_body = PatchExecution,
    responses(
        (status = 200, body = One<ExecutionView>),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a change that is not allowed"),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "It has ended"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is of another type"),
    )
)]
pub(super) async fn patch(
    services: Services,
    PathId(id): PathId<ExecutionId>,
    JsonBody(PatchExecution { status, others }): JsonBody<PatchExecution>,
) -> Result<One<ExecutionView>, ApiError> {
    let subject = find(&services, id).await?;
    if let Some(field) = RECORDED.iter().find(|field| others.contains_key(**field)) {
        return Err(ApiError::invalid(
            field,
            "it is what happened, and is not changed; only status CANCELLED can be asked for",
        ));
    }
    match status {
        None => {}
        Some(status) if status.eq_ignore_ascii_case("CANCELLED") => {
            stop(&services, &subject, CancelJob::default()).await?;
        }
        Some(status) => {
            return Err(ApiError::invalid(
                "status",
                format!("\"{status}\" is not allowed: only CANCELLED can be asked for"),
            ));
        }
    }
    Ok(One {
        data: find(&services, id).await?.view(),
    })
}

/// Cancels the job of an execution that runs or has not begun; one that runs is asked to stop, or with `terminate` taken
/// away.
#[utoipa::path(
    post,
    path = "/executions/{id}/cancel",
    tag = TAG,
    operation_id = "executions_cancel",
    params(("id" = Uuid, Path)),
    request_body(content = Option<CancelJob>),
    responses(
        (status = 200, body = One<ExecutionView>),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "It has ended"),
    )
)]
pub(super) async fn cancel(
    services: Services,
    PathId(id): PathId<ExecutionId>,
    OptionalJsonBody(given): OptionalJsonBody<CancelJob>,
) -> Result<One<ExecutionView>, ApiError> {
    let subject = find(&services, id).await?;
    stop(&services, &subject, given.unwrap_or_default()).await?;
    Ok(One {
        data: find(&services, id).await?.view(),
    })
}

async fn stop(services: &Services, subject: &Subject, request: CancelJob) -> Result<(), ApiError> {
    if let Subject::Attempt { execution, .. } = subject
        && execution.completed_at.is_some()
    {
        return Err(ApiError::conflict(format!(
            "execution {} has ended: its job, {}, may have others",
            execution.id, execution.job_id
        )));
    }
    call_off(services, subject.job_id(), request).await.map(drop)
}

/// Puts the job of an execution back into the queue, if it failed for good or was cancelled and this was its last.
#[utoipa::path(
    post,
    path = "/executions/{id}/retry",
    tag = TAG,
    operation_id = "executions_retry",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = One<ExecutionView>, description = "The next execution of the job"),
        (status = 404, body = ErrorEnvelope),
        (
            status = 409,
            body = ErrorEnvelope,
            description = "Its job has not failed, or has been tried again since, or another job has its unique key"
        ),
    )
)]
pub(super) async fn retry(
    services: Services,
    PathId(id): PathId<ExecutionId>,
) -> Result<One<ExecutionView>, ApiError> {
    let subject = find(&services, id).await?;
    if let Subject::Attempt {
        execution,
        job: Some(job),
    } = &subject
        && job.attempts != execution.attempt
    {
        return Err(ApiError::conflict(format!(
            "execution {} is attempt {} at job {}, which has had {} since: retry the last",
            execution.id, execution.attempt, job.id, job.attempts
        )));
    }
    let job_id = subject.job_id();
    put_back_one(&services, job_id).await?;
    let next = find(&services, ExecutionId::from_uuid(job_id.as_uuid())).await?;
    Ok(One { data: next.view() })
}

/// Deletes an execution that has ended, with its log and deliveries. Its job stays.
#[utoipa::path(
    delete,
    path = "/executions/{id}",
    tag = TAG,
    operation_id = "executions_delete",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Action),
        (status = 404, body = ErrorEnvelope),
        (
            status = 409,
            body = ErrorEnvelope,
            description = "It runs, has not begun, or has results that are still to be delivered"
        ),
    )
)]
pub(super) async fn delete(services: Services, PathId(id): PathId<ExecutionId>) -> Result<Action, ApiError> {
    // The id of a job stands for one execution after another: it deletes none.
    if services
        .repositories
        .executions()
        .execution_find(id)
        .await?
        .is_none()
        && let Subject::Next(job) | Subject::Attempt { job: Some(job), .. } = find(&services, id).await?
    {
        return Err(ApiError::conflict(format!(
            "{} is the id of a job: delete that, or its executions by their own ids",
            job.id
        )));
    }
    match services.repositories.executions().execution_delete(id).await? {
        ExecutionDeletion::Deleted {
            job_id,
            task_id,
            schedule_id,
        } => {
            services.events.emit(&[Event::Deletion(DeletionEvent {
                job_id,
                execution_id: Some(id),
                task_id,
                schedule_id,
                ..DeletionEvent::of(Deleted::Execution, 1, services.clock.now())
            })]);
            tracing::info!(execution.id = %id, "an execution was deleted");
            Ok(Action::done(format!("execution {id} was deleted")))
        }
        ExecutionDeletion::Running => Err(ApiError::conflict(format!(
            "execution {id} runs: cancel it first"
        ))),
        ExecutionDeletion::Undelivered(count) => Err(ApiError::conflict(format!(
            "execution {id} has {count} results that are still to be delivered: they would be lost"
        ))),
    }
}
