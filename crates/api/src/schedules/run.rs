use chrono::{DateTime, Utc};
use ratchet_interfaces::{BackfillOrder, BackfillReport, BackfillRequest, ScheduleId, UnifiedSchedule};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::{JsonBody, OptionalJsonBody, whole, whole_or_null};
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::id::PathId;
use crate::job::JobView;
use crate::run::check_input;
use crate::schedules::TAG;
use crate::schedules::read::stored;
use crate::state::Services;

/// That a schedule is to run at once.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct TriggerRequest {
    /// The input of the job, instead of the schedule's.
    #[serde(default)]
    #[schema(value_type = Value, required = false)]
    input: Option<Value>,
}

/// That a schedule was run at once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Triggered {
    /// Whether it was done.
    #[schema(example = true)]
    success: bool,
    /// What was done, in words.
    #[schema(example = "schedule \"nightly\" was triggered")]
    message: String,
    /// The job.
    job: JobView,
}

/// Creates a job of a schedule at once, whether it is enabled or not.
#[utoipa::path(
    post,
    path = "/schedules/{id}/trigger",
    tag = TAG,
    operation_id = "schedules_trigger",
    params(("id" = Uuid, Path)),
    request_body(content = Option<TriggerRequest>),
    responses(
        (status = 200, body = One<Triggered>),
        (status = 400, body = ErrorEnvelope, description = "The input is not what the task's schema says"),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn trigger(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    OptionalJsonBody(request): OptionalJsonBody<TriggerRequest>,
) -> Result<One<Triggered>, ApiError> {
    let schedule = stored(&services, id).await?;
    let TriggerRequest { input } = request.unwrap_or_default();
    check_other_input(&services, &schedule, input.as_ref()).await?;
    let job = services.scheduler.trigger_now(id, input).await?;
    let data = Triggered {
        success: true,
        message: format!("schedule \"{}\" was triggered", schedule.name),
        job: job.into(),
    };
    Ok(One { data })
}

/// Past ticks are to be made up for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackfillBody {
    /// The first instant of the range.
    #[schema(example = "2026-01-01T00:00:00Z")]
    from: DateTime<Utc>,
    /// The first instant that does not belong to it any more; not in the future.
    #[schema(example = "2026-01-05T00:00:00Z")]
    to: DateTime<Utc>,
    /// Which ticks come first.
    #[serde(default)]
    order: Order,
    /// How many ticks at the most: the first in that order.
    #[serde(default = "default_max_count", deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 10_000)]
    max_count: u32,
    /// How many jobs may start a minute; left out, they start as fast as they run.
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(minimum = 1, maximum = 60_000)]
    per_minute: Option<u32>,
    /// Whether ticks are left out that became a job, or were merged into one.
    #[serde(default = "default_only_missing")]
    #[schema(default = true)]
    only_missing: bool,
    /// The input of the jobs, instead of the schedule's.
    #[schema(value_type = Value, required = false)]
    input: Option<Value>,
    /// Who asks.
    #[serde(default = "default_by")]
    #[schema(default = "api")]
    by: String,
    /// Why.
    #[schema(example = "the importer was down")]
    note: Option<String>,
}

const fn default_max_count() -> u32 {
    1_000
}

const fn default_only_missing() -> bool {
    true
}

fn default_by() -> String {
    "api".to_owned()
}

/// Which ticks are made up for first.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = BackfillOrder)]
pub(crate) enum Order {
    #[default]
    #[serde(alias = "oldest_first")]
    OldestFirst,
    #[serde(alias = "newest_first")]
    NewestFirst,
}

/// What a backfill has made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BackfillReport)]
pub(crate) struct BackfillView {
    /// The number of the request, by which the ledger knows it; null if there was nothing to do.
    #[schema(example = 1)]
    request: Option<u32>,
    /// How many jobs were made.
    #[schema(example = 2)]
    jobs: u64,
    /// The first tick that they make up for.
    #[schema(example = "2026-01-01T08:00:00Z")]
    first: Option<DateTime<Utc>>,
    /// The last tick that they make up for.
    #[schema(example = "2026-01-02T08:00:00Z")]
    last: Option<DateTime<Utc>>,
    /// How many ticks of the range were left out because they have a job.
    #[schema(example = 0)]
    had_jobs: u64,
    /// How many were left out because of `maxCount`.
    #[schema(example = 0)]
    beyond_max: u64,
    /// When the last job may start.
    #[schema(example = "2026-01-05T08:00:00Z")]
    last_start: Option<DateTime<Utc>>,
}

impl From<BackfillReport> for BackfillView {
    fn from(report: BackfillReport) -> Self {
        let BackfillReport {
            request,
            jobs,
            range,
            had_jobs,
            beyond_max,
            last_start,
        } = report;
        let (first, last) = range.unzip();
        Self {
            request,
            jobs,
            first,
            last,
            had_jobs,
            beyond_max,
            last_start,
        }
    }
}

/// Makes up for past ticks of a schedule: a job for each.
#[utoipa::path(
    post,
    path = "/schedules/{id}/backfill",
    tag = TAG,
    operation_id = "schedules_backfill",
    params(("id" = Uuid, Path)),
    request_body = BackfillBody,
    responses(
        (status = 200, body = One<BackfillView>),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 404, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is missing or of another type"),
    )
)]
pub(super) async fn backfill(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    JsonBody(body): JsonBody<BackfillBody>,
) -> Result<One<BackfillView>, ApiError> {
    let BackfillBody {
        from,
        to,
        order,
        max_count,
        per_minute,
        only_missing,
        input,
        by,
        note,
    } = body;
    let schedule = stored(&services, id).await?;
    check_other_input(&services, &schedule, input.as_ref()).await?;
    let request = BackfillRequest {
        from,
        to,
        order: match order {
            Order::OldestFirst => BackfillOrder::OldestFirst,
            Order::NewestFirst => BackfillOrder::NewestFirst,
        },
        max_count,
        per_minute,
        only_missing,
        input,
        by,
        note,
    };
    let report = services.scheduler.backfill(id, request).await?;
    Ok(One { data: report.into() })
}

/// Checks an input that is given instead of the schedule's. That of a task which is gone cannot be checked: its jobs tell
/// of it.
async fn check_other_input(
    services: &Services,
    schedule: &UnifiedSchedule,
    input: Option<&Value>,
) -> Result<(), ApiError> {
    let Some(input) = input else {
        return Ok(());
    };
    match services.repositories.tasks().task_find(schedule.task_id).await? {
        Some(task) => check_input(services, &task, input),
        None => Ok(()),
    }
}
