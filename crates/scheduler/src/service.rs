use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    AuditNote, BackfillReport, BackfillRequest, BusyInstant, Clock, Event, EventSink, ForecastBucket,
    ForecastRequest, ForecastTick, NoEventSink, PauseRequest, RepositoryFactory, ResumeRequest,
    ScheduleChange, ScheduleId, ScheduleStatus, SchedulerError, SchedulerHealth, SchedulerService, Signal,
    TickAccount, UnifiedJob, UnifiedSchedule,
};
use ratchet_metadata_store::{MetadataStore, ZoneDataChange};
use ratchet_recurrence::Zone;
use ratchet_repository_bridge::{NextRunChange, RepositoryBridge};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::arming::Arming;
use crate::audit::{AuditRange, AuditReport, audit};
use crate::config::SchedulerConfig;
use crate::edits::{Edits, failed};
use crate::firing::{Activation, Firing, Pending};
use crate::job_runtime::JobRuntime;
use crate::pruner::Pruner;
use crate::retention::JobRetention;
use crate::running::{Running, ended_badly};
use crate::stall::Stall;
use crate::system_clock::SystemClock;
use crate::{backfill, forecast, why};

/// After how many loaded schedules the log says so.
const PROGRESS_STEP: usize = 100_000;

/// The scheduler: an event loop over the tick index, with tokio-cron-scheduler as its job runtime.
///
/// ```no_run
/// # async fn example(repositories: std::sync::Arc<dyn ratchet_interfaces::RepositoryFactory>)
/// # -> Result<(), ratchet_interfaces::SchedulerError> {
/// use ratchet_interfaces::{SchedulerService, Signal};
/// use ratchet_scheduler::{SchedulerConfig, TokioCronSchedulerService};
///
/// let jobs_available = Signal::default();
/// let scheduler = TokioCronSchedulerService::new(repositories, SchedulerConfig::default())?
///     .with_jobs_available(jobs_available.clone());
/// scheduler.start().await?;
/// // … the executor waits on `jobs_available` …
/// scheduler.stop().await
/// # }
/// ```
pub struct TokioCronSchedulerService {
    config: SchedulerConfig,
    bridge: Arc<RepositoryBridge>,
    store: MetadataStore,
    arming: Arc<Arming>,
    clock: Arc<dyn Clock>,
    jobs_available: Signal,
    jobs_stopping: Signal,
    ledger_written: Signal,
    events: Arc<dyn EventSink>,
    stall: Arc<Stall>,
    due: UnboundedSender<Activation>,
    queue: Arc<Mutex<UnboundedReceiver<Activation>>>,
    /// Made at the first start and kept, unless a run ended badly: tokio-cron-scheduler's actors do not end with it.
    runtime: Mutex<Option<Arc<JobRuntime>>>,
    /// Held while the scheduler starts or stops, so that each waits for the other.
    running: Mutex<Option<Running>>,
}

impl TokioCronSchedulerService {
    /// A scheduler over the stored schedules, on the machine's clock. It does nothing until it is started.
    ///
    /// # Errors
    /// [`SchedulerError::InvalidConfig`] names the field that is out of range.
    pub fn new(
        repositories: Arc<dyn RepositoryFactory>,
        config: SchedulerConfig,
    ) -> Result<Self, SchedulerError> {
        let config = config.validated()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let bridge = Arc::new(RepositoryBridge::new(&*repositories));
        let store = MetadataStore::new(Arc::clone(&bridge), Arc::clone(&clock));
        let (due, queue) = unbounded_channel();
        Ok(Self {
            config,
            arming: Arc::new(Arming::new(store.clone(), Arc::clone(&clock))),
            store,
            bridge,
            clock,
            jobs_available: Signal::default(),
            jobs_stopping: Signal::default(),
            ledger_written: Signal::default(),
            events: Arc::new(NoEventSink),
            stall: Arc::default(),
            due,
            queue: Arc::new(Mutex::new(queue)),
            runtime: Mutex::new(None),
            running: Mutex::new(None),
        })
    }

