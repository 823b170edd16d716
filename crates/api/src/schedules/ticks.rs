use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Bound, Choice, InstantBound, ScheduleId, Tick, TickCondition, TickRecord, TickSort,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::envelope::Many;
use crate::error::{ApiError, ErrorEnvelope};
use crate::example;
use crate::id::PathId;
use crate::list::{ListQuery, Listed, Offer, Sort, field};
use crate::named::{Name, TickOutcomeName};
use crate::readable::Readable;
use crate::schedules::TAG;
use crate::schedules::read::stored;
use crate::state::Services;

/// The list of what became of a schedule's ticks.
#[derive(Debug)]
pub(crate) struct Ticks;

impl Listed for Ticks {
    type Condition = TickCondition;
    type Sort = TickSort;
    const OFFER: Offer<TickCondition, TickSort> = Offer {
        fields: &[
            &field(
                "scheduledFor",
                scheduled_for,
                "The nominal instant, or the time of a row of many",
            ),
            &field("outcome", TickCondition::Outcome, "What became of it"),
            &field(
                "byHand",
                TickCondition::ByHand,
                "Whether it was asked for by hand",
            ),
            &field("reason", TickCondition::Reason, "Why"),
            &field(
                "jobId",
                TickCondition::JobId,
                "The job that it became or was merged into",
            ),
            &field("decidedAt", TickCondition::DecidedAt, "When it was decided"),
        ],
        sorts: &[Sort::by("scheduledFor", TickSort::ScheduledFor)],
        default_order: "by `scheduledFor`, newest first",
    };
}

/// A row of many ticks is found by any instant from its first to its last.
fn scheduled_for(bound: InstantBound) -> TickCondition {
    match bound {
        Bound::AtLeast(_) => TickCondition::Through(bound),
        _ => TickCondition::ScheduledFor(bound),
    }
}

/// What became of a tick; where very many in a row had the same outcome, of all of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tick)]
pub(crate) struct TickView {
    /// The schedule whose tick it is.
    schedule_id: Uuid,
    /// Which request by hand it was done for, from 1; 0 for what the schedule itself decided.
    #[schema(example = 0)]
    request: u32,
    /// The first nominal instant.
    scheduled_for: DateTime<Utc>,
    /// The last nominal instant.
    through: DateTime<Utc>,
    /// How many ticks there are from the first to the last.
    #[schema(example = 1)]
    count: u64,
    /// What became of it.
    outcome: TickOutcomeName,
    /// Why, in words, where the outcome alone does not say it.
    reason: Option<String>,
    /// The job that the tick became or was merged into.
    #[schema(example = json!(example::JOB))]
    job_id: Option<Uuid>,
    /// How long after it was due it was decided on.
    #[schema(example = 0.002)]
    lateness_seconds: f64,
    /// When that was decided.
    decided_at: DateTime<Utc>,
}

impl From<Tick> for TickView {
    fn from(tick: Tick) -> Self {
        let Tick {
            schedule_id,
            request,
            record,
        } = tick;
        let TickRecord {
            scheduled_for,
            through,
            count,
            outcome,
            reason,
            job_id,
            lateness,
            decided_at,
        } = record;
        Self {
            schedule_id: schedule_id.as_uuid(),
            request,
            scheduled_for,
            through,
            count,
            outcome: Name(outcome),
            reason: reason.map(|reason| reason.to_string()),
            job_id: job_id.map(|id| id.as_uuid()),
            lateness_seconds: lateness.as_seconds_f64(),
            decided_at,
        }
    }
}

/// The schedule's ledger, newest first: what became of each tick, and why.
#[utoipa::path(
    get,
    path = "/schedules/{id}/ticks",
    tag = TAG,
    operation_id = "schedules_ticks",
    params(("id" = Uuid, Path), ListQuery<Ticks>),
    responses(
        (status = 200, body = Many<TickView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn list(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    query: ListQuery<Ticks>,
) -> Result<Many<TickView>, ApiError> {
    let schedule = stored(&services, id).await?;
    let filter = query
        .filter
        .and(TickCondition::ScheduleId(Choice::Is(schedule.id)));
    let ticks = services.repositories.ticks();
    let list = |request| ticks.tick_list(&filter, query.sort, request);
    let page = Readable::read(query.page, list).await?.map(TickView::from);
    Ok(Many::new("ticks", page, query.page, services.clock.now()))
}
