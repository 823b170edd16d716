use chrono::{DateTime, Utc};
use ratchet_interfaces::{ScheduleId, ScheduleStatistics, UnifiedSchedule};
use serde::Serialize;
use utoipa::ToSchema;

use crate::envelope::{Many, One, Statistics};
use crate::error::{ApiError, ErrorEnvelope};
use crate::etag::Tagged;
use crate::id::PathId;
use crate::list::ListQuery;
use crate::readable::Readable;
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
    let list = |request| schedules.schedule_list(&query.filter, query.sort, request);
    let page = Readable::read(query.page, list).await?.map(ScheduleView::from);
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

/// Numbers about all schedules.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduleStats {
    /// How many there are.
    #[schema(example = 13)]
    total_schedules: u64,
    /// How many fire.
    #[schema(example = 12)]
    enabled_schedules: u64,
    /// How many do not fire.
    #[schema(example = 1)]
    disabled_schedules: u64,
    /// How many are enabled, not paused, and have a tick that is due.
    #[schema(example = 0)]
    schedules_ready_to_run: u64,
    /// Of each that has run, the time from its creation to its last run, divided by the number of its runs: the mean of
    /// these.
    #[schema(example = 60.0)]
    average_execution_interval_minutes: Option<f64>,
    /// The latest tick of any that became a job.
    #[schema(example = "2026-01-05T08:00:00Z")]
    last_execution: Option<DateTime<Utc>>,
    /// The earliest next tick of those that fire.
    #[schema(example = "2026-01-05T09:00:00Z")]
    next_execution: Option<DateTime<Utc>>,
}

impl From<ScheduleStatistics> for ScheduleStats {
    fn from(statistics: ScheduleStatistics) -> Self {
        let ScheduleStatistics {
            total,
            enabled,
            ready,
            last_run,
            next_run,
            mean_interval_seconds,
        } = statistics;
        Self {
            total_schedules: total,
            enabled_schedules: enabled,
            disabled_schedules: total.saturating_sub(enabled),
            schedules_ready_to_run: ready,
            average_execution_interval_minutes: mean_interval_seconds.map(|seconds| seconds / 60.0),
            last_execution: last_run,
            next_execution: next_run,
        }
    }
}

/// Numbers about all schedules.
#[utoipa::path(
    get,
    path = "/schedules/stats",
    tag = TAG,
    operation_id = "schedules_stats",
    responses((status = 200, body = Statistics<ScheduleStats>))
)]
pub(super) async fn statistics(services: Services) -> Result<Statistics<ScheduleStats>, ApiError> {
    let now = services.clock.now();
    let statistics = services.repositories.schedules().schedule_statistics(now).await?;
    Ok(Statistics {
        stats: statistics.into(),
        timestamp: now,
        period: "all",
    })
}

/// The schedule with this id.
pub(super) async fn stored(services: &Services, id: ScheduleId) -> Result<UnifiedSchedule, ApiError> {
    let found = services.repositories.schedules().schedule_find(id).await?;
    found.ok_or_else(|| ApiError::not_found("schedule", &id.to_string()))
}
