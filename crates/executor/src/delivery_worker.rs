use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ratchet_interfaces::{
    Backoff, Clock, Delivery, DeliveryError, DeliveryReceipt, DeliveryRepository, DeliveryStatus,
    OutputDelivery, RepositoryError, Signal, with_causes,
};
use tokio::task::{Id, JoinError, JoinSet};
use tracing::{info, warn};

use crate::lifecycle::{Lifecycle, Phase, PhaseWatch};
use crate::outage::Outage;
use crate::reason;
use crate::rest::{Look, Rest};
use crate::set_back::SetBack;
use crate::stalls::Stalls;

/// How many deliveries are under way at once.
const BATCH: u32 = 100;
/// How many attempts a delivery has.
const MAX_ATTEMPTS: u32 = 5;
/// How long an attempt may take. A slow destination delays the others' next batch by no more.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// What a [`DeliveryWorker`] works with.
#[derive(Clone)]
pub struct DeliveryWorkerParts {
    /// The outbox.
    pub deliveries: Arc<dyn DeliveryRepository>,
    /// What brings results to their destinations.
    pub output: Arc<dyn OutputDelivery>,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
    /// To be raised by whoever has committed deliveries.
    pub deliveries_available: Signal,
}

/// Empties the outbox: each result reaches its destination at least once, in no particular order.
///
/// A delivery has five attempts of 30 seconds each, at a distance that doubles from one second up to five minutes;
/// then it has failed, and its row says why. A destination that no output is configured for fails at once.
pub struct DeliveryWorker {
    parts: DeliveryWorkerParts,
    lifecycle: Lifecycle,
    stalls: Stalls,
}

impl DeliveryWorker {
    /// A worker that does nothing yet.
    #[must_use]
    pub fn new(parts: DeliveryWorkerParts) -> Self {
        Self {
            lifecycle: Lifecycle::new("delivery worker", Arc::clone(&parts.clock)),
            stalls: Stalls::default(),
            parts,
        }
    }

    /// Begins to deliver. Starting a started worker does nothing; a stopped one may be started again.
    pub async fn start(&self) {
        let (parts, stalls) = (self.parts.clone(), self.stalls.clone());
        let prepared = std::future::ready(Ok::<(), Infallible>(()));
        let Ok(()) = self
            .lifecycle
            .start(prepared, |watch| Deliverer::new(parts, stalls, watch).run())
            .await;
    }

    /// Begins no delivery any more, lets those under way end within `grace`, breaks off the rest, and returns when
    /// the attempts that ended are on disk. What was broken off stays in the outbox for the next start. Stopping a
    /// worker that does not run does nothing.
    pub async fn stop(&self, grace: Duration) {
        self.lifecycle.stop(grace).await;
        self.stalls.clear();
    }

    /// What keeps results from being delivered at this moment, and since when; `None` when nothing does. As
    /// [`JobPipeline::stall`](crate::JobPipeline::stall). A destination that cannot be reached is no stall: its
    /// deliveries are tried again on their own.
    #[must_use]
    pub fn stall(&self) -> Option<String> {
        self.lifecycle.broken().or_else(|| self.stalls.tell())
    }
}

/// The worker's loop.
struct Deliverer {
    parts: DeliveryWorkerParts,
    watch: PhaseWatch,
    outage: Outage,
    rest: Rest,
    set_back: SetBack,
}

/// Why an attempt failed.
enum Failure {
    Delivery(DeliveryError),
    TimedOut,
}

type Ended = Result<(Id, Result<DeliveryReceipt, Failure>), JoinError>;

impl Deliverer {
    fn new(parts: DeliveryWorkerParts, stalls: Stalls, watch: PhaseWatch) -> Self {
        Self {
            outage: Outage::none("outbox", stalls, Arc::clone(&parts.clock)),
            rest: Rest::new(Arc::clone(&parts.clock)),
            set_back: SetBack::new(&*parts.clock),
            parts,
            watch,
        }
    }

    async fn run(mut self) {
        info!("the delivery worker runs");
        let signal = self.parts.deliveries_available.clone();
        while !self.watch.has_reached(Phase::Draining) {
            // Arm, then query, then wait; the queries see what was signalled before.
            let mut armed = pin!(signal.arm());
            if armed.as_mut().enable() {
                armed.set(signal.arm());
            }
            let look = match self.work().await {
                Ok(Some(look)) => look,
                Ok(None) => continue,
                Err((during, failure)) => {
                    self.outage
                        .pause(during, &failure, &self.watch, Phase::Draining)
                        .await;
                    continue;
                }
            };
            tokio::select! {
                biased;
                () = self.watch.reached(Phase::Draining) => {}
                () = armed => {}
                () = self.rest.after(look) => {}
            }
        }
        info!("the delivery worker has stopped");
    }

    /// Delivers a batch of what is due. Returns what there is to wait for, or `None` when more may be due already.
    async fn work(&mut self) -> Result<Option<Look>, (&'static str, RepositoryError)> {
        self.bring_forward().await?;
        let at = self.parts.clock.now();
        let during = "reading the outbox";
        let call = self.parts.deliveries.delivery_list_due(at, BATCH);
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(None);
        };
        let due = answer.map_err(|failure| (during, failure))?;
        self.outage.is_over(during);

