use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use ratchet_interfaces::{
    Choice, Clock, DeliveryCondition, DeliveryFilter, DeliverySort, DeliveryStatus, JobStatus, PageRequest,
    QueueDepths, RepositoryError, RepositoryFactory, RuntimeStatus, SchedulerHealth, SchedulerService,
    with_causes,
};

#[cfg(test)]
use crate::exposition::Kind;
use crate::exposition::{Exposition, ExpositionError};
use crate::process::ProcessUse;

mod catalog;
mod ended_jobs;
mod hearing;
mod reading;

#[cfg(test)]
mod tests;

use catalog::described;
pub use catalog::{CATALOG, Description};
use ended_jobs::EndedJobs;
use reading::{LastReading, Reading};

type OneLabel = [(&'static str, &'static str); 1];
type TwoLabels = [(&'static str, &'static str); 2];
type Counters<L> = Family<L, Counter>;
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// Upper bounds in seconds of what takes fractions of a millisecond where all is well.
const FINE: [f64; 17] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0,
    3_600.0,
];
/// Upper bounds in seconds of what takes as long as it takes.
const COARSE: [f64; 15] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0,
];

fn fine() -> Histogram {
    Histogram::new(FINE)
}

fn coarse() -> Histogram {
    Histogram::new(COARSE)
}

/// The metrics of a server. It counts what it hears; the rest it reads when somebody asks.
pub struct Metrics {
    clock: Arc<dyn Clock>,
    registry: Registry,
    reading: LastReading,
    source: RwLock<Option<MetricsSource>>,
    version: &'static str,
    started: DateTime<Utc>,
    tick_lateness: Histogram,
    handler_lateness: Histogram,
    ticks: Counters<OneLabel>,
    schedule_changes: Counters<OneLabel>,
    ended_jobs: EndedJobs,
    job_wait: Histogram,
    executions: Counters<OneLabel>,
    execution_failures: Counters<OneLabel>,
    execution_duration: Histogram,
    delivery_attempts: Counters<TwoLabels>,
    delivery_duration: Histograms<OneLabel>,
    timer_lag: Histogram,
    http_requests: Counters<Vec<(&'static str, String)>>,
    http_duration: Histograms<Vec<(&'static str, String)>>,
    scrape_failures: Counter,
}

/// What is read when somebody asks.
#[derive(Clone)]
pub struct MetricsSource {
    /// The stored data.
    pub repositories: Arc<dyn RepositoryFactory>,
    /// How the engine is.
    pub scheduler: Arc<dyn SchedulerService>,
    /// How many jobs run.
    pub status: Arc<dyn RuntimeStatus>,
    /// How many clients watch events.
    pub event_clients: Arc<dyn Fn() -> usize + Send + Sync>,
}

impl Metrics {
    /// The metrics of a server of this version that starts now.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, version: &'static str) -> Self {
        let mut registry = Registry::default();
        let reading = LastReading::default();
        let metrics = Self {
            started: clock.now(),
            clock,
            version,
            source: RwLock::default(),
            tick_lateness: registered(&mut registry, "ratchet_tick_lateness_seconds", fine()),
            handler_lateness: registered(&mut registry, "ratchet_tick_handler_lateness_seconds", fine()),
            ticks: registered(&mut registry, "ratchet_ticks_total", Family::default()),
            schedule_changes: registered(&mut registry, "ratchet_schedule_changes_total", Family::default()),
            ended_jobs: EndedJobs::default(),
            job_wait: registered(&mut registry, "ratchet_job_wait_seconds", coarse()),
            executions: registered(&mut registry, "ratchet_executions_total", Family::default()),
            execution_failures: registered(
                &mut registry,
                "ratchet_execution_failures_total",
                Family::default(),
            ),
            execution_duration: registered(&mut registry, "ratchet_execution_duration_seconds", coarse()),
            delivery_attempts: registered(
                &mut registry,
                "ratchet_delivery_attempts_total",
                Family::default(),
            ),
            delivery_duration: registered(
                &mut registry,
                "ratchet_delivery_attempt_duration_seconds",
                Family::new_with_constructor(coarse as fn() -> Histogram),
            ),
            timer_lag: registered(&mut registry, "ratchet_timer_lag_seconds", fine()),
            http_requests: registered(&mut registry, "ratchet_http_requests_total", Family::default()),
            http_duration: registered(
                &mut registry,
                "ratchet_http_request_duration_seconds",
                Family::new_with_constructor(coarse as fn() -> Histogram),
            ),
            scrape_failures: registered(&mut registry, "ratchet_scrape_failures_total", Counter::default()),
            registry: Registry::default(),
            reading: reading.clone(),
        };
        registry.register_collector(Box::new(reading));
        metrics.begin_at_zero();
        Self { registry, ..metrics }
    }

    /// From now on there is something to read.
    pub fn begin(&self, source: MetricsSource) {
        self.set(Some(source));
    }

    /// There is nothing to read any more: what was heard is still told.
    pub fn end(&self) {
        self.set(None);
    }

    fn set(&self, source: Option<MetricsSource>) {
        *self.source.write().unwrap_or_else(PoisonError::into_inner) = source;
    }

    /// A wait ended so long after the instant that was waited for.
    pub(crate) fn timer_woke(&self, late: TimeDelta) {
        self.timer_lag.observe(seconds(late));
    }

    /// The time by which requests are measured.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// A request was answered. The route is the template of its path.
    pub fn http_answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut labels = vec![("method", method.to_owned()), ("route", route.to_owned())];
        self.http_duration
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        labels.push(("status", status.to_string()));
        self.http_requests.get_or_create(&labels).inc();
    }

