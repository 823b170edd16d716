use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use std::vec::IntoIter;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use ratchet_interfaces::{
    Clock, CommittedFirings, EventSink, FiringOutcome, RepositoryError, ScheduleId, Signal, TickFiring,
    with_causes,
};
use ratchet_metadata_store::{DueTick, MetadataStore};
use ratchet_repository_bridge::RepositoryBridge;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use crate::event::tell_of_firings;
use crate::stall::Stall;
use crate::tick_plan::{plan_due_ticks, plan_in_time};

mod refusal;

/// How many due ticks are gathered before they are decided on. The ticks of a herd are all begun first: the machine is
/// then theirs alone, and none of them waits for the disk.
const LARGEST_HERD: usize = 16_384;

/// How many schedules' decisions go into one transaction: an eighth of the herd, within these. It is enough that a
/// transaction's fixed costs do not count, and few enough that neither the first jobs of the herd nor whoever else writes
/// waits for the whole of it.
const SMALLEST_BATCH: usize = 128;
const LARGEST_BATCH: usize = 2_500;
/// How many such transactions are asked for at once: while one commits the next waits, so that nothing slow comes between.
const AHEAD: usize = 2;

/// How many ledger rows of late schedules go into one transaction, but for what the last of them has more.
const LARGEST_LEDGER: usize = 4_096;

/// How many late schedules are decided on before a look at whether something else is due.
const LATE_AT_ONCE: usize = 64;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What reaches the handler: one for each activation.
pub(crate) enum Activation {
    /// A tick was begun.
    Due(DueTick),
    /// The schedule was disarmed while the activation was on the way: there is nothing to begin.
    Disarmed,
}

/// Makes due ticks durable. Whatever became due while the last transaction was committing goes into the next.
///
/// A tick ends its way in one of three places: it is on disk; its row says something else, and the row is read again;
/// or the scheduler stops, and it is found at the next start. Breaking off means the last.
pub(crate) struct Firing {
    pub(crate) store: MetadataStore,
    pub(crate) bridge: Arc<RepositoryBridge>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jobs_available: Signal,
    pub(crate) jobs_stopping: Signal,
    pub(crate) ledger_written: Signal,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) stall: Arc<Stall>,
    /// Becomes true when no further tick will be activated: what is on its way is still made durable.
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) pending: Pending,
}

/// The ticks that are on their way.
#[derive(Default)]
pub(crate) struct Pending {
    /// The ticks that are decided on next.
    due: Vec<DueTick>,
    /// The ticks of schedules that have more than one due: they wait while anything else is due, and those that are
    /// left at a stop are found at the next start.
    late: VecDeque<DueTick>,
    /// The ticks that the database would neither record nor let be disabled: they are tried again after a while, so
    /// that they stand in nobody's way.
    held: Vec<DueTick>,
    /// When, in monotonic time.
    held_until: Duration,
    /// How often in a row the database was away.
    failures: u32,
}

/// Decisions that go into one transaction, each with its tick.
#[derive(Default)]
struct Batch {
    ticks: Vec<DueTick>,
    firings: Vec<TickFiring>,
}

impl Batch {
    fn with_capacity(ticks: usize) -> Self {
        Self {
            ticks: Vec::with_capacity(ticks),
            firings: Vec::with_capacity(ticks),
        }
    }

    fn push(&mut self, tick: DueTick, firing: TickFiring) {
        self.ticks.push(tick);
        self.firings.push(firing);
    }
}

impl Firing {
    pub(crate) async fn run(mut self, queue: &mut UnboundedReceiver<Activation>) {
        loop {
            let left = self.pending.late.len() + self.pending.held.len();
            if *self.stop.borrow() && self.pending.due.is_empty() && self.store.in_flight() <= left {
                return;
            }
            if !self.wait_for_ticks(queue).await {
                return;
            }
            if self.fire_held().await.is_break()
                || self.fire_in_time().await.is_break()
                || self.fire_late(queue).await.is_break()
            {
                return;
            }
        }
    }

