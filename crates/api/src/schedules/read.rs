use ratchet_interfaces::{Page, ScheduleId, UnifiedSchedule};

use crate::envelope::{Many, One};
use crate::error::{ApiError, ErrorEnvelope};
use crate::etag::Tagged;
use crate::id::PathId;
use crate::list::ListQuery;
use crate::schedules::TAG;
use crate::schedules::list::Schedules;
use crate::schedules::view::{ScheduleView, answer};
use crate::state::Services;

/// A page of the schedules.
#[utoipa::path(
    get,
    path = "/schedules",
    tag = TAG,
    operation_id = "schedules_list",
    params(ListQuery<Schedules>),
    responses(
        (status = 200, body = Many<ScheduleView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
    )
)]
pub(super) async fn list(
    services: Services,
    query: ListQuery<Schedules>,
) -> Result<Many<ScheduleView>, ApiError> {
    let schedules = services.repositories.schedules();
    let Page { items, total } = schedules
        .schedule_list(&query.filter, query.sort, query.page)
        .await?;
    let page = Page {
        items: items.into_iter().map(ScheduleView::from).collect(),
        total,
    };
    Ok(Many::new("schedules", page, query.page, services.clock.now()))
}

/// One schedule.
#[utoipa::path(
    get,
    path = "/schedules/{id}",
    tag = TAG,
    operation_id = "schedules_get",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = One<ScheduleView>, headers(("ETag" = String, description = "Its version"))),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn get(
    services: Services,
    PathId(id): PathId<ScheduleId>,
) -> Result<Tagged<One<ScheduleView>>, ApiError> {
    stored(&services, id).await.map(answer)
}

/// The schedule with this id.
pub(super) async fn stored(services: &Services, id: ScheduleId) -> Result<UnifiedSchedule, ApiError> {
    let found = services.repositories.schedules().schedule_find(id).await?;
    found.ok_or_else(|| ApiError::not_found("schedule", &id.to_string()))
}
