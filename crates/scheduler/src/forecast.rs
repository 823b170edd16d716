//! The ticks to come of all schedules, as they are stored or with a difference that somebody thinks of.

mod plan;

use std::time::Duration;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{BusyInstant, ForecastBucket, ForecastRequest, ForecastTick, SchedulerError};
use ratchet_recurrence::ForecastError;
use ratchet_repository_bridge::RepositoryBridge;

use crate::forecast::plan::{invalid, plan};
use crate::why::written;

const MOST_BUSY: usize = 10_000;

/// The ticks to come in the order in which they are due, worked out as they are asked for.
///
/// # Errors
/// [`SchedulerError::InvalidRequest`] and [`SchedulerError::InvalidSchedule`] name what of the request is not allowed,
/// and the rule; otherwise as the repositories.
pub async fn forecast(
    bridge: &RepositoryBridge,
    request: ForecastRequest,
    now: DateTime<Utc>,
) -> Result<Box<dyn Iterator<Item = ForecastTick> + Send>, SchedulerError> {
    let planned = plan(bridge, &request, now).await?;
    let runs = ratchet_recurrence::forecast(planned, request.from, request.to).map_err(refused)?;
    Ok(Box::new(runs.map(|run| {
        let (schedule_id, name) = run.key;
        ForecastTick {
            due_at: run.runs_at,
            scheduled_for: run.tick,
            schedule_id,
            name,
        }
    })))
}

/// How many ticks are due in each of equally long stretches of time.
///
/// # Errors
/// As [`forecast`].
pub async fn forecast_buckets(
    bridge: &RepositoryBridge,
    request: ForecastRequest,
    width: Duration,
    now: DateTime<Utc>,
) -> Result<Vec<ForecastBucket>, SchedulerError> {
    let planned = plan(bridge, &request, now).await?;
    let buckets = beside("counting the ticks to come", move || {
        ratchet_recurrence::buckets(planned, request.from, request.to, width)
    })
    .await?;
    let buckets = buckets.iter().map(|(from, ticks)| ForecastBucket { from, ticks });
    Ok(buckets.collect())
}

/// The seconds in which most ticks are due, at most so many, the busiest first.
///
/// # Errors
/// As [`forecast`].
pub async fn forecast_busiest(
    bridge: &RepositoryBridge,
    request: ForecastRequest,
    most: usize,
    now: DateTime<Utc>,
) -> Result<Vec<BusyInstant>, SchedulerError> {
    if !(1..=MOST_BUSY).contains(&most) {
        let rule = format!("allowed is 1 through {MOST_BUSY}");
        return Err(invalid("most", most.to_string(), rule));
    }
    let planned = plan(bridge, &request, now).await?;
    let busy = beside("looking for the busiest seconds", move || {
        ratchet_recurrence::busiest(planned, request.from, request.to, most)
    })
    .await?;
    let busy = busy.into_iter().map(|busy| BusyInstant {
        at: busy.at,
        ticks: busy.runs,
    });
    Ok(busy.collect())
}

/// Works something out that takes long, without keeping the engine from its ticks.
async fn beside<T: Send + 'static>(
    during: &'static str,
    work: impl FnOnce() -> Result<T, ForecastError> + Send + 'static,
) -> Result<T, SchedulerError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| SchedulerError::Runtime {
            during,
            source: Box::new(source),
        })?
        .map_err(refused)
}