    /// Takes what became due, and waits for it if there is nothing else to do. Says whether there may be more.
    async fn wait_for_ticks(&mut self, queue: &mut UnboundedReceiver<Activation>) -> bool {
        let mut activations = Vec::new();
        let Pending {
            due,
            late,
            held,
            held_until,
            failures: _,
        } = &mut self.pending;
        let may_wait = due.is_empty() && (late.is_empty() || *self.stop.borrow());
        if may_wait {
            tokio::select! {
                biased;
                received = queue.recv_many(&mut activations, LARGEST_HERD) => if received == 0 {
                    return false;
                },
                () = passed(&*self.clock, *held_until), if !held.is_empty() => return true,
                _ = self.stop.changed() => return true,
            }
        }
        loop {
            // What is due and not begun is about to arrive, unless the scheduler is being stopped. If there is none, all that was
            // begun has arrived: see `MetadataStore::begin`.
            let is_more_to_come = !*self.stop.borrow() && self.store.has_due(self.clock.now());
            while let Ok(activation) = queue.try_recv() {
                activations.push(activation);
            }
            if !is_more_to_come || activations.len() >= LARGEST_HERD {
                break;
            }
            tokio::select! {
                biased;
                received = queue.recv_many(&mut activations, LARGEST_HERD) => if received == 0 {
                    break;
                },
                _ = self.stop.changed() => break,
            }
        }
        due.extend(activations.into_iter().filter_map(|activation| match activation {
            Activation::Due(tick) => Some(tick),
            Activation::Disarmed => None,
        }));
        true
    }

    /// Fires the schedules with one due tick, and puts off those with more: they are late already. It is decided as of
    /// now, for after an outage more may be due than before it.
    async fn fire_in_time(&mut self) -> ControlFlow<()> {
        let now = self.clock.now();
        let mut due = one_a_schedule(std::mem::take(&mut self.pending.due)).into_iter();
        let most = due.len().div_ceil(8).clamp(SMALLEST_BATCH, LARGEST_BATCH);
        let mut on_their_way = FuturesOrdered::new();
        let bridge = Arc::clone(&self.bridge);
        let fire = |batch: Batch| {
            let bridge = Arc::clone(&bridge);
            async move {
                let answer = bridge.fire_ticks(&batch.firings).await;
                (batch, answer)
            }
        };
        let mut goes_on = true;
        loop {
            while goes_on && on_their_way.len() < AHEAD {
                due = awaited_first(due, &self.store.awaited());
                let mut batch = in_time(&mut due, &mut self.pending.late, now, most);
                self.renew(&mut batch, now);
                if batch.firings.is_empty() {
                    break;
                }
                on_their_way.push_back(fire(batch));
            }
            let Some((batch, answer)) = on_their_way.next().await else {
                break;
            };
            self.committed(batch, answer).await?;
            goes_on = self.pending.failures == 0;
            // Those that were edited in the moment in which they were committed are late enough.
            if goes_on {
                let Pending { due: again, late, .. } = &mut self.pending;
                let batch = in_time(&mut again.drain(..), late, self.clock.now(), usize::MAX);
                if !batch.firings.is_empty() {
                    on_their_way.push_back(fire(batch));
                }
            }
        }
        self.pending.due.extend(due);
        ControlFlow::Continue(())
    }

    /// Decides anew on ticks whose schedules were edited since they were begun: the row would not have what was decided
    /// before, and the others of the transaction would have to be written again.
    fn renew(&mut self, batch: &mut Batch, now: DateTime<Utc>) {
        for (place, tick) in self.store.renewed(&batch.ticks, now) {
            match plan_in_time(&tick, now) {
                Some(firing) => {
                    batch.firings[place] = firing;
                    batch.ticks[place] = tick;
                }
                None => {
                    batch.firings.swap_remove(place);
                    batch.ticks.swap_remove(place);
                    self.pending.late.push_back(tick);
                }
            }
        }
    }

