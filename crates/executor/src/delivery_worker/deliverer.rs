use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Delivery, DeliveryAttempt, DeliveryEvent, DeliveryId, Event, RepositoryError, Signal,
};
use tokio::sync::futures::OwnedNotified;
use tokio::task::{Id, JoinError, JoinSet};
use tracing::{info, warn};

use super::DeliveryWorkerParts;
use super::attempt::{self, Attempt, Concluded, Outcome};
use super::lanes::Lanes;
use crate::lifecycle::{Phase, PhaseWatch};
use crate::outage::Outage;
use crate::set_back::SetBack;
use crate::stalls::Stalls;

/// How many deliveries are under way at once.
const SLOTS: usize = 100;

type Ended = Result<(Id, Outcome), JoinError>;

/// The worker's loop. As attempts end, they are settled in groups, and others begin in their place.
pub(super) struct Deliverer {
    parts: DeliveryWorkerParts,
    watch: PhaseWatch,
    outage: Outage,
    set_back: SetBack,
    attempts: JoinSet<Outcome>,
    under_way: HashMap<Id, Attempt>,
    lanes: Lanes,
    /// Something may be due that is not under way, and there was room for it or nobody has looked.
    is_to_look: bool,
    /// Something is due that there was no room for.
    left_some: bool,
    /// When there is something due next, as far as is known.
    next: Option<DateTime<Utc>>,
}

