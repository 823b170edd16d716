use ratchet_interfaces::{ForecastRequest, SchedulerError};

use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::forecast::TAG;
use crate::forecast::bounded::{MOST_TICKS, beside, first, one_too_many};
use crate::forecast::query::{ForecastParameters, ForecastQuery, MOST_BUCKETS, Shape};
use crate::forecast::view::ForecastView;
use crate::state::Services;

/// The ticks to come of all schedules, as they are stored or with differences that one thinks of. Schedules that do not fire,
/// and those that follow others, have none.
#[utoipa::path(
    get,
    path = "/forecast",
    tag = TAG,
    operation_id = "forecast",
    params(ForecastParameters),
    responses(
        (status = 200, body = One<ForecastView>),
        (
            status = 400,
            body = ErrorEnvelope,
            description = "A parameter is not allowed, or more than 1,000,000 ticks would have to be counted"
        ),
        (
            status = 409,
            body = ErrorEnvelope,
            description = "What is stored of a schedule cannot be read: the message names it and the column"
        ),
    )
)]
pub(super) async fn forecast(
    services: Services,
    query: ForecastQuery,
) -> Result<One<ForecastView>, ApiError> {
    let shape = query.shape();
    let request = query.request(services.clock.now());
    let mut data = ForecastView {
        from: request.from,
        to: request.to,
        ticks: None,
        next: None,
        buckets: None,
        busiest: None,
    };
    let scheduler = &services.scheduler;
    match shape {
        Shape::Each(most) => {
            let ticks = scheduler.forecast(request).await.map_err(refused)?;
            let (shown, next) = beside(move |waited| first(ticks, most, waited)).await?;
            data.ticks = Some(shown.into_iter().map(Into::into).collect());
            data.next = next.map(|next| next.due_at);
        }
        Shape::Buckets(width) => {
            few_stretches(&request, width.as_secs())?;
            few_ticks(&services, &request).await?;
            let buckets = scheduler
                .forecast_buckets(request, width)
                .await
                .map_err(refused)?;
            data.buckets = Some(buckets.into_iter().map(Into::into).collect());
        }
        Shape::Busiest(most) => {
            few_ticks(&services, &request).await?;
            let busiest = scheduler.forecast_busiest(request, most).await.map_err(refused)?;
            data.busiest = Some(busiest.into_iter().map(Into::into).collect());
        }
    }
    Ok(One { data })
}

/// Refuses what would make an answer of very many stretches.
fn few_stretches(request: &ForecastRequest, seconds: u64) -> Result<(), ApiError> {
    let length = u64::try_from((request.to - request.from).num_seconds()).unwrap_or(0);
    let stretches = length.div_ceil(seconds);
    if stretches > MOST_BUCKETS {
        let rule = format!(
            "\"{seconds}\" makes {stretches} stretches: {MOST_BUCKETS} are allowed; choose longer ones, or an earlier to"
        );
        return Err(ApiError::invalid("bucketSeconds", rule));
    }
    Ok(())
}

/// Refuses to count very many ticks.
async fn few_ticks(services: &Services, request: &ForecastRequest) -> Result<(), ApiError> {
    let ticks = services
        .scheduler
        .forecast(request.clone())
        .await
        .map_err(refused)?;
    let beyond = beside(move |waited| one_too_many(ticks, MOST_TICKS, waited)).await?;
    match beyond {
        None => Ok(()),
        Some(tick) => {
            let (to, reached) = (request.to.to_rfc3339(), tick.due_at.to_rfc3339());
            let rule = format!(
                "\"{to}\" is not allowed: {MOST_TICKS} ticks are counted, which are due by {reached}; choose an earlier one"
            );
            Err(ApiError::invalid("to", rule))
        }
    }
}

/// What of a request is refused, by the parameter that has it.
fn refused(error: SchedulerError) -> ApiError {
    let (field, value, rule) = match error {
        SchedulerError::InvalidRequest { field, value, rule } => (field, value, rule),
        SchedulerError::InvalidSchedule {
            schedule: _,
            field,
            value,
            source,
        } => (field, value, ratchet_interfaces::with_causes(&*source)),
        other => return other.into(),
    };
    let parameter = match field {
        "whatIf.without" => "without",
        "whatIf.name" | "whatIf.specification" | "specification" => "whatIf",
        "whatIf.spread" => "spreadSeconds",
        other => other,
    };
    ApiError::invalid(parameter, format!("\"{value}\" is not allowed: {rule}"))
}