    /// Fires some of the late schedules: until the transaction is large enough, or something else is due.
    async fn fire_late(&mut self, queue: &UnboundedReceiver<Activation>) -> ControlFlow<()> {
        // What waits here came back from an outage, which is not over for the late schedules either.
        if !self.pending.due.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut batch = Batch::default();
        let mut schedules = HashSet::new();
        let mut rows = 0;
        while rows < LARGEST_LEDGER && !*self.stop.borrow() {
            let Some(tick) = self.pending.late.pop_front() else {
                break;
            };
            // The row decides; see `one_a_schedule`.
            if !schedules.insert(tick.schedule_id) {
                continue;
            }
            let firing = plan_due_ticks(&tick, self.clock.now());
            rows += firing.records.len();
            batch.push(tick, firing);
            if batch.ticks.len() % LATE_AT_ONCE == 0 {
                tokio::task::yield_now().await;
                if !queue.is_empty() {
                    break;
                }
            }
        }
        if batch.firings.is_empty() {
            return ControlFlow::Continue(());
        }
        let answer = self.bridge.fire_ticks(&batch.firings).await;
        self.committed(batch, answer).await
    }

    /// Does what the database's answer calls for.
    async fn committed(
        &mut self,
        batch: Batch,
        answer: Result<CommittedFirings, RepositoryError>,
    ) -> ControlFlow<()> {
        match answer {
            Ok(answer) => self.settle(&batch, &answer).await,
            Err(error) if error.is_transient() => {
                self.pending.due.extend(batch.ticks);
                self.pause(&error).await
            }
            // One that the database refuses does not stand in the way of the others.
            Err(error) => self.isolate(halves(batch.ticks, &error)).await,
        }
    }

    /// Ends the way of ticks that were answered.
    async fn settle(&mut self, batch: &Batch, answer: &CommittedFirings) -> ControlFlow<()> {
        // Before anybody is woken by it, who would tell what came after.
        tell_of_firings(&*self.events, &batch.firings, answer, self.clock.now());
        let outcomes = &answer.outcomes;
        let committed: Vec<&TickFiring> = batch
            .firings
            .iter()
            .zip(outcomes)
            .filter_map(|(planned, outcome)| match outcome {
                FiringOutcome::Committed => Some(planned),
                FiringOutcome::Adjusted(adjusted) => Some(&adjusted.firing),
                FiringOutcome::Stale => None,
            })
            .collect();
        let stops_jobs = outcomes
            .iter()
            .any(|outcome| matches!(outcome, FiringOutcome::Adjusted(adjusted) if adjusted.stops_jobs));
        // A try whose answer was lost may have been committed: then this one was too late, and there are jobs.
        let unknown = self.pending.failures > 0;
        if unknown || committed.iter().any(|firing| firing.jobs().next().is_some()) {
            self.jobs_available.raise();
        }
        if unknown || stops_jobs {
            self.jobs_stopping.raise();
        }
        if !committed.is_empty() {
            self.ledger_written.raise();
        }
        // The version of one that was resumed is another now: its row says what holds, as for one that is stale.
        self.store
            .settle_many(committed.iter().filter(|firing| !firing.resumes).map(|firing| {
                (
                    firing.schedule_id,
                    firing.expected_timing_version,
                    firing.next_run,
                )
            }));
        self.recovered();
        for (tick, outcome) in batch.ticks.iter().zip(outcomes) {
            if tick.resumes || *outcome == FiringOutcome::Stale {
                self.resettle(tick).await?;
                // An edit that came in the very moment may have left it due.
                let now = self.clock.now();
                self.pending
                    .due
                    .extend(self.store.begin_again(tick.schedule_id, now));
            }
        }
        ControlFlow::Continue(())
    }