fn refused(error: ForecastError) -> SchedulerError {
    let rule = error.to_string();
    match error {
        ForecastError::Bounds { to, .. } => invalid("to", written(to), rule),
        ForecastError::Width { width } => invalid("width", format!("{width:?}"), rule),
        ForecastError::TooMany { stretches } => invalid("width", format!("{stretches} stretches"), rule),
        _ => invalid("request", "forecast".to_owned(), rule),
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{Pause, ScheduleState, UnifiedSchedule, WhatIf};

    use super::*;
    use crate::history::ledger::{Ledger, at, schedule};

    fn request(what_if: Vec<WhatIf>) -> ForecastRequest {
        ForecastRequest {
            from: at("2026-01-01T00:00:00Z"),
            to: at("2026-01-01T03:00:00Z"),
            what_if,
        }
    }

    async fn names(schedules: &[UnifiedSchedule], what_if: Vec<WhatIf>) -> Vec<String> {
        let bridge = Ledger::of(schedules).bridge();
        let ticks = forecast(&bridge, request(what_if), at("2025-12-31T23:30:00Z")).await;
        ticks.unwrap().map(|tick| tick.name.to_string()).collect()
    }

    fn set(name: &str, specification: &str) -> WhatIf {
        WhatIf::Set {
            name: name.to_owned(),
            specification: specification.to_owned(),
            timezone: "UTC".to_owned(),
            spread: Duration::ZERO,
        }
    }

    #[tokio::test]
    async fn only_schedules_that_will_fire_are_in_a_forecast() {
        let mut resumed = schedule("resumed", "0 * * * *");
        resumed.pause = Some(Pause {
            since: at("2025-12-31T00:00:00Z"),
            by: "ada".to_owned(),
            note: None,
            resume_at: Some(at("2026-01-01T01:30:00Z")),
        });
        let mut paused = schedule("paused", "0 * * * *");
        paused.pause = resumed.pause.clone().map(|pause| Pause {
            resume_at: None,
            ..pause
        });
        let mut disabled = schedule("disabled", "0 * * * *");
        disabled.enabled = false;
        let mut completed = schedule("completed", "0 * * * *");
        completed.state = ScheduleState::Completed;
        let mut limited = schedule("limited", "0 * * * *");
        limited.policies.max_runs = Some(7);
        limited.run_count = 6;
        limited.next_run = Some(at("2026-01-01T00:00:00Z"));
        let all = [resumed, paused, disabled, completed, limited];
        assert_eq!(names(&all, Vec::new()).await, ["limited", "resumed"]);
    }

    #[tokio::test]
    async fn what_one_thinks_of_takes_the_place_of_what_is_stored() {
        let stored = [schedule("hourly", "0 * * * *"), schedule("nightly", "0 2 * * *")];
        let ideas = vec![
            set("nightly", "30 1,2 * * *"),
            set("new", "0 1 * * *"),
            WhatIf::Without {
                name: "hourly".to_owned(),
            },
        ];
        let names_of = names(&stored, ideas).await;
        assert_eq!(names_of.len(), 3);
        assert_eq!(names_of.iter().filter(|name| *name == "nightly").count(), 2);
        assert!(names_of.contains(&"new".to_owned()));
        let ideas = vec![
            WhatIf::Without {
                name: "hourly".to_owned(),
            },
            set("new", "0 1 * * *"),
        ];
        assert_eq!(names(&stored, ideas).await, ["new", "nightly"]);
    }

    #[tokio::test]
    async fn ideas_that_make_no_sense_are_refused_with_field_and_rule() {
        let stored = [schedule("hourly", "0 * * * *")];
        let bridge = Ledger::of(&stored).bridge();
        let without = |name: &str| WhatIf::Without {
            name: name.to_owned(),
        };
        let wide = WhatIf::Set {
            name: "wide".to_owned(),
            specification: "0 * * * *".to_owned(),
            timezone: "UTC".to_owned(),
            spread: Duration::from_secs(3_601),
        };
        for (idea, field) in [
            (vec![without("daily")], "whatIf.without"),
            (vec![without("hourly"), set("hourly", "0 1 * * *")], "whatIf.name"),
            (vec![set(" ", "0 1 * * *")], "whatIf.name"),
            (vec![wide], "whatIf.spread"),
        ] {
            let error = forecast(&bridge, request(idea), at("2026-01-01T00:00:00Z")).await;
            let Err(SchedulerError::InvalidRequest { field: named, .. }) = error else {
                panic!("{field} was accepted");
            };
            assert_eq!(named, field);
        }
        let unknown = request(vec![set("new", "99 * * * *")]);
        let error = forecast(&bridge, unknown, at("2026-01-01T00:00:00Z")).await;
        assert!(matches!(error, Err(SchedulerError::InvalidSchedule { .. })));
        let mut backwards = request(Vec::new());
        backwards.to = backwards.from;
        let error = forecast(&bridge, backwards, at("2026-01-01T00:00:00Z")).await;
        assert!(matches!(
            error,
            Err(SchedulerError::InvalidRequest { field: "to", .. })
        ));
    }

    #[tokio::test]
    async fn a_spread_moves_what_is_due_but_not_the_instant() {
        let mut spread = schedule("spread", "0 * * * *");
        spread.policies.spread = chrono::TimeDelta::hours(1);
        let bridge = Ledger::of(std::slice::from_ref(&spread)).bridge();
        let now = at("2025-12-31T23:30:00Z");
        let ticks: Vec<_> = forecast(&bridge, request(Vec::new()), now)
            .await
            .unwrap()
            .collect();
        let offset = ratchet_repository_bridge::offset_of(spread.id, spread.policies.spread);
        assert!(!ticks.is_empty());
        assert!(
            ticks
                .iter()
                .all(|tick| tick.due_at - tick.scheduled_for == offset)
        );
        let buckets = forecast_buckets(&bridge, request(Vec::new()), Duration::from_secs(3_600), now).await;
        assert_eq!(buckets.unwrap().len(), 3);
        let busy = forecast_busiest(&bridge, request(Vec::new()), 1, now)
            .await
            .unwrap();
        assert_eq!((busy.len(), busy[0].ticks), (1, 1));
    }
}
