use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Clock, RepositoryError, ScheduleEvent, ScheduleId, ScheduleTransition, Signal, TaskId,
};
use ratchet_repository_bridge::{
    InvalidSchedule, LoadedPage, NextRunChange, RepositoryBridge, ScheduleJobData, Timetable,
};

use tokio::sync::Notify;

use crate::awaited::Awaited;
use crate::in_order::InOrder;
use crate::tick_index::TickIndex;

/// How many rows are read at once: a page is some megabytes, and a million schedules are a hundred pages.
const PAGE_SIZE: u32 = 10_000;

/// The next tick of every enabled schedule, kept with the rows behind it.
///
/// Cloning gives another handle to the same store.
#[derive(Clone)]
pub struct MetadataStore {
    pub(crate) bridge: Arc<RepositoryBridge>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) adopting: Option<TaskId>,
    index: Arc<Mutex<TickIndex>>,
    loading: Arc<tokio::sync::Mutex<bool>>,
    in_order: Arc<InOrder>,
    head_changed: Signal,
    /// Told whenever ticks were settled.
    settled: Arc<Notify>,
    awaited: Arc<Awaited>,
}

/// A tick that is due.
#[derive(Clone, Debug)]
pub struct DueTick {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The `timing_version` of its row when the tick was indexed.
    pub timing_version: u32,
    /// The nominal instant.
    pub scheduled_for: DateTime<Utc>,
    /// When the schedule fires, and by which rules.
    pub timetable: Arc<Timetable>,
    /// Whether the schedule was paused until now: its ticks meanwhile are due together, if there were any.
    pub resumes: bool,
}

/// What loading found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// How many schedules will fire.
    pub schedules: usize,
    /// How many could not be understood, and were disabled.
    pub invalid: usize,
    /// What became of schedules meanwhile, once it was stored: that they were disabled, or have no tick any more.
    pub changes: Vec<ScheduleEvent>,
    /// What other time-zone data have changed, if the database was last used with others.
    pub zone_data: Option<ZoneDataChange>,
}

/// What becomes of stored next runs when a binary brings other time-zone data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneDataChange {
    /// The version of those before.
    pub before: String,
    /// How many next runs are others now.
    pub changed: usize,
    /// The first of them.
    pub first: Vec<NextRunChange>,
}

/// How many changed next runs a report names.
const TOLD: usize = 1_000;

impl MetadataStore {
    /// An empty store over the bridge. [`MetadataStore::load`] fills it.
    #[must_use]
    pub fn new(bridge: Arc<RepositoryBridge>, clock: Arc<dyn Clock>) -> Self {
        Self {
            bridge,
            clock,
            adopting: None,
            index: Arc::default(),
            loading: Arc::default(),
            in_order: Arc::default(),
            head_changed: Signal::default(),
            settled: Arc::default(),
            awaited: Arc::default(),
        }
    }

    /// Jobs that are added through tokio-cron-scheduler without saying which task they run, run this one.
    #[must_use]
    pub fn adopting(mut self, task: TaskId) -> Self {
        self.adopting = Some(task);
        self
    }

    /// Reads every enabled schedule, forgetting what was known. A schedule that cannot be understood is disabled
    /// with its reason in its row; the others are not disturbed. `progress` is told how many were read.
    ///
    /// # Errors
    /// As the repository; the store is then partly filled, and can be loaded again.
    pub async fn load(&self, mut progress: impl FnMut(usize) + Send) -> Result<LoadReport, RepositoryError> {
        let mut loaded = self.loading.lock().await;
        *loaded = false;
        *self.index() = TickIndex::default();
        let mut report = LoadReport::default();
        report.zone_data = self.take_over_zone_data(&mut report.changes).await?;
        let mut pages = self.bridge.load_all_schedules(PAGE_SIZE);
        loop {
            let in_order = self.in_order.reading_all().await;
            let Some(page) = pages.next().await? else {
                break;
            };
            let LoadedPage {
                schedules,
                invalid,
                completed,
            } = page;
            report.schedules += schedules.len();
            report.invalid += invalid.len();
            {
                let mut index = self.index();
                for schedule in schedules {
                    index.upsert(schedule);
                }
            }
            drop(in_order);
            for id in completed {
                report
                    .changes
                    .push(self.changed(id, ScheduleTransition::Completed));
            }
            for schedule in invalid {
                let id = schedule.id;
                self.invalidate(schedule).await?;
                report
                    .changes
                    .push(self.changed(id, ScheduleTransition::Disabled));
            }
            progress(report.schedules);
        }
        *loaded = true;
        drop(loaded);
        self.head_changed.raise();
        Ok(report)
    }