    /// Waits before the database is asked again; breaks off when the scheduler is stopped meanwhile.
    async fn pause(&mut self, error: &RepositoryError) -> ControlFlow<()> {
        let reason = with_causes(error);
        if self.stall.begin(reason.clone()) {
            tracing::error!(reason, "ticks cannot be made durable; trying until they can");
        }
        let pause = FIRST_PAUSE
            .saturating_mul(1_u32.checked_shl(self.pending.failures).unwrap_or(u32::MAX))
            .min(LONGEST_PAUSE);
        self.pending.failures += 1;
        let stopped = async { self.stop.wait_for(|stop| *stop).await.is_ok() };
        tokio::select! {
            () = self.clock.sleep(pause) => ControlFlow::Continue(()),
            _ = stopped => ControlFlow::Break(()),
        }
    }

    /// Takes note that the database answers, and whether that is all that was wrong.
    fn recovered(&mut self) {
        self.pending.failures = 0;
        if self.pending.held.is_empty() && self.stall.end() {
            tracing::info!("ticks are durable again");
        }
    }
}

/// Takes the next schedules with one due tick, `most` at the most, and puts those with more to `late`.
fn in_time(
    due: &mut impl Iterator<Item = DueTick>,
    late: &mut VecDeque<DueTick>,
    now: DateTime<Utc>,
    most: usize,
) -> Batch {
    let mut batch = Batch::with_capacity(due.size_hint().0.min(most));
    for tick in due {
        match plan_in_time(&tick, now) {
            Some(firing) => batch.push(tick, firing),
            None => late.push_back(tick),
        }
        if batch.ticks.len() == most {
            break;
        }
    }
    batch
}

/// The ticks that edits wait for, and then the others, each in their order.
fn awaited_first(due: IntoIter<DueTick>, awaited: &HashSet<ScheduleId>) -> IntoIter<DueTick> {
    if awaited.is_empty() {
        return due;
    }
    let mut due: Vec<_> = due.collect();
    due.sort_by_key(|tick| !awaited.contains(&tick.schedule_id));
    due.into_iter()
}

/// Returns when the monotonic time is reached.
async fn passed(clock: &dyn Clock, until: Duration) {
    clock.sleep(until.saturating_sub(clock.monotonic())).await;
}

/// A refused batch, to be tried in two parts.
fn halves(mut ticks: Vec<DueTick>, error: &RepositoryError) -> Vec<Vec<DueTick>> {
    tracing::debug!(
        schedules = ticks.len(),
        error = with_causes(error),
        "a transaction was refused; it is tried in parts"
    );
    let rest = ticks.split_off(ticks.len() / 2);
    vec![rest, ticks]
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

#[cfg(test)]
mod tests {
    use ratchet_interfaces::SchedulePolicies;
    use ratchet_recurrence::{Specification, Zone};
    use ratchet_repository_bridge::Timetable;

    use super::*;

    #[test]
    fn ticks_that_edits_wait_for_are_first_and_the_others_keep_their_order() {
        let timetable = Arc::new(Timetable {
            specification: Specification::parse("* * * * *", Zone::UTC).unwrap(),
            policies: SchedulePolicies::default(),
            excludes_since: None,
        });
        let due: Vec<DueTick> = (0..4)
            .map(|version| DueTick {
                schedule_id: ScheduleId::new(),
                timing_version: version,
                scheduled_for: DateTime::UNIX_EPOCH,
                timetable: Arc::clone(&timetable),
                resumes: false,
            })
            .collect();
        let awaited = HashSet::from([due[2].schedule_id, ScheduleId::new()]);
        let versions = |due: IntoIter<DueTick>| due.map(|tick| tick.timing_version).collect::<Vec<_>>();
        assert_eq!(
            versions(awaited_first(due.clone().into_iter(), &awaited)),
            [2, 0, 1, 3]
        );
        assert_eq!(
            versions(awaited_first(due.into_iter(), &HashSet::new())),
            [0, 1, 2, 3]
        );
    }
}
