mod attempt;
mod deliverer;
mod lanes;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::{Clock, DeliveryRepository, EventSink, OutputDelivery, Signal};

use crate::lifecycle::Lifecycle;
use crate::stalls::Stalls;
use deliverer::Deliverer;

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
    /// Who hears what becomes of deliveries.
    pub events: Arc<dyn EventSink>,
}

/// Empties the outbox: each result reaches its destination at least once, in no particular order.
///
/// How many attempts a delivery has, how long each may take and how long it waits between them, its destination says;
/// the waits are jittered, and no shorter than the destination asks for. After the last, or after a failure that will
/// not pass, it has failed, and its row says why. Every attempt is in its history.
///
/// A hundred attempts are under way at once, and another begins as soon as one ends: a slow destination delays no other.
/// How many of them one destination may have depends on how it does.
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