        let count = due.len();
        self.deliver_all(due).await;
        if count >= BATCH as usize || self.watch.has_reached(Phase::Draining) {
            return Ok(None);
        }
        let call = self.parts.deliveries.delivery_next_attempt();
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(None);
        };
        let next = answer.map_err(|failure| (during, failure))?;
        Ok(Some(Look {
            at,
            found_work: count > 0,
            next,
        }))
    }

    /// When the clock was set back, results must not wait until it is again as late as it was.
    async fn bring_forward(&mut self) -> Result<(), (&'static str, RepositoryError)> {
        if !self.set_back.is_due(&*self.parts.clock) {
            return Ok(());
        }
        let now = self.parts.clock.now();
        let longest =
            TimeDelta::from_std(Backoff::default().longest()).expect("the delay is five minutes at the most");
        let call = self.parts.deliveries.delivery_bring_forward(now, now + longest);
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(());
        };
        let deliveries = answer.map_err(|failure| ("bringing deliveries forward", failure))?;
        self.set_back.is_over();
        if deliveries > 0 {
            warn!(
                deliveries,
                "the clock was set back: results that waited for what it showed before go out sooner"
            );
        }
        Ok(())
    }

    /// Makes one attempt at each delivery, all at once, and settles them as they end, in groups.
    async fn deliver_all(&mut self, due: Vec<Delivery>) {
        let mut attempts = JoinSet::new();
        let mut under_way = HashMap::new();
        for delivery in due {
            let delivery = Arc::new(delivery);
            let attempt = attempt(self.parts.clone(), Arc::clone(&delivery));
            let id = attempts.spawn(attempt).id();
            under_way.insert(id, delivery);
        }
        loop {
            let next = self
                .watch
                .unless(Phase::BreakingOff, attempts.join_next_with_id())
                .await;
            let Some(Some(first)) = next else {
                break;
            };
            let mut ended = vec![first];
            ended.extend(std::iter::from_fn(|| attempts.try_join_next_with_id()));
            let settled: Vec<Delivery> = ended
                .into_iter()
                .filter_map(|ended| self.conclude(ended, &mut under_way))
                .collect();
            self.settle(&settled).await;
        }
        attempts.shutdown().await;
    }

    /// The delivery's row after an attempt.
    fn conclude(&self, ended: Ended, under_way: &mut HashMap<Id, Arc<Delivery>>) -> Option<Delivery> {
        let (id, failure) = match ended {
            Ok((id, Ok(_receipt))) => (id, None),
            Ok((id, Err(Failure::Delivery(error)))) => {
                let hopeless = !error.is_retryable();
                (id, Some((with_causes(&error), hopeless)))
            }
            Ok((id, Err(Failure::TimedOut))) => {
                let told = format!("timed out after {} s", ATTEMPT_TIMEOUT.as_secs());
                (id, Some((told, false)))
            }
            Err(error) => {
                let id = error.id();
                // Only a shut-down cancels an attempt; its delivery stays as it is.
                let payload = error.try_into_panic().ok()?;
                (id, Some((reason::of_panic(payload.as_ref()), false)))
            }
        };
        let delivery = under_way.remove(&id)?;
        let mut delivery = Arc::unwrap_or_clone(delivery);
        delivery.attempts = delivery.attempts.saturating_add(1);
        let now = self.parts.clock.now();
        match failure {
            None => {
                delivery.status = DeliveryStatus::Delivered;
                delivery.delivered_at = Some(now);
                delivery.last_error = None;
            }
            Some((error, hopeless)) => {
                let last = hopeless || delivery.attempts >= MAX_ATTEMPTS;
                warn!(
                    delivery.id = %delivery.id,
                    job.id = %delivery.job_id,
                    destination = delivery.destination.kind(),
                    attempt = delivery.attempts,
                    retries = !last,
                    error,
                    "a result could not be delivered"
                );
                if last {
                    delivery.status = DeliveryStatus::Failed;
                } else {
                    let delay = Backoff::default().delay(delivery.attempts - 1);
                    delivery.next_attempt_at =
                        now + TimeDelta::from_std(delay).expect("the delay is five minutes at the most");
                }
                delivery.last_error = Some(error);
            }
        }
        Some(delivery)
    }

    /// Writes attempts back, however long it takes: what is not written back would be delivered again.
    async fn settle(&mut self, deliveries: &[Delivery]) {
        let during = "settling deliveries";
        loop {
            let call = self.parts.deliveries.delivery_settle_many(deliveries);
            match self.watch.unless(Phase::GivingUp, call).await {
                Some(Ok(())) => {
                    self.outage.is_over(during);
                    return;
                }
                Some(Err(failure)) => {
                    self.outage
                        .pause(during, &failure, &self.watch, Phase::GivingUp)
                        .await;
                }
                None => {}
            }
            if self.watch.has_reached(Phase::GivingUp) {
                warn!(
                    deliveries = deliveries.len(),
                    "the delivery worker gives up settling; these will be delivered again"
                );
                return;
            }
        }
    }
}

async fn attempt(parts: DeliveryWorkerParts, delivery: Arc<Delivery>) -> Result<DeliveryReceipt, Failure> {
    tokio::select! {
        biased;
        sent = parts.output.deliver(&delivery) => sent.map_err(Failure::Delivery),
        () = parts.clock.sleep(ATTEMPT_TIMEOUT) => Err(Failure::TimedOut),
    }
}