/// What a look into the outbox failed at.
type Failed = (&'static str, RepositoryError);

impl Deliverer {
    pub(super) fn new(parts: DeliveryWorkerParts, stalls: Stalls, watch: PhaseWatch) -> Self {
        Self {
            outage: Outage::none("outbox", stalls, Arc::clone(&parts.clock)),
            set_back: SetBack::new(&*parts.clock),
            parts,
            watch,
            attempts: JoinSet::new(),
            under_way: HashMap::new(),
            lanes: Lanes::default(),
            is_to_look: true,
            left_some: false,
            next: None,
        }
    }

    pub(super) async fn run(mut self) {
        info!("the delivery worker runs");
        let signal = self.parts.deliveries_available.clone();
        let mut armed = pin!(signal.arm());
        while !self.watch.has_reached(Phase::Draining) {
            if self.is_to_look && self.under_way.len() < SLOTS {
                // Arm, then query, then wait; the queries see what was signalled before.
                arm(armed.as_mut(), &signal);
                if let Err((during, failure)) = self.look().await {
                    self.outage
                        .pause(during, &failure, &self.watch, Phase::Draining)
                        .await;
                    continue;
                }
            }
            let (clock, next) = (Arc::clone(&self.parts.clock), self.next);
            let next_is_due = async {
                match next {
                    Some(next) => _ = clock.wait_until(next).await,
                    None => std::future::pending().await,
                }
            };
            // What is due already is waited for by another way: a signal, or an attempt's end.
            let waits_for_time = !self.is_to_look;
            tokio::select! {
                biased;
                () = self.watch.reached(Phase::Draining) => {}
                Some(ended) = self.attempts.join_next_with_id() => self.take_up(ended).await,
                () = armed.as_mut(), if waits_for_time => self.is_to_look = true,
                () = next_is_due, if waits_for_time => self.is_to_look = true,
            }
        }
        self.drain().await;
        info!("the delivery worker has stopped");
    }

    /// Lets what is under way end, until it is broken off.
    async fn drain(&mut self) {
        let watch = self.watch.clone();
        while let Some(Some(ended)) = watch
            .unless(Phase::BreakingOff, self.attempts.join_next_with_id())
            .await
        {
            self.take_up(ended).await;
        }
        self.attempts.shutdown().await;
    }

    /// Begins what is due, as far as there is room.
    async fn look(&mut self) -> Result<(), Failed> {
        self.bring_forward().await?;
        let during = "reading the outbox";
        let now = self.parts.clock.now();
        // The row of a delivery that is under way is pending and due as well.
        loop {
            let free = SLOTS - self.under_way.len();
            let full = self.lanes.full();
            let under_way: Vec<DeliveryId> = self
                .under_way
                .values()
                .map(|attempt| attempt.delivery.id)
                .collect();
            let limit = u32::try_from(free).expect("there are a hundred slots");
            let call = self
                .parts
                .deliveries
                .delivery_list_due(now, limit, &under_way, &full);
            let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
                return Ok(());
            };
            let due = answer.map_err(|failure| (during, failure))?;
            self.outage.is_over(during);
            let found = due.len();
            let left = due.into_iter().filter(|delivery| !self.begin(delivery)).count();
            self.left_some = left > 0 || found == free || !full.is_empty();
            // A lane has become full: what stands behind it in the outbox may go elsewhere.
            if found < free || left == 0 {
                break;
            }
        }
        let call = self.parts.deliveries.delivery_next_attempt(now);
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(());
        };
        self.next = answer.map_err(|failure| (during, failure))?;
        self.is_to_look = false;
        Ok(())
    }

    /// When the clock was set back, results must not wait until it is again as late as it was.
    async fn bring_forward(&mut self) -> Result<(), Failed> {
        if !self.set_back.is_due(&*self.parts.clock) {
            return Ok(());
        }
        let call = self
            .parts
            .deliveries
            .delivery_bring_forward(self.parts.clock.now());
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

    /// Begins an attempt, unless the delivery's lane is full.
    fn begin(&mut self, delivery: &Delivery) -> bool {
        let lane = delivery.destination.lane();
        if !self.lanes.enter(&lane) {
            return false;
        }
        let delivery = Arc::new(delivery.clone());
        let (output, clock) = (Arc::clone(&self.parts.output), Arc::clone(&self.parts.clock));
        let attempt = Attempt::begin(Arc::clone(&delivery), lane, &*clock);
        let id = self.attempts.spawn(attempt::make(output, clock, delivery)).id();
        self.under_way.insert(id, attempt);
        true
    }

    /// Settles an attempt that has ended, with all others that have.
    async fn take_up(&mut self, first: Ended) {
        let mut ended = vec![first];
        ended.extend(std::iter::from_fn(|| self.attempts.try_join_next_with_id()));
        let settled: Vec<_> = ended
            .into_iter()
            .filter_map(|ended| self.conclude(ended))
            .collect();
        self.settle(&settled).await;
        self.is_to_look |= self.left_some;
    }

    fn conclude(&mut self, ended: Ended) -> Option<(Delivery, DeliveryAttempt)> {
        let (id, ended) = match ended {
            Ok((id, outcome)) => (id, Ok(outcome)),
            Err(error) => (error.id(), Err(error)),
        };
        let attempt = self.under_way.remove(&id)?;
        let Concluded { settled, lane, works } =
            attempt.conclude(ended, &*self.parts.clock, fastrand::f64())?;
        self.lanes.leave(&lane, works);
        let (delivery, _) = &settled;
        if delivery.status == ratchet_interfaces::DeliveryStatus::Pending {
            let due = delivery.next_attempt_at;
            self.next = Some(self.next.map_or(due, |next| next.min(due)));
        }
        Some(settled)
    }

    /// Writes attempts back, however long it takes: what is not written back would be delivered again.
    async fn settle(&mut self, settled: &[(Delivery, DeliveryAttempt)]) {
        let during = "settling deliveries";
        loop {
            let call = self.parts.deliveries.delivery_settle_many(settled);
            match self.watch.unless(Phase::GivingUp, call).await {
                Some(Ok(())) => {
                    self.outage.is_over(during);
                    self.tell(settled);
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
                    deliveries = settled.len(),
                    "the delivery worker gives up settling; these will be delivered again"
                );
                return;
            }
        }
    }

    fn tell(&self, settled: &[(Delivery, DeliveryAttempt)]) {
        if !self.parts.events.listens() || settled.is_empty() {
            return;
        }
        let at = self.parts.clock.now();
        let events = settled.iter().map(|(delivery, attempt)| {
            Event::Delivery(DeliveryEvent {
                delivery_id: delivery.id,
                job_id: delivery.job_id,
                execution_id: delivery.execution_id,
                schedule_id: delivery.payload.schedule,
                destination: delivery.destination.kind(),
                attempt: attempt.attempt,
                status: delivery.status,
                started_at: attempt.started_at,
                duration: attempt.duration,
                at,
            })
        });
        self.parts.events.emit(&events.collect::<Vec<_>>());
    }
}

/// Listens from now on, and takes up what was signalled before.
fn arm(mut armed: Pin<&mut OwnedNotified>, signal: &Signal) {
    armed.set(signal.arm());
    if armed.as_mut().enable() {
        armed.set(signal.arm());
        armed.enable();
    }
}
