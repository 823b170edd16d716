use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    Backoff, Clock, Delivery, DeliveryAttempt, DeliveryError, DeliveryReceipt, DeliveryStatus,
    OutputDelivery, truncate_to_micros, with_causes,
};
use tokio::task::JoinError;
use tracing::warn;

use crate::reason;

/// An attempt that is under way.
pub(super) struct Attempt {
    pub(super) delivery: Arc<Delivery>,
    pub(super) lane: String,
    started_at: DateTime<Utc>,
    began: Duration,
}

/// An attempt that is over.
pub(super) struct Concluded {
    /// The delivery's row, and the line of its history.
    pub(super) settled: (Delivery, DeliveryAttempt),
    pub(super) lane: String,
    /// Whether the destination did what it is for, or refused this result for reasons of its own. What it is not when it
    /// cannot be reached, or has no time.
    pub(super) works: bool,
}

/// Why an attempt failed.
pub(super) enum Failure {
    Delivery(DeliveryError),
    TimedOut(Duration),
}

pub(super) type Outcome = Result<DeliveryReceipt, Failure>;

/// Brings a result to its destination, as long as that allows.
pub(super) async fn make(
    output: Arc<dyn OutputDelivery>,
    clock: Arc<dyn Clock>,
    delivery: Arc<Delivery>,
) -> Outcome {
    let timeout = delivery.destination.attempt_timeout();
    tokio::select! {
        biased;
        sent = output.deliver(&delivery) => sent.map_err(Failure::Delivery),
        () = clock.sleep(timeout) => Err(Failure::TimedOut(timeout)),
    }
}

impl Attempt {
    pub(super) fn begin(delivery: Arc<Delivery>, lane: String, clock: &dyn Clock) -> Self {
        Self {
            delivery,
            lane,
            started_at: truncate_to_micros(clock.now()),
            began: clock.monotonic(),
        }
    }

    /// What became of it. `None` when it was broken off: the delivery stays as it is.
    pub(super) fn conclude(
        self,
        ended: Result<Outcome, JoinError>,
        clock: &dyn Clock,
        random: f64,
    ) -> Option<Concluded> {
        let (detail, failure) = match ended {
            Ok(Ok(DeliveryReceipt { detail })) => (detail, None),
            Ok(Err(Failure::Delivery(error))) => (None, Some(Refusal::of(&error))),
            Ok(Err(Failure::TimedOut(after))) => {
                let told = format!("timed out after {} s", after.as_secs());
                (None, Some(Refusal::of_the_attempt(told)))
            }
            Err(error) => {
                let payload = error.try_into_panic().ok()?;
                let told = reason::of_panic(payload.as_ref());
                (None, Some(Refusal::of_the_attempt(told)))
            }
        };
        let mut delivery = Arc::unwrap_or_clone(self.delivery);
        delivery.attempts = delivery.attempts.saturating_add(1);
        let attempt = DeliveryAttempt {
            delivery_id: delivery.id,
            attempt: delivery.attempts,
            started_at: self.started_at,
            duration: TimeDelta::from_std(clock.monotonic().saturating_sub(self.began))
                .unwrap_or(TimeDelta::MAX),
            detail,
            error: failure.as_ref().map(|failure| failure.told.clone()),
        };
        let works = failure.as_ref().is_none_or(|failure| !failure.may_pass);
        match failure {
            None => arrived(&mut delivery, clock.now()),
            Some(failure) => failed(&mut delivery, failure, clock.now(), random),
        }
        Some(Concluded {
            settled: (delivery, attempt),
            lane: self.lane,
            works,
        })
    }
}

/// How a destination did not take a result.
struct Refusal {
    told: String,
    /// Whether a later attempt may succeed.
    may_pass: bool,
    /// How long it asks to be left alone.
    asked: Duration,
}

impl Refusal {
    fn of(error: &DeliveryError) -> Self {
        Self {
            told: with_causes(error),
            may_pass: error.is_retryable(),
            asked: error.retry_after().unwrap_or_default(),
        }
    }

    const fn of_the_attempt(told: String) -> Self {
        Self {
            told,
            may_pass: true,
            asked: Duration::ZERO,
        }
    }
}

fn arrived(delivery: &mut Delivery, now: DateTime<Utc>) {
    delivery.status = DeliveryStatus::Delivered;
    delivery.delivered_at = Some(now);
    delivery.last_error = None;
}

fn failed(delivery: &mut Delivery, failure: Refusal, now: DateTime<Utc>, random: f64) {
    let Refusal {
        told,
        may_pass,
        asked,
    } = failure;
    let retries = may_pass && delivery.attempts < delivery.destination.max_attempts();
    warn!(
        delivery.id = %delivery.id,
        job.id = %delivery.job_id,
        destination = delivery.destination.kind(),
        attempt = delivery.attempts,
        retries,
        error = told,
        "a result could not be delivered"
    );
    if retries {
        let backoff = delivery.destination.backoff();
        let delay = backoff
            .jittered(delivery.attempts - 1, random)
            .max(asked.min(Backoff::LONGEST));
        delivery.next_attempt_at = now + TimeDelta::from_std(delay).expect("a delay is a week at the most");
    } else {
        delivery.status = DeliveryStatus::Failed;
    }
    delivery.last_error = Some(told);
}