    fn changed(&self, id: ScheduleId, change: ScheduleTransition) -> ScheduleEvent {
        ScheduleEvent::bare(id, change, self.clock.now())
    }

    async fn take_over_zone_data(
        &self,
        changes: &mut Vec<ScheduleEvent>,
    ) -> Result<Option<ZoneDataChange>, RepositoryError> {
        let now = self.clock.now();
        let Some(before) = self.bridge.other_zone_data(now).await? else {
            return Ok(None);
        };
        let (mut changed, mut first) = (0, Vec::new());
        self.bridge
            .recompute_next_runs(now, PAGE_SIZE, |change| {
                changed += 1;
                if change.after.is_err() {
                    changes.push(self.changed(change.id, ScheduleTransition::Completed));
                }
                if first.len() < TOLD {
                    first.push(change);
                }
            })
            .await?;
        self.bridge.adopt_zone_data(now).await?;
        Ok(Some(ZoneDataChange {
            before,
            changed,
            first,
        }))
    }

    /// As [`MetadataStore::load`], unless it was loaded before.
    pub(crate) async fn load_once(&self) -> Result<(), RepositoryError> {
        if *self.loading.lock().await {
            return Ok(());
        }
        self.load(|_| ()).await.map(drop)
    }

    /// Whether everything was read.
    pub(crate) async fn is_loaded(&self) -> bool {
        *self.loading.lock().await
    }

    /// Brings the index in line with a schedule's row, whatever became of it: armed, changed, disabled, deleted. To
    /// be called after the row was written; of several calls for one schedule the last has the last word.
    ///
    /// # Errors
    /// As the repository; the index is then as it was.
    pub async fn reconcile(&self, id: ScheduleId) -> Result<(), RepositoryError> {
        self.read_again(id, TickIndex::upsert).await
    }

    /// The earliest next tick.
    #[must_use]
    pub fn earliest(&self) -> Option<DateTime<Utc>> {
        self.index().earliest()
    }

    /// Raised whenever [`MetadataStore::earliest`] may have become another.
    #[must_use]
    pub fn head_changed(&self) -> Signal {
        self.head_changed.clone()
    }

    /// Takes up to `limit` schedules whose next tick is at or before `now`, the earliest and the latest by turns. Each
    /// is away until its tick was begun and settled.
    #[must_use]
    pub fn take_due(&self, now: DateTime<Utc>, limit: usize) -> Vec<ScheduleId> {
        self.index().take_due(now, limit)
    }

    /// The tick of a schedule that was taken: once for each time it was taken.
    ///
    /// It is handed over before anybody can see that it was begun: whoever finds that nothing is due and not begun
    /// ([`MetadataStore::has_due`]) has been handed all that was. What is done in `hand_over` must be short, and not ask the store.
    pub fn begin<T>(&self, id: ScheduleId, hand_over: impl FnOnce(Option<DueTick>) -> T) -> T {
        let mut index = self.index();
        let tick = index.begin(id);
        hand_over(tick)
    }

    /// The tick of a schedule that waits, if it is due: taken and begun in one, without the way over the job runtime.
    #[must_use]
    pub fn begin_again(&self, id: ScheduleId, now: DateTime<Utc>) -> Option<DueTick> {
        self.change(|index| index.begin_again(id, now))
    }

