use axum::extract::{FromRequestParts, RawQuery};
use axum::http::request::Parts;
use chrono::{DateTime, FixedOffset, Offset, SecondsFormat, Utc};
use ratchet_interfaces::{ScheduleId, WrittenFollowing};
use ratchet_recurrence::{Specification, Zone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::body::{JsonBody, whole_or_null};
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::id::PathId;
use crate::list::instant;
use crate::schedules::TAG;
use crate::schedules::read::stored;
use crate::state::Services;

const DEFAULT_COUNT: u32 = 10;
const MOST: u32 = 1_000;

/// An expression of which the next instants are wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewRequest {
    /// As for a schedule.
    #[schema(example = "every weekday at 9am")]
    cron_expression: String,
    /// The IANA time zone in which it is read.
    #[schema(default = "UTC", example = "Europe/Berlin")]
    timezone: Option<String>,
    /// How many instants.
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(default = 10, minimum = 1, maximum = 1000, example = 3)]
    count: Option<u32>,
    /// They are later than this instant; left out, than now.
    from: Option<DateTime<Utc>>,
}

/// The next instants of an expression.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    /// The expression in the canonical form.
    #[schema(example = "30 2 * * *")]
    cron_expression: String,
    /// What it says in words.
    #[schema(example = "At 02:30 every day")]
    description: String,
    /// The IANA time zone in which it is read.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// They, in order.
    instants: Vec<Instant>,
    /// Why there are no more, if they come to an end.
    end: Option<String>,
}

/// One instant of an expression.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Instant {
    /// The instant.
    #[schema(example = "2026-03-29T01:00:00Z")]
    utc: DateTime<Utc>,
    /// The same, as a clock in the time zone shows it.
    #[schema(example = "2026-03-29T03:00:00+02:00")]
    local: String,
    /// Where a change of the clocks has to do with it: what.
    #[schema(example = "clocks are set forward: 02:30:00 does not exist on that day")]
    note: Option<String>,
}

/// The next instants of an expression, whether any schedule has it or not.
#[utoipa::path(
    post,
    path = "/schedules/preview",
    tag = TAG,
    operation_id = "schedules_preview",
    security(("bearer" = ["read"])),
    request_body = PreviewRequest,
    responses(
        (status = 200, body = One<Preview>),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 422, body = ErrorEnvelope, description = "A field is missing or of another type"),
    )
)]
pub(super) async fn preview(
    services: Services,
    JsonBody(request): JsonBody<PreviewRequest>,
) -> Result<One<Preview>, ApiError> {
    let PreviewRequest {
        cron_expression,
        timezone,
        count,
        from,
    } = request;
    if WrittenFollowing::read(&cron_expression).is_some() {
        return Err(follows("cronExpression"));
    }
    let zone = zone(timezone.as_deref().unwrap_or("UTC"))?;
    let specification = Specification::read(&cron_expression, zone).map_err(|error| {
        ApiError::invalid(
            "cronExpression",
            format!("\"{cron_expression}\" is not allowed: {error}"),
        )
    })?;
    let range = Range {
        count: count_of(count)?,
        from,
    };
    let data = previewed(&specification, range, services.clock.now());
    Ok(One { data })
}

/// The next instants of a schedule's expression, whether it is enabled or not.
#[utoipa::path(
    get,
    path = "/schedules/{id}/next",
    tag = TAG,
    operation_id = "schedules_next",
    params(("id" = Uuid, Path), RangeParameters),
    responses(
        (status = 200, body = One<Preview>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is not allowed, or it follows another schedule"),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn next(
    services: Services,
    PathId(id): PathId<ScheduleId>,
    range: Range,
) -> Result<One<Preview>, ApiError> {
    let schedule = stored(&services, id).await?;
    if schedule.follows().is_some() {
        return Err(follows("id"));
    }
    let zone = zone(&schedule.timezone)?;
    let specification = Specification::parse(&schedule.specification, zone).map_err(|error| {
        let text = &schedule.specification;
        ApiError::invalid(
            "cronExpression",
            format!("\"{text}\" is stored, and cannot be read: {error}"),
        )
    })?;
    let data = previewed(&specification, range, services.clock.now());
    Ok(One { data })
}

/// How many instants, from when on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    count: usize,
    from: Option<DateTime<Utc>>,
}

/// [`Range`] in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the generator of the document reads it only")]
struct RangeParameters {
    /// How many instants.
    #[param(required = false, default = 10, minimum = 1, maximum = 1000)]
    count: Option<u32>,
    /// They are later than this instant; left out, than now.
    from: Option<DateTime<Utc>>,
}

