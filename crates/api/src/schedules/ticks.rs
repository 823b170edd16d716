use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{Page, ScheduleId, Tick, TickFilter, TickOutcome, TickRecord};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::envelope::Many;
use crate::error::{ApiError, ErrorEnvelope};
use crate::id::PathId;
use crate::list::{Filter, ListQuery, Listed, Offer, Setter};
use crate::named::{Name, Named, TickOutcomeName};
use crate::schedules::TAG;
use crate::schedules::read::stored;
use crate::state::Services;

/// The list of what became of a schedule's ticks.
#[derive(Debug)]
pub(super) struct Ticks;

const fn outcome() -> Setter<TickFilter> {
    Setter::Name {
        names: TickOutcome::wire_names,
        set: |filter, name| {
            filter.outcomes.push(TickOutcome::of_wire_name(name)?);
            Ok(())
        },
    }
}

impl Listed for Ticks {
    type Filter = TickFilter;
    type Sort = ();
    const OFFER: Offer<TickFilter, ()> = Offer {
        filters: &[
            Filter::at_least(
                "scheduledFor",
                Setter::Instant(|filter, instant| filter.from = Some(instant)),
                "That end at this instant or later.",
            ),
            Filter::at_most(
                "scheduledFor",
                // What is stored is in whole microseconds.
                Setter::Instant(|filter, instant| {
                    filter.before = instant.checked_add_signed(TimeDelta::microseconds(1));
                }),
                "That begin at this instant or earlier.",
            ),
            Filter::is("outcome", outcome(), "With this outcome."),
            Filter::one_of(
                "outcome",
                outcome(),
                "With one of these outcomes, separated by commas.",
            ),
            Filter::is(
                "byHand",
                Setter::Flag(|filter, by_hand| filter.by_hand = Some(by_hand)),
                "Asked for by hand, or the schedule's own.",
            ),
        ],
        sorts: &[],
        default_order: "newest first",
    };
}

/// What became of a tick; where very many in a row had the same outcome, of all of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tick)]
pub(crate) struct TickView {
    schedule_id: Uuid,
    /// Which request by hand it was done for, from 1; 0 for what the schedule itself decided.
    request: u32,
    /// The first nominal instant.
    scheduled_for: DateTime<Utc>,
    /// The last nominal instant.
    through: DateTime<Utc>,
    /// How many ticks there are from the first to the last.
    count: u64,
    outcome: TickOutcomeName,
    /// Why, in words, where the outcome alone does not say it.
    reason: Option<String>,
    /// The job that the tick became or was merged into.
    job_id: Option<Uuid>,
    /// How long after it was due it was decided on.
    lateness_seconds: f64,
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
    let filter = TickFilter {
        schedule_id: Some(schedule.id),
        ..query.filter
    };
    let Page { items, total } = services
        .repositories
        .ticks()
        .tick_list(&filter, query.page)
        .await?;
    let page = Page {
        items: items.into_iter().map(TickView::from).collect(),
        total,
    };
    Ok(Many::new("ticks", page, query.page, services.clock.now()))
}