    /// Of ticks that are on their way, those that an edit has changed since and that are still due, as they are now, each with
    /// its place; the last comes first.
    #[must_use]
    pub fn renewed(&self, ticks: &[DueTick], now: DateTime<Utc>) -> Vec<(usize, DueTick)> {
        self.index().renewed(ticks, now)
    }

    /// Ends the way of ticks that are on disk: each schedule waits for its next tick, or is forgotten.
    pub fn settle_many(&self, settled: impl IntoIterator<Item = (ScheduleId, u32, Option<DateTime<Utc>>)>) {
        self.change(|index| {
            for (id, version, next) in settled {
                index.settle(id, version, next);
            }
        });
        self.settled.notify_waiters();
    }

    /// Returns when no tick of the schedule is on its way: at once, or when it is settled. Says whether it was waited for.
    pub async fn until_settled(&self, id: ScheduleId) -> bool {
        let mut waiting = None;
        loop {
            let settled = self.settled.notified();
            if !self.index().is_on_its_way(id) {
                return waiting.is_some();
            }
            waiting.get_or_insert_with(|| self.awaited.wait_for(id));
            settled.await;
        }
    }

    /// The schedules whose ticks somebody waits for by [`MetadataStore::until_settled`].
    #[must_use]
    pub fn awaited(&self) -> HashSet<ScheduleId> {
        self.awaited.ids()
    }

    /// As [`MetadataStore::reconcile`], and ends the way of a tick that found its row changed.
    ///
    /// # Errors
    /// As the repository; the tick is then still on its way.
    pub async fn resettle(&self, id: ScheduleId) -> Result<(), RepositoryError> {
        self.read_again(id, TickIndex::resettle).await
    }

    async fn read_again(
        &self,
        id: ScheduleId,
        arm: fn(&mut TickIndex, ScheduleJobData),
    ) -> Result<(), RepositoryError> {
        let _in_order = self.in_order.reading(id).await;
        loop {
            // Whoever changed the row tells what it is now.
            let LoadedPage {
                schedules,
                invalid,
                completed: _,
            } = self.bridge.load_schedule(id).await?;
            // Once it is disabled, or was changed just before that, the row says something else.
            if let Some(schedule) = invalid.into_iter().next() {
                self.invalidate(schedule).await?;
                continue;
            }
            self.change(|index| match schedules.into_iter().next() {
                Some(schedule) => arm(index, schedule),
                None => index.remove(id),
            });
            self.settled.notify_waiters();
            return Ok(());
        }
    }

    /// When a schedule fires next, if it is armed.
    #[must_use]
    pub fn next_tick_of(&self, id: ScheduleId) -> Option<DateTime<Utc>> {
        self.index().find(id).map(|tick| tick.scheduled_for)
    }

    /// How many schedules are armed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index().len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a tick is due that was not begun.
    #[must_use]
    pub fn has_due(&self, now: DateTime<Utc>) -> bool {
        self.index().has_due(now)
    }

    /// How many of them have a tick on its way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.index().in_flight()
    }

    pub(crate) fn index(&self) -> MutexGuard<'_, TickIndex> {
        // Every method of the index leaves it whole, so a panic of another holder does not spoil it.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the index and raises the signal if its head is another afterwards.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut TickIndex) -> T) -> T {
        let (result, moved) = {
            let mut index = self.index();
            let before = index.earliest();
            let result = change(&mut index);
            (result, index.earliest() != before)
        };
        if moved {
            self.head_changed.raise();
        }
        result
    }

    async fn invalidate(&self, schedule: InvalidSchedule) -> Result<(), RepositoryError> {
        let InvalidSchedule {
            id,
            timing_version,
            reason,
        } = schedule;
        tracing::warn!(schedule.id = %id, reason, "a stored schedule cannot be understood and is disabled");
        self.bridge.invalidate_schedule(id, timing_version, &reason).await
    }
}
