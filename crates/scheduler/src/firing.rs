use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ratchet_interfaces::{
    Clock, FiringOutcome, RepositoryError, ScheduleId, Signal, TickFiring, with_causes,
};
use ratchet_metadata_store::{DueTick, MetadataStore};
use ratchet_repository_bridge::RepositoryBridge;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use crate::observer::TickObserver;
use crate::tick_plan::{plan_due_ticks, without_job};

/// How many schedules' decisions go into one transaction: enough that its fixed costs do not count, few enough that
/// the first jobs of a herd do not wait for the last.
const LARGEST_BATCH: usize = 4_096;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Makes due ticks durable. Whatever became due while the last transaction was committing goes into the next.
pub(crate) struct Firing {
    pub(crate) store: MetadataStore,
    pub(crate) bridge: Arc<RepositoryBridge>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jobs_available: Signal,
    pub(crate) observer: Arc<dyn TickObserver>,
    pub(crate) stall: Arc<Stall>,
    /// Becomes true when no further tick will be activated: what is on its way is still made durable.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Why ticks cannot be made durable at this moment, if they cannot.
#[derive(Default)]
pub(crate) struct Stall(Mutex<Option<String>>);

impl Stall {
    pub(crate) fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the reason; says whether there was none before.
    fn begin(&self, reason: String) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(reason)
            .is_none()
    }

    /// Clears the reason; says whether there was one.
    fn end(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .is_some()
    }
}

/// Schedules whose decisions go into one transaction.
struct Batch {
    due: Vec<DueTick>,
    /// Why the database refused to make a job of the (only) tick, if it did.
    refused: Option<String>,
}

impl Firing {
    pub(crate) async fn run(mut self, queue: &mut UnboundedReceiver<DueTick>) {
        let mut due = Vec::new();
        loop {
            if *self.stop.borrow() && self.store.in_flight() == 0 {
                return;
            }
            tokio::select! {
                biased;
                received = queue.recv_many(&mut due, LARGEST_BATCH) => {
                    if received == 0 {
                        return;
                    }
                    let batch = Batch { due: one_a_schedule(std::mem::take(&mut due)), refused: None };
                    if self.make_durable(batch).await.is_break() {
                        return;
                    }
                }
                _ = self.stop.changed() => {}
            }
        }
    }

    /// Tries until every tick of the batch is on disk or recorded as refused. One that the database refuses does
    /// not stand in the way of the others. Breaks off when the scheduler is stopped while the database is away:
    /// the ticks are then found again at the next start.
    async fn make_durable(&mut self, batch: Batch) -> std::ops::ControlFlow<()> {
        let mut failures = 0;
        let mut work = vec![batch];
        while let Some(batch) = work.pop() {
            let firings = self.plan(&batch);
            match self.bridge.fire_ticks(&firings).await {
                Ok(outcomes) => {
                    failures = 0;
                    self.recovered();
                    self.settle(&firings, &outcomes).await?;
                }
                Err(error) if error.is_transient() => {
                    self.pause(&error, failures).await?;
                    failures += 1;
                    work.push(batch);
                }
                Err(error) => self.isolate(batch, &error, &mut work).await,
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    /// Decisions as of now: after a pause more may be due than before it.
    fn plan(&self, batch: &Batch) -> Vec<TickFiring> {
        let now = self.clock.now();
        let plans = batch.due.iter().map(|due| plan_due_ticks(due, now));
        match &batch.refused {
            None => plans.collect(),
            Some(reason) => plans.map(|firing| without_job(&firing, reason)).collect(),
        }
    }

    /// Halves a refused batch until the tick that is to blame is alone; records that tick without a job; and where
    /// even that is refused, disables the schedule.
    async fn isolate(&self, mut batch: Batch, error: &RepositoryError, work: &mut Vec<Batch>) {
        if batch.due.len() > 1 {
            let rest = batch.due.split_off(batch.due.len() / 2);
            work.push(Batch {
                due: rest,
                refused: None,
            });
            work.push(batch);
            return;
        }
        let Some(tick) = batch.due.first() else { return };
        let reason = format!("no job could be created: {}", with_causes(error));
        tracing::error!(schedule.id = %tick.schedule_id, scheduled_for = %tick.scheduled_for, reason, "a tick failed");
        if batch.refused.is_none() {
            work.push(Batch {
                refused: Some(reason),
                ..batch
            });
            return;
        }
        if let Err(error) = self
            .bridge
            .invalidate_schedule(tick.schedule_id, tick.version, &reason)
            .await
        {
            tracing::error!(schedule.id = %tick.schedule_id, error = with_causes(&error), "it cannot be disabled");
        }
        if let Err(error) = self.store.resettle(tick.schedule_id).await {
            tracing::error!(schedule.id = %tick.schedule_id, error = with_causes(&error), "it cannot be read");
        }
    }

    async fn settle(
        &mut self,
        firings: &[TickFiring],
        outcomes: &[FiringOutcome],
    ) -> std::ops::ControlFlow<()> {
        let committed = || {
            firings
                .iter()
                .zip(outcomes)
                .filter(|(_, outcome)| **outcome == FiringOutcome::Committed)
        };
        if committed().any(|(firing, _)| firing.job.is_some()) {
            self.jobs_available.raise();
        }
        for (firing, _) in committed() {
            self.observer.committed(firing);
        }
        self.store.settle_many(
            committed().map(|(firing, _)| (firing.schedule_id, firing.expected_version, firing.next_run)),
        );
        for (firing, _) in firings
            .iter()
            .zip(outcomes)
            .filter(|(_, outcome)| **outcome == FiringOutcome::Stale)
        {
            self.resettle(firing.schedule_id).await?;
        }
        std::ops::ControlFlow::Continue(())
    }

    async fn resettle(&mut self, id: ScheduleId) -> std::ops::ControlFlow<()> {
        let mut failures = 0;
        while let Err(error) = self.store.resettle(id).await {
            self.pause(&error, failures).await?;
            failures += 1;
        }
        std::ops::ControlFlow::Continue(())
    }

    async fn pause(&mut self, error: &RepositoryError, failures: u32) -> std::ops::ControlFlow<()> {
        let reason = with_causes(error);
        if self.stall.begin(reason.clone()) {
            tracing::error!(reason, "ticks cannot be made durable; trying until they can");
        }
        let pause = FIRST_PAUSE
            .saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX))
            .min(LONGEST_PAUSE);
        let stopped = async { self.stop.wait_for(|stop| *stop).await.is_ok() };
        tokio::select! {
            () = self.clock.sleep(pause) => std::ops::ControlFlow::Continue(()),
            _ = stopped => std::ops::ControlFlow::Break(()),
        }
    }

    fn recovered(&self) {
        if self.stall.end() {
            tracing::info!("ticks are durable again");
        }
    }
}

/// A schedule that was deleted and added again under its id while its tick was on the way is due twice: the row
/// decides, and asking it twice in one transaction would make it contradict itself.
fn one_a_schedule(mut due: Vec<DueTick>) -> Vec<DueTick> {
    if due.len() > 1 {
        let mut seen = HashSet::with_capacity(due.len());
        due.retain(|tick| seen.insert(tick.schedule_id));
    }
    due
}