    /// Takes the time from another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.store = MetadataStore::new(Arc::clone(&self.bridge), Arc::clone(&clock));
        self.arming = Arc::new(Arming::new(self.store.clone(), Arc::clone(&clock)));
        self.clock = clock;
        self
    }

    /// Raises `signal` whenever new jobs are on disk.
    #[must_use]
    pub fn with_jobs_available(mut self, signal: Signal) -> Self {
        self.jobs_available = signal;
        self
    }

    /// Raises `signal` whenever running jobs were asked to stop, or were taken away from who runs them.
    #[must_use]
    pub fn with_jobs_stopping(mut self, signal: Signal) -> Self {
        self.jobs_stopping = signal;
        self
    }

    /// Tells `events` what happens to ticks and schedules, as soon as it is on disk.
    #[must_use]
    pub fn with_events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// Recomputes every tick of every schedule, and compares with the ledger; see [`audit()`](crate::audit()). Whether the
    /// scheduler runs does not matter.
    ///
    /// # Errors
    /// As [`audit()`](crate::audit()).
    pub async fn audit(
        &self,
        range: AuditRange,
        progress: impl FnMut(&AuditReport) + Send,
    ) -> Result<AuditReport, SchedulerError> {
        audit(&self.bridge, range, self.clock.now(), progress).await
    }

    async fn runtime(&self) -> Result<Arc<JobRuntime>, SchedulerError> {
        let mut kept = self.runtime.lock().await;
        if let Some(runtime) = &*kept {
            return Ok(Arc::clone(runtime));
        }
        let (store, due, events) = (self.store.clone(), self.due.clone(), Arc::clone(&self.events));
        // All is done when the runner calls, and nothing is left for the future that it spawns: a herd is through the
        // handler before the runtime has begun to go through that many tasks.
        let handler = move |id: ScheduleId| {
            let (begun, sent) = store.begin(id, |tick| {
                let begun = tick
                    .as_ref()
                    .map(|tick| (tick.scheduled_for, tick.timetable.offset(id)));
                (
                    begun,
                    due.send(tick.map_or(Activation::Disarmed, Activation::Due)),
                )
            });
            if let Some((at, offset)) = begun {
                events.handler_started(id, at, at + offset);
            }
            if sent.is_err() {
                tracing::debug!(schedule.id = %id, "the scheduler is gone; the tick is found at its next start");
            }
            std::future::ready(())
        };
        let notifies = self.config.enable_notifications;
        let runtime = Arc::new(JobRuntime::new(self.store.clone(), handler, notifies).await?);
        *kept = Some(Arc::clone(&runtime));
        Ok(runtime)
    }

    fn pruner(&self) -> Option<Pruner> {
        let days = |days: u32| (days > 0).then(|| TimeDelta::days(days.into()));
        let kept = days(self.config.ledger_retention_days);
        let jobs = JobRetention {
            kept: days(self.config.job_retention_days),
            count: Some(self.config.job_retention_count).filter(|count| *count > 0),
        };
        (kept.is_some() || jobs.kept.is_some() || jobs.count.is_some()).then(|| Pruner {
            bridge: Arc::clone(&self.bridge),
            clock: Arc::clone(&self.clock),
            kept,
            jobs,
            ledger_written: self.ledger_written.clone(),
            events: Arc::clone(&self.events),
        })
    }

    fn edits(&self) -> Edits {
        Edits {
            bridge: Arc::clone(&self.bridge),
            arming: Arc::clone(&self.arming),
            clock: Arc::clone(&self.clock),
            jobs_available: self.jobs_available.clone(),
            jobs_stopping: self.jobs_stopping.clone(),
            events: Arc::clone(&self.events),
        }
    }
}

/// Goes through with a change even if whoever asked for it does not wait for the answer.
async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, SchedulerError>> + Send + 'static,
) -> Result<T, SchedulerError> {
    tokio::spawn(AuditNote::carried(change))
        .await
        .map_err(ended_badly("changing a schedule"))?
}

