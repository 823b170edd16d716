use std::time::Duration;

use axum::extract::{FromRequestParts, RawQuery};
use axum::http::request::Parts;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use ratchet_interfaces::{ForecastRequest, WhatIf};
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::list::instant;
use crate::schedules::whole_milliseconds;

/// The most ticks of an answer.
const MOST_SHOWN: usize = 10_000;
const DEFAULT_SHOWN: usize = 1_000;
/// The most stretches of an answer.
pub(super) const MOST_BUCKETS: u64 = 10_000;
/// The most seconds of an answer.
const MOST_BUSIEST: usize = 1_000;
/// The most differences that one thinks of.
const MOST_IDEAS: usize = 100;
const LONGEST_BUCKET: u64 = 31_622_400;
const LONGEST_SPREAD: Duration = Duration::from_secs(86_400);

/// How the ticks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The first of them, so many at the most.
    Each(usize),
    /// How many there are in each stretch of so long.
    Buckets(Duration),
    /// The seconds that have most of them, so many at the most.
    Busiest(usize),
}

/// What is asked about the ticks to come.
#[derive(Debug, Default)]
pub(super) struct ForecastQuery {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    limit: Option<usize>,
    bucket: Option<Duration>,
    busiest: Option<usize>,
    /// Names and specifications.
    what_if: Vec<(String, String)>,
    without: Vec<String>,
    timezone: Option<String>,
    spread: Option<Duration>,
}

/// [`ForecastQuery`] in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "the generator of the document reads it only")]
pub(super) struct ForecastParameters {
    /// The first instant; left out, now.
    from: Option<DateTime<Utc>>,
    /// Ticks that are due before this instant; left out, a day after the first.
    #[param(example = "2026-01-06T08:00:00Z")]
    to: Option<DateTime<Utc>>,
    /// How many ticks are shown at the most. It does not go with `bucketSeconds` and `busiest`.
    #[param(required = false, default = 1000, minimum = 1, maximum = 10000)]
    limit: Option<usize>,
    /// Count the ticks in stretches of so many seconds instead of showing them.
    #[param(required = false, minimum = 1, maximum = 31622400, example = 3600)]
    bucket_seconds: Option<u32>,
    /// Show the seconds in which most ticks are due, so many at the most, instead of the ticks. It does not go with
    /// `bucketSeconds`.
    #[param(required = false, minimum = 1, maximum = 1000, example = 5)]
    busiest: Option<usize>,
    /// As if there were a schedule of this name and expression, instead of the stored one if there is one. It may be given
    /// several times, up to 100 together with `without`.
    #[param(required = false, example = "report=every hour")]
    what_if: Option<String>,
    /// As if the schedule of this name were not there. It may be given several times.
    #[param(required = false, example = "nightly")]
    without: Option<String>,
    /// The IANA time zone in which `whatIf` is read.
    #[param(required = false, default = "UTC", example = "Europe/Berlin")]
    timezone: Option<String>,
    /// Over how many seconds the ticks of `whatIf` are spread, in whole milliseconds, as in 1.5.
    #[param(required = false, default = 0, minimum = 0, maximum = 86400)]
    spread_seconds: Option<f64>,
}

