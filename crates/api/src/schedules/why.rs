use axum::extract::RawQuery;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{ScheduleId, TickAccount, TickVerdict};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::id::PathId;
use crate::list::instant;
use crate::schedules::TAG;
use crate::schedules::read::stored;
use crate::schedules::ticks::TickView;
use crate::state::Services;

/// What became, becomes or would become of an instant of a schedule, and why.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TickAccountView {
    /// The schedule.
    schedule_id: Uuid,
    /// The instant that was asked about.
    at: DateTime<Utc>,
    /// What it comes to.
    verdict: Verdict,
    /// The answer in words.
    #[schema(example = "fired 2 ms late as job 01935b2e-7c00-7000-8000-000000000002")]
    words: String,
    /// What the ledger has of the instant.
    recorded: Vec<TickView>,
    /// The last tick before the instant, by the specification that held at the time.
    #[schema(example = "2026-01-02T08:00:00Z")]
    previous: Option<DateTime<Utc>>,
    /// The first tick after the instant, by the specification that held at the time.
    #[schema(example = "2026-01-06T08:00:00Z")]
    next: Option<DateTime<Utc>>,
}

/// The kinds of answers about an instant.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = TickVerdict)]
pub(crate) enum Verdict {
    /// It is a tick, and the ledger says what became of it.
    Recorded,
    /// It is a tick to come.
    Expected,
    /// It is a tick that is due, and is being decided on or waits for the engine to run.
    Undecided,
    /// It is a tick that will be decided on when the schedule is resumed.
    Paused,
    /// It is no tick.
    NotDue,
    /// It would be a tick, were it not excluded.
    Excluded,
    /// The schedule did not exist yet, was disabled, or was completed.
    OutOfForce,
    /// It was a tick, but the ledger does not go back so far.
    Pruned,
    /// It was a tick, and the ledger has nothing of it: that must not be.
    Missing,
}

impl From<TickVerdict> for Verdict {
    fn from(verdict: TickVerdict) -> Self {
        match verdict {
            TickVerdict::Recorded => Self::Recorded,
            TickVerdict::Expected => Self::Expected,
            TickVerdict::Undecided => Self::Undecided,
            TickVerdict::Paused => Self::Paused,
            TickVerdict::NotDue => Self::NotDue,
            TickVerdict::Excluded => Self::Excluded,
            TickVerdict::OutOfForce => Self::OutOfForce,
            TickVerdict::Pruned => Self::Pruned,
            TickVerdict::Missing => Self::Missing,
        }
    }
}

impl From<TickAccount> for TickAccountView {
    fn from(account: TickAccount) -> Self {
        let TickAccount {
            schedule_id,
            instant,
            verdict,
            words,
            recorded,
            previous,
            next,
        } = account;
        Self {
            schedule_id: schedule_id.as_uuid(),
            at: instant,
            verdict: verdict.into(),
            words,
            recorded: recorded.into_iter().map(TickView::from).collect(),
            previous,
            next,
        }
    }
}

/// What became, becomes or would become of an instant of a schedule, and why.
#[utoipa::path(
    get,
    path = "/schedules/{id}/why",
    tag = TAG,
    operation_id = "schedules_why",
    params(
        ("id" = Uuid, Path),
        ("at" = DateTime<Utc>, Query, description = "The instant, as in 2026-03-01T09:00:00Z"),
    ),
    responses(
        (status = 200, body = One<TickAccountView>),
        (status = 400, body = ErrorEnvelope, description = "`at` is missing or no instant, or a parameter is unknown"),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn why(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    RawQuery(query): RawQuery,
) -> Result<One<TickAccountView>, ApiError> {
    let at = asked_for(query.as_deref().unwrap_or(""))?;
    stored(&services, id).await?;
    let account = services.scheduler.why(id, at).await?;
    Ok(One { data: account.into() })
}

fn asked_for(query: &str) -> Result<DateTime<Utc>, ApiError> {
    let mut at = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "at" || at.is_some() {
            let rule = format!("{name}: it is unknown or given twice; allowed is at, once");
            return Err(ApiError::bad_request(rule));
        }
        at = Some(instant(&value).map_err(|rule| ApiError::bad_request(format!("at: {rule}")))?);
    }
    at.ok_or_else(|| ApiError::bad_request("at is missing: it is the instant that is asked about"))
}