/// Other rules of the clock move stored next runs: who owns the schedules must know.
fn tell_of_zone_data(change: &ZoneDataChange) {
    let ZoneDataChange {
        before,
        changed,
        first,
    } = change;
    tracing::warn!(
        before,
        now = Zone::database_version(),
        changed,
        "this binary brings other time-zone data; the next runs of all schedules were computed anew"
    );
    for NextRunChange { id, before, after } in first {
        match after {
            Ok(after) => tracing::warn!(schedule.id = %id, %before, %after, "a next run has changed"),
            Err(end) => {
                tracing::warn!(schedule.id = %id, %before, end, "a schedule has no next run any more")
            }
        }
    }
}

#[async_trait]
impl SchedulerService for TokioCronSchedulerService {
    async fn start(&self) -> Result<(), SchedulerError> {
        let mut running = self.running.lock().await;
        if running.is_some() {
            return Ok(());
        }
        if !self.config.enabled {
            tracing::info!("the scheduler is disabled by configuration: no tick fires");
            return Ok(());
        }
        let began = self.clock.monotonic();
        let mut told = 0;
        let report = self
            .store
            .load(|loaded| {
                if loaded - told >= PROGRESS_STEP {
                    told = loaded;
                    tracing::info!(loaded, "loading schedules");
                }
            })
            .await
            .map_err(failed("loading the schedules"))?;
        if self.events.listens() && !report.changes.is_empty() {
            let changes = report.changes.iter().cloned().map(Event::Schedule);
            self.events.emit(&changes.collect::<Vec<_>>());
        }
        if let Some(change) = &report.zone_data {
            tell_of_zone_data(change);
        }
        let took = self.clock.monotonic().saturating_sub(began);
        tracing::info!(
            schedules = report.schedules,
            invalid = report.invalid,
            milliseconds = took.as_millis(),
            next_tick = self.store.earliest().map(tracing::field::display),
            "the scheduler starts"
        );
        let runtime = self.runtime().await?;
        *running = Some(Running::start(
            self.store.clone(),
            Arc::clone(&self.clock),
            runtime,
            Arc::clone(&self.queue),
            self.pruner(),
            |stop| Firing {
                store: self.store.clone(),
                bridge: Arc::clone(&self.bridge),
                clock: Arc::clone(&self.clock),
                jobs_available: self.jobs_available.clone(),
                jobs_stopping: self.jobs_stopping.clone(),
                ledger_written: self.ledger_written.clone(),
                events: Arc::clone(&self.events),
                stall: Arc::clone(&self.stall),
                stop,
                pending: Pending::default(),
            },
        ));
        Ok(())
    }

    async fn stop(&self) -> Result<(), SchedulerError> {
        let mut running = self.running.lock().await;
        let Some(running) = running.take() else {
            return Ok(());
        };
        let ended = running.stop(&*self.clock).await;
        if ended.is_err() {
            // Its actors may be what ended.
            self.runtime.lock().await.take();
        }
        self.stall.end();
        tracing::info!(left = self.store.in_flight(), "the scheduler has stopped");
        ended
    }

    async fn add_schedule(&self, schedule: UnifiedSchedule) -> Result<UnifiedSchedule, SchedulerError> {
        let edits = self.edits();
        to_its_end(async move { edits.add(schedule).await }).await
    }

    async fn remove_schedule(&self, id: ScheduleId) -> Result<(), SchedulerError> {
        let edits = self.edits();
        to_its_end(async move { edits.remove(id, None).await }).await
    }

    async fn remove_schedule_of_version(&self, id: ScheduleId, version: u32) -> Result<(), SchedulerError> {
        let edits = self.edits();
        to_its_end(async move { edits.remove(id, Some(version)).await }).await
    }

    async fn update_schedule(&self, schedule: UnifiedSchedule) -> Result<UnifiedSchedule, SchedulerError> {
        let edits = self.edits();
        to_its_end(async move { edits.update(schedule).await }).await
    }

    async fn change_schedules(
        &self,
        changes: Vec<ScheduleChange>,
    ) -> Result<Vec<UnifiedSchedule>, SchedulerError> {
        let edits = self.edits();
        to_its_end(async move { edits.change_together(changes).await }).await
    }