impl ForecastQuery {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = &*value;
            match &*name {
                "from" => once("from", &mut asked.from, at("from", value)?)?,
                "to" => once("to", &mut asked.to, at("to", value)?)?,
                "limit" => once("limit", &mut asked.limit, count("limit", value, MOST_SHOWN)?)?,
                "bucketSeconds" | "bucket_seconds" => {
                    let seconds = seconds("bucketSeconds", value, 1, LONGEST_BUCKET)?;
                    once("bucketSeconds", &mut asked.bucket, seconds)?;
                }
                "busiest" => once(
                    "busiest",
                    &mut asked.busiest,
                    count("busiest", value, MOST_BUSIEST)?,
                )?,
                "whatIf" | "what_if" => {
                    let (name, specification) = value.split_once('=').ok_or_else(|| {
                        ApiError::invalid(
                            "whatIf",
                            format!("\"{value}\" is not allowed: it is a name and an expression, as in report=every hour"),
                        )
                    })?;
                    asked.what_if.push((name.to_owned(), specification.to_owned()));
                }
                "without" => asked.without.push(value.to_owned()),
                "timezone" => once("timezone", &mut asked.timezone, value.to_owned())?,
                "spreadSeconds" | "spread_seconds" => {
                    once(
                        "spreadSeconds",
                        &mut asked.spread,
                        spread("spreadSeconds", value)?,
                    )?;
                }
                _ => {
                    return Err(ApiError::bad_request(format!(
                        "{name} is no parameter of this route: it takes from, to, limit, bucketSeconds, busiest, whatIf, \
                         without, timezone and spreadSeconds"
                    )));
                }
            }
        }
        asked.checked()
    }

    fn checked(self) -> Result<Self, ApiError> {
        let ideas = self.what_if.len() + self.without.len();
        if ideas > MOST_IDEAS {
            let rule = format!("{ideas} differences are not allowed: there are at most {MOST_IDEAS}");
            return Err(ApiError::invalid("whatIf", rule));
        }
        let shapes = [
            ("limit", self.limit.is_some()),
            ("bucketSeconds", self.bucket.is_some()),
            ("busiest", self.busiest.is_some()),
        ];
        let mut given = shapes.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
        if let (Some(first), Some(second)) = (given.next(), given.next()) {
            let rule =
                format!("it does not go with {first}: one of limit, bucketSeconds and busiest is allowed");
            return Err(ApiError::invalid(second, rule));
        }
        Ok(self)
    }

    pub(super) const fn shape(&self) -> Shape {
        match (self.bucket, self.busiest, self.limit) {
            (Some(width), _, _) => Shape::Buckets(width),
            (None, Some(most), _) => Shape::Busiest(most),
            (None, None, Some(most)) => Shape::Each(most),
            (None, None, None) => Shape::Each(DEFAULT_SHOWN),
        }
    }

    pub(super) fn request(self, now: DateTime<Utc>) -> ForecastRequest {
        let from = self.from.unwrap_or_else(|| now.trunc_subsecs(0));
        let to = self.to.unwrap_or_else(|| from + TimeDelta::days(1));
        let timezone = self.timezone.unwrap_or_else(|| "UTC".to_owned());
        let spread = self.spread.unwrap_or_default();
        let set = self.what_if.into_iter().map(|(name, specification)| WhatIf::Set {
            name,
            specification,
            timezone: timezone.clone(),
            spread,
        });
        let without = self.without.into_iter().map(|name| WhatIf::Without { name });
        ForecastRequest {
            from,
            to,
            what_if: set.chain(without).collect(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ForecastQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(RawQuery(query)) = RawQuery::from_request_parts(parts, state).await;
        Self::parse(query.as_deref().unwrap_or(""))
    }
}

fn once<T>(name: &str, place: &mut Option<T>, value: T) -> Result<(), ApiError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ApiError::bad_request(format!("{name} is given twice"))),
    }
}

fn at(name: &str, value: &str) -> Result<DateTime<Utc>, ApiError> {
    instant(value).map_err(|rule| ApiError::bad_request(format!("{name}: {rule}")))
}

fn count(name: &str, value: &str, most: usize) -> Result<usize, ApiError> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| outside(name, value, 1, most as u64))
}

fn seconds(name: &str, value: &str, least: u64, most: u64) -> Result<Duration, ApiError> {
    let number = value
        .parse()
        .ok()
        .filter(|number| (least..=most).contains(number));
    number
        .map(Duration::from_secs)
        .ok_or_else(|| outside(name, value, least, most))
}

/// As a spread in the policies of a schedule.
fn spread(name: &str, value: &str) -> Result<Duration, ApiError> {
    let length = value.parse().ok().and_then(whole_milliseconds);
    let length = length.and_then(|length| length.to_std().ok());
    length.filter(|length| *length <= LONGEST_SPREAD).ok_or_else(|| {
        let most = LONGEST_SPREAD.as_secs();
        let rule = format!("\"{value}\" is not allowed: it is 0 to {most} seconds, in whole milliseconds");
        ApiError::invalid(name, rule)
    })
}

fn outside(name: &str, value: &str, least: u64, most: u64) -> ApiError {
    let rule = format!("\"{value}\" is not allowed: it is a whole number from {least} to {most}");
    ApiError::invalid(name, rule)
}