impl<S: Send + Sync> FromRequestParts<S> for Range {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(RawQuery(query)) = RawQuery::from_request_parts(parts, state).await;
        let (mut count, mut from) = (None, None);
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "count" => {
                    let number = value.parse().map_err(|_| {
                        ApiError::bad_request(format!(
                            "count is \"{value}\": it is a number from 1 to {MOST}"
                        ))
                    })?;
                    count = Some(number);
                }
                "from" => {
                    let wrong = |rule| ApiError::bad_request(format!("from: {rule}"));
                    from = Some(instant(&value).map_err(wrong)?);
                }
                _ => {
                    let rule = format!("{name} is no parameter of this route: it takes count and from");
                    return Err(ApiError::bad_request(rule));
                }
            }
        }
        let count = count_of(count)?;
        Ok(Self { count, from })
    }
}

fn count_of(count: Option<u32>) -> Result<usize, ApiError> {
    let count = count.unwrap_or(DEFAULT_COUNT);
    if !(1..=MOST).contains(&count) {
        let rule = format!("{count} is not allowed: it is 1 to {MOST}");
        return Err(ApiError::invalid("count", rule));
    }
    Ok(count as usize)
}

pub(super) fn zone(name: &str) -> Result<Zone, ApiError> {
    name.parse()
        .map_err(|error: ratchet_recurrence::ZoneError| ApiError::invalid("timezone", error))
}

fn follows(field: &str) -> ApiError {
    let rule = "a schedule that follows another has no instants of its own: it runs when a job of the other has ended";
    ApiError::invalid(field, rule)
}

fn previewed(specification: &Specification, range: Range, now: DateTime<Utc>) -> Preview {
    let from = range.from.unwrap_or(now);
    let instants: Vec<Instant> = specification
        .upcoming(from)
        .take(range.count)
        .map(|tick| instant_of(specification, tick))
        .collect();
    let last = instants.last().map_or(from, |last| last.utc);
    let end = if instants.len() < range.count {
        specification.end(last).map(|end| end.to_string())
    } else {
        None
    };
    Preview {
        cron_expression: specification.to_string(),
        description: specification.describe(),
        timezone: specification.zone().tz().name().to_owned(),
        instants,
        end,
    }
}

fn instant_of(specification: &Specification, tick: DateTime<Utc>) -> Instant {
    let zone = specification.zone().tz();
    let local = tick.with_timezone(&zone);
    let note = match specification.moved_from(tick) {
        Some(missing) => Some(format!(
            "clocks are set forward: {} does not exist on that day",
            missing.format("%H:%M:%S")
        )),
        None => twice(&local.naive_local().and_local_timezone(zone), tick),
    };
    Instant {
        utc: tick,
        local: local.to_rfc3339_opts(SecondsFormat::AutoSi, false),
        note,
    }
}

/// Which of the two instants it is at which clocks show the same local time.
fn twice<Tz: chrono::TimeZone>(
    instants: &chrono::LocalResult<DateTime<Tz>>,
    tick: DateTime<Utc>,
) -> Option<String> {
    let chrono::LocalResult::Ambiguous(first, second) = instants else {
        return None;
    };
    let offset = |instant: &DateTime<Tz>| -> FixedOffset { instant.offset().fix() };
    let (which, offset) = if first.to_utc() == tick {
        ("first", offset(first))
    } else {
        ("second", offset(second))
    };
    Some(format!(
        "clocks are set back, and show this time twice: it is the {which}, at {offset}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instants(expression: &str, from: &str, count: usize) -> Vec<(String, Option<String>)> {
        let specification = Specification::read(expression, "Europe/Berlin".parse().unwrap()).unwrap();
        let range = Range {
            count,
            from: from.parse().ok(),
        };
        let preview = previewed(&specification, range, DateTime::UNIX_EPOCH);
        let instants = preview.instants.into_iter();
        instants.map(|instant| (instant.local, instant.note)).collect()
    }

    #[test]
    fn an_instant_that_a_change_of_the_clocks_moves_has_a_note() {
        let around = instants("30 2 * * *", "2026-03-28T12:00:00Z", 2);
        assert_eq!(around[0].0, "2026-03-29T03:00:00+02:00");
        assert!(
            around[0]
                .1
                .as_deref()
                .unwrap()
                .contains("02:30:00 does not exist")
        );
        assert_eq!(around[1].1, None);
    }

    #[test]
    fn an_instant_that_clocks_show_twice_has_a_note() {
        let around = instants("30 2 * * *; overlap twice", "2026-10-24T12:00:00Z", 3);
        assert!(
            around[0].1.as_deref().unwrap().contains("first, at +02:00"),
            "{around:?}"
        );
        assert!(
            around[1].1.as_deref().unwrap().contains("second, at +01:00"),
            "{around:?}"
        );
        assert_eq!(around[2].1, None);
    }
}