    async fn check_schedule_changes(&self, changes: Vec<ScheduleChange>) -> Result<(), SchedulerError> {
        self.edits().check_together(changes).await
    }

    async fn get_schedule_status(&self, id: ScheduleId) -> Result<ScheduleStatus, SchedulerError> {
        let schedule = self.edits().stored(id, "reading the schedule").await?;
        let armed = self.running.lock().await.is_some() && self.store.next_tick_of(id).is_some();
        Ok(ScheduleStatus {
            id,
            enabled: schedule.enabled,
            state: schedule.state,
            state_reason: schedule.state_reason,
            pause: schedule.pause,
            armed,
            next_run: schedule.next_run,
            last_run: schedule.last_run,
            run_count: schedule.run_count,
        })
    }

    async fn trigger_now(&self, id: ScheduleId, input: Option<Value>) -> Result<UnifiedJob, SchedulerError> {
        let created =
            backfill::run_at_once(&self.bridge, id, input, None, &*self.events, self.clock.now()).await;
        // If only the answer was lost, there is a job.
        self.jobs_available.raise();
        let job = created?;
        tracing::info!(schedule.id = %id, job.id = %job.id, "a schedule was triggered");
        Ok(job)
    }

    async fn pause_schedule(
        &self,
        id: ScheduleId,
        request: PauseRequest,
    ) -> Result<UnifiedSchedule, SchedulerError> {
        let edits = self.edits();
        to_its_end(async move { edits.pause(id, request).await }).await
    }

    async fn resume_schedule(
        &self,
        id: ScheduleId,
        request: ResumeRequest,
    ) -> Result<UnifiedSchedule, SchedulerError> {
        let edits = self.edits();
        to_its_end(async move { edits.resume(id, request).await }).await
    }

    async fn backfill(
        &self,
        id: ScheduleId,
        request: BackfillRequest,
    ) -> Result<BackfillReport, SchedulerError> {
        let made = backfill::make_up(&self.bridge, id, request, &*self.events, self.clock.now()).await;
        // If only the answer was lost, there are jobs.
        self.jobs_available.raise();
        let report = made?;
        tracing::info!(schedule.id = %id, jobs = report.jobs, "past ticks of a schedule are made up for");
        Ok(report)
    }

    async fn why(&self, id: ScheduleId, instant: DateTime<Utc>) -> Result<TickAccount, SchedulerError> {
        why::why(&self.bridge, id, instant, self.clock.now()).await
    }

    async fn forecast(
        &self,
        request: ForecastRequest,
    ) -> Result<Box<dyn Iterator<Item = ForecastTick> + Send>, SchedulerError> {
        forecast::forecast(&self.bridge, request, self.clock.now()).await
    }

    async fn forecast_buckets(
        &self,
        request: ForecastRequest,
        width: Duration,
    ) -> Result<Vec<ForecastBucket>, SchedulerError> {
        forecast::forecast_buckets(&self.bridge, request, width, self.clock.now()).await
    }

    async fn forecast_busiest(
        &self,
        request: ForecastRequest,
        most: usize,
    ) -> Result<Vec<BusyInstant>, SchedulerError> {
        forecast::forecast_busiest(&self.bridge, request, most, self.clock.now()).await
    }

    async fn health(&self) -> Result<SchedulerHealth, SchedulerError> {
        let (running, broken) = match self.running.lock().await.as_ref() {
            Some(running) => (running.broken().is_none(), running.broken().map(str::to_owned)),
            None => (false, None),
        };
        let (invalid_schedules, invalid_examples) = self
            .bridge
            .invalid_schedules()
            .await
            .map_err(failed("reading the schedules"))?;
        Ok(SchedulerHealth {
            running,
            schedules: self.store.len(),
            next_tick: self.store.earliest(),
            in_flight: self.store.in_flight(),
            stalled: broken.or_else(|| self.stall.reason()),
            invalid_schedules,
            invalid_examples,
        })
    }
}
