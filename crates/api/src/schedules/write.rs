use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ratchet_interfaces::{AuditNote, ScheduleId, UnifiedSchedule};

use crate::body::JsonBody;
use crate::envelope::{Action, One};
use crate::error::{ApiError, ErrorEnvelope};
use crate::etag::{IfMatch, Tagged};
use crate::id::PathId;
use crate::router::PREFIX;
use crate::schedules::TAG;
use crate::schedules::change::{CreateSchedule, PatchSchedule};
use crate::schedules::read::stored;
use crate::schedules::view::{ScheduleView, answer};
use crate::state::Services;

/// Creates a schedule, and fires it from now on.
#[utoipa::path(
    post,
    path = "/schedules",
    tag = TAG,
    operation_id = "schedules_create",
    request_body = CreateSchedule,
    responses(
        (
            status = 201,
            body = One<ScheduleView>,
            headers(
                ("ETag" = String, description = "Its version"),
                ("Location" = String, description = "Its path"),
            )
        ),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 409, body = ErrorEnvelope, description = "The name is taken"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is missing or of another type"),
    )
)]
pub(super) async fn create(
    services: Services,
    JsonBody(given): JsonBody<CreateSchedule>,
) -> Result<Response, ApiError> {
    let schedule = given.checked(&services).await?;
    AuditNote::is_about(schedule.id);
    let stored = services.scheduler.add_schedule(schedule).await?;
    let path = format!("{PREFIX}/schedules/{}", stored.id);
    let mut response = (StatusCode::CREATED, answer(stored)).into_response();
    if let Ok(path) = HeaderValue::try_from(path) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    Ok(response)
}

/// Changes what is given of a schedule. If that concerns when it fires, its next tick is computed anew.
#[utoipa::path(
    patch,
    path = "/schedules/{id}",
    tag = TAG,
    operation_id = "schedules_patch",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    request_body = PatchSchedule,
    responses(
        (status = 200, body = One<ScheduleView>, headers(("ETag" = String, description = "Its version"))),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "The name is taken, or somebody else changed it meanwhile"),
        (status = 412, body = ErrorEnvelope, description = "Its version is not that of If-Match"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is of another type"),
    )
)]
pub(super) async fn patch(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    if_match: IfMatch,
    JsonBody(changes): JsonBody<PatchSchedule>,
) -> Result<Tagged<One<ScheduleView>>, ApiError> {
    let change = || async {
        let before = stored(&services, id).await?;
        if_match.check(before.version)?;
        let schedule = changes.clone().applied_to(before, &services).await?;
        Ok(answer(services.scheduler.update_schedule(schedule).await?))
    };
    if_match.settle(change).await
}

/// Deletes a schedule and its ledger. Its jobs stay.
#[utoipa::path(
    delete,
    path = "/schedules/{id}",
    tag = TAG,
    operation_id = "schedules_delete",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    responses(
        (status = 200, body = Action),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "Other schedules follow it"),
        (status = 412, body = ErrorEnvelope, description = "Its version is not that of If-Match"),
    )
)]
pub(super) async fn delete(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    if_match: IfMatch,
) -> Result<Action, ApiError> {
    let remove = || async {
        let schedule = stored(&services, id).await?;
        if_match.check(schedule.version)?;
        match &if_match {
            IfMatch::OneOf(_) => {
                let of_version = services
                    .scheduler
                    .remove_schedule_of_version(id, schedule.version);
                of_version.await?;
            }
            IfMatch::Absent | IfMatch::Any => services.scheduler.remove_schedule(id).await?,
        }
        Ok(Action::done(format!(
            "schedule \"{}\" was deleted",
            schedule.name
        )))
    };
    if_match.settle(remove).await
}

/// Fires a schedule from now on.
#[utoipa::path(
    post,
    path = "/schedules/{id}/enable",
    tag = TAG,
    operation_id = "schedules_enable",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    responses(
        (status = 200, body = One<ScheduleView>, headers(("ETag" = String, description = "Its version"))),
        (status = 400, body = ErrorEnvelope, description = "It cannot fire"),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "Somebody else changed it meanwhile"),
        (status = 412, body = ErrorEnvelope, description = "Its version is not that of If-Match"),
    )
)]
pub(super) async fn enable(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    if_match: IfMatch,
) -> Result<Tagged<One<ScheduleView>>, ApiError> {
    set_enabled(&services, id, &if_match, true).await
}

/// Ceases to fire a schedule. What is due already is decided on first.
#[utoipa::path(
    post,
    path = "/schedules/{id}/disable",
    tag = TAG,
    operation_id = "schedules_disable",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    responses(
        (status = 200, body = One<ScheduleView>, headers(("ETag" = String, description = "Its version"))),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "Somebody else changed it meanwhile"),
        (status = 412, body = ErrorEnvelope, description = "Its version is not that of If-Match"),
    )
)]
pub(super) async fn disable(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    if_match: IfMatch,
) -> Result<Tagged<One<ScheduleView>>, ApiError> {
    set_enabled(&services, id, &if_match, false).await
}

async fn set_enabled(
    services: &Services,
    id: ScheduleId,
    if_match: &IfMatch,
    enabled: bool,
) -> Result<Tagged<One<ScheduleView>>, ApiError> {
    let change = || async {
        let schedule = stored(services, id).await?;
        if_match.check(schedule.version)?;
        if schedule.enabled == enabled {
            return Ok(answer(schedule));
        }
        let schedule = UnifiedSchedule { enabled, ..schedule };
        Ok(answer(services.scheduler.update_schedule(schedule).await?))
    };
    if_match.settle(change).await
}