    /// All values as they are now, in the text format of Prometheus.
    ///
    /// # Errors
    /// What the encoder says; it writes into memory, which does not fail.
    pub async fn text(&self) -> Result<String, std::fmt::Error> {
        self.reading.set(self.read_all().await);
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// All values as they are now. They are read from the text, so that both tell the same.
    ///
    /// # Errors
    /// [`ExpositionError`] if the text breaks a rule.
    pub async fn read(&self) -> Result<Exposition, ExpositionError> {
        // Of an encoder that fails half-way the rest is missing.
        let text = self.text().await.unwrap_or_default();
        Exposition::parse(&text)
    }

    async fn read_all(&self) -> Reading {
        let mut reading = Reading::default();
        self.read_process(&mut reading);
        let source = self.source.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(source) = source {
            self.read_source(&source, &mut reading).await;
        }
        reading
    }

    fn read_process(&self, reading: &mut Reading) {
        reading.set_of(
            "ratchet_build_info",
            vec![("version", self.version.to_owned())],
            1.0,
        );
        reading.set("ratchet_start_time_seconds", epoch_seconds(self.started));
        let ProcessUse {
            cpu_seconds,
            resident_bytes,
            open_files,
            max_files,
            threads,
        } = ProcessUse::now();
        if let Some(seconds) = cpu_seconds {
            reading.set("process_cpu_seconds_total", seconds);
        }
        for (name, value) in [
            ("process_resident_memory_bytes", resident_bytes),
            ("process_open_fds", open_files),
            ("process_max_fds", max_files),
            ("process_threads", threads),
        ] {
            if let Some(value) = value {
                reading.count(name, value);
            }
        }
    }

    async fn read_source(&self, source: &MetricsSource, reading: &mut Reading) {
        let MetricsSource {
            repositories,
            scheduler,
            status,
            event_clients,
        } = source;
        let now = self.clock.now();
        if let Some(depths) = self.had("the queue", repositories.jobs().job_queue_depths(now).await) {
            read_depths(depths, now, reading);
        }
        let pending = DeliveryCondition::Status(Choice::Is(DeliveryStatus::Pending));
        let pending = DeliveryFilter::of([pending]);
        let page = async {
            let first = PageRequest::new(0, 1)?;
            repositories
                .deliveries()
                .delivery_list(&pending, DeliverySort::default(), first)
                .await
        };
        let page = page.await;
        if let Some(page) = self.had("the outbox", page) {
            reading.count("ratchet_deliveries_pending", page.total);
        }
        let ended = self.ended_jobs.read(&*repositories.tasks()).await;
        for (task, status, count) in self.had("the names of tasks", ended).unwrap_or_default() {
            let labels = vec![("task", task.to_string()), ("status", status.as_str().to_owned())];
            reading.count_of("ratchet_jobs_ended_total", labels, count);
        }
        match scheduler.health().await {
            Ok(health) => read_health(&health, reading),
            Err(error) => self.failed("the scheduler", &error),
        }
        reading.count("ratchet_executions_running", status.active_jobs() as u64);
        reading.count("ratchet_event_clients", event_clients() as u64);
        // Last, so that what was asked for this is in it.
        reading.count(
            "ratchet_database_statements_total",
            repositories.statements_executed(),
        );
    }

    fn had<T>(&self, what: &str, read: Result<T, RepositoryError>) -> Option<T> {
        read.map_err(|error| self.failed(what, &error)).ok()
    }

    fn failed(&self, what: &str, error: &(dyn std::error::Error + 'static)) {
        self.scrape_failures.inc();
        tracing::warn!(
            what,
            error = with_causes(error),
            "a metric could not be read, and is left out"
        );
    }
}

fn registered<M: Metric + Clone>(registry: &mut Registry, name: &'static str, metric: M) -> M {
    // The encoder adds the ending of a counter.
    let bare = name.strip_suffix("_total").unwrap_or(name);
    registry.register(bare, described(name).help, metric.clone());
    metric
}

/// A length of time; one that is negative because a clock was set back is none.
fn seconds(length: TimeDelta) -> f64 {
    length.as_seconds_f64().max(0.0)
}

fn epoch_seconds(instant: DateTime<Utc>) -> f64 {
    (instant - DateTime::UNIX_EPOCH).as_seconds_f64()
}

fn read_depths(depths: QueueDepths, now: DateTime<Utc>, reading: &mut Reading) {
    let QueueDepths {
        queued,
        retrying,
        processing,
        buffered,
        blocked,
        due,
        oldest_due,
    } = depths;
    for (status, count) in [
        (JobStatus::Queued, queued),
        (JobStatus::Retrying, retrying),
        (JobStatus::Processing, processing),
        (JobStatus::Buffered, buffered),
        (JobStatus::Blocked, blocked),
    ] {
        reading.count_of(
            "ratchet_jobs",
            vec![("status", status.as_str().to_owned())],
            count,
        );
    }
    reading.count("ratchet_jobs_due", due);
    let age = oldest_due.map_or(0.0, |since| seconds(now - since));
    reading.set("ratchet_jobs_oldest_due_age_seconds", age);
}

fn read_health(health: &SchedulerHealth, reading: &mut Reading) {
    reading.count("ratchet_scheduler_running", health.running.into());
    reading.count("ratchet_schedules_armed", health.schedules as u64);
    reading.count("ratchet_schedules_invalid", health.invalid_schedules);
    reading.count("ratchet_ticks_in_flight", health.in_flight as u64);
}
