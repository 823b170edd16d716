use chrono::{DateTime, Utc};
use ratchet_interfaces::{PauseRequest, ResumeRequest, ScheduleId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::OptionalJsonBody;
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::etag::Tagged;
use crate::id::PathId;
use crate::schedules::TAG;
use crate::schedules::view::{ScheduleView, answer};
use crate::state::Services;

/// The most characters of a name and of a note.
const LONGEST: usize = 1_000;

/// That a schedule is to be paused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PauseSchedule {
    /// Who asks.
    #[serde(default = "api")]
    #[schema(default = "api", min_length = 1, max_length = 1_000, example = "ops")]
    by: String,
    /// Why.
    #[schema(max_length = 1_000, example = "the database moves")]
    note: Option<String>,
    /// When it resumes by itself; left out, it does not.
    #[schema(example = "2030-01-01T06:00:00Z")]
    resume_at: Option<DateTime<Utc>>,
}

impl Default for PauseSchedule {
    fn default() -> Self {
        Self {
            by: api(),
            note: None,
            resume_at: None,
        }
    }
}

/// That a paused schedule is to be resumed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResumeSchedule {
    /// Who asks.
    #[serde(default = "api")]
    #[schema(default = "api", min_length = 1, max_length = 1_000, example = "ops")]
    by: String,
    /// Whether all ticks meanwhile are skipped, whatever the misfire policy says.
    #[serde(default)]
    #[schema(default = false)]
    skip_missed: bool,
}

impl Default for ResumeSchedule {
    fn default() -> Self {
        Self {
            by: api(),
            skip_missed: false,
        }
    }
}

fn api() -> String {
    "api".to_owned()
}

/// Ceases to fire a schedule until it is resumed, by somebody or at an instant. One that is paused is paused anew.
#[utoipa::path(
    post,
    path = "/schedules/{id}/pause",
    tag = TAG,
    operation_id = "schedules_pause",
    params(("id" = Uuid, Path)),
    request_body(content = Option<PauseSchedule>),
    responses(
        (status = 200, body = One<ScheduleView>, headers(("ETag" = String, description = "Its version"))),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "It is changed by others all the time"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is of another type"),
    )
)]
pub(super) async fn pause(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    OptionalJsonBody(given): OptionalJsonBody<PauseSchedule>,
) -> Result<Tagged<One<ScheduleView>>, ApiError> {
    let PauseSchedule { by, note, resume_at } = given.unwrap_or_default();
    let request = PauseRequest {
        by: text("by", by, 1)?,
        note: note.map(|note| text("note", note, 0)).transpose()?,
        resume_at,
    };
    services
        .scheduler
        .pause_schedule(id, request)
        .await
        .map(answer)
        .map_err(ApiError::from)
}

/// Fires a paused schedule again. Its ticks meanwhile were missed: its misfire policy decides on them, or all are skipped.
/// One that is not paused stays as it is.
#[utoipa::path(
    post,
    path = "/schedules/{id}/resume",
    tag = TAG,
    operation_id = "schedules_resume",
    params(("id" = Uuid, Path)),
    request_body(content = Option<ResumeSchedule>),
    responses(
        (status = 200, body = One<ScheduleView>, headers(("ETag" = String, description = "Its version"))),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 404, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "It is changed by others all the time"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is of another type"),
    )
)]
pub(super) async fn resume(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    OptionalJsonBody(given): OptionalJsonBody<ResumeSchedule>,
) -> Result<Tagged<One<ScheduleView>>, ApiError> {
    let ResumeSchedule { by, skip_missed } = given.unwrap_or_default();
    let request = ResumeRequest {
        by: text("by", by, 1)?,
        skip_missed,
    };
    services
        .scheduler
        .resume_schedule(id, request)
        .await
        .map(answer)
        .map_err(ApiError::from)
}

fn text(field: &str, given: String, least: usize) -> Result<String, ApiError> {
    let length = given.chars().count();
    if !(least..=LONGEST).contains(&length) {
        let rule = format!("it has {length} characters: {least} to {LONGEST} are allowed");
        return Err(ApiError::invalid(field, rule));
    }
    Ok(given)
}
