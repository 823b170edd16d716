use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, SecondsFormat, Utc};
use ratchet_interfaces::{
    Clock, NodeId, RepositoryFactory, SchedulerHealth, SchedulerService, TaskRegistry, with_causes,
};
use serde::Serialize;
use utoipa::ToSchema;

/// What the document groups the routes by.
const TAG: &str = "health";

/// How the server is, from the beginning of its start on.
pub(crate) struct ServerHealth {
    clock: Arc<dyn Clock>,
    /// Which of all servers it is, for as long as it runs.
    instance: NodeId,
    /// Set when the start is finished.
    source: OnceLock<HealthSource>,
    /// Whether the server takes work: from the end of its start to the beginning of its stop.
    ready: AtomicBool,
}

/// The parts that a check looks at.
pub(crate) struct HealthSource {
    pub(crate) repositories: Arc<dyn RepositoryFactory>,
    pub(crate) scheduler: Arc<dyn SchedulerService>,
    pub(crate) registry: Arc<dyn TaskRegistry>,
    /// Says what keeps jobs from running and results from being delivered, if anything does.
    pub(crate) executor_stalls: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) scheduler_enabled: bool,
    /// How long a part may take to answer before it counts as down.
    pub(crate) patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
enum Status {
    Healthy,
    Degraded,
    Unhealthy,
    Starting,
}

impl Status {
    const fn code(self) -> StatusCode {
        match self {
            Self::Healthy | Self::Degraded => StatusCode::OK,
            Self::Unhealthy | Self::Starting => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// How the server is: how its worst part is.
    status: Status,
    /// When the answer was made.
    #[schema(example = "2026-01-05T08:00:00.000Z")]
    timestamp: String,
    /// The version of the server.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// How each part is; null without details, or while the server starts.
    checks: Option<Checks>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Checks {
    /// Whether the database answers.
    database: Check,
    /// Whether ticks fire.
    scheduler: Check,
    /// Whether jobs run and results are delivered.
    executor: Check,
    /// Whether tasks can be listed.
    registry: Check,
}

#[derive(Debug, Serialize, ToSchema)]
struct Check {
    /// How the part is.
    status: Status,
    /// What was found, in words.
    #[schema(example = "it answers; 118 statements since the start")]
    message: String,
    /// How long the look took.
    #[schema(value_type = u64, example = 1)]
    duration_ms: u128,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Whether it does.
    #[schema(example = true)]
    ready: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Live {
    /// It is true.
    #[schema(example = true)]
    alive: bool,
}

/// Whether the server has started.
#[utoipa::path(
    get,
    path = "/health",
    tag = TAG,
    responses((status = 200, body = Health), (status = 503, body = Health, description = "It starts"))
)]
pub(crate) async fn health(State(health): State<Arc<ServerHealth>>) -> (StatusCode, Json<Health>) {
    let status = match health.source.get() {
        Some(_) => Status::Healthy,
        None => Status::Starting,
    };
    health.answer(status, None)
}

/// How each part of the server is.
#[utoipa::path(
    get,
    path = "/health/detailed",
    tag = TAG,
    responses((status = 200, body = Health), (status = 503, body = Health, description = "A part is unhealthy"))
)]
pub(crate) async fn detailed(State(health): State<Arc<ServerHealth>>) -> (StatusCode, Json<Health>) {
    let Some(source) = health.source.get() else {
        return health.answer(Status::Starting, None);
    };
    let (database, scheduler, executor, registry) = tokio::join!(
        source.check(source.database()),
        source.check(source.scheduler()),
        source.check(source.executor()),
        source.check(source.registry()),
    );
    let statuses = [
        database.status,
        scheduler.status,
        executor.status,
        registry.status,
    ];
    let status = statuses.into_iter().fold(Status::Healthy, Ord::max);
    let checks = Checks {
        database,
        scheduler,
        executor,
        registry,
    };
    health.answer(status, Some(checks))
}

/// Whether the server takes work.
#[utoipa::path(
    get,
    path = "/ready",
    tag = TAG,
    responses((status = 200, body = Ready), (status = 503, body = Ready))
)]
pub(crate) async fn ready(State(health): State<Arc<ServerHealth>>) -> (StatusCode, Json<Ready>) {
    let ready = health.ready.load(Ordering::Acquire);
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(Ready { ready }))
}

/// The header of `GET /live` that tells which of all servers answers.
pub(crate) const INSTANCE: &str = "ratchet-instance";

/// That the process answers.
#[utoipa::path(
    get,
    path = "/live",
    tag = TAG,
    responses((
        status = 200,
        body = Live,
        headers(("ratchet-instance" = String, description = "An id that a server has for as long as it runs"))
    ))
)]
pub(crate) async fn live(State(health): State<Arc<ServerHealth>>) -> impl IntoResponse {
    (
        [(INSTANCE, health.instance.to_string())],
        Json(Live { alive: true }),
    )
}

impl ServerHealth {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            instance: NodeId::new(),
            source: OnceLock::new(),
            ready: AtomicBool::new(false),
        }
    }

    /// Which of all servers it is.
    pub(crate) const fn instance(&self) -> NodeId {
        self.instance
    }

    /// The start is finished.
    pub(crate) fn begin(&self, source: HealthSource) {
        // A server starts once: there is no other source that this one could differ from.
        self.source.get_or_init(|| source);
        self.ready.store(true, Ordering::Release);
    }

    /// The stop begins.
    pub(crate) fn end(&self) {
        self.ready.store(false, Ordering::Release);
    }

    fn answer(&self, status: Status, checks: Option<Checks>) -> (StatusCode, Json<Health>) {
        let health = Health {
            status,
            timestamp: rfc3339(self.clock.now()),
            version: env!("CARGO_PKG_VERSION"),
            checks,
        };
        (status.code(), Json(health))
    }
}

impl HealthSource {
    async fn check(&self, look: impl Future<Output = (Status, String)>) -> Check {
        let began = self.clock.monotonic();
        let (status, message) = tokio::select! {
            found = look => found,
            () = self.clock.sleep(self.patience) => {
                (Status::Unhealthy, format!("no answer within {} s", self.patience.as_secs()))
            }
        };
        let duration = self.clock.monotonic().saturating_sub(began);
        Check {
            status,
            message,
            duration_ms: duration.as_millis(),
        }
    }

    async fn database(&self) -> (Status, String) {
        match self.repositories.ping().await {
            Ok(()) => {
                let statements = self.repositories.statements_executed();
                (
                    Status::Healthy,
                    format!("it answers; {statements} statements since the start"),
                )
            }
            Err(error) => (Status::Unhealthy, with_causes(&error)),
        }
    }

    async fn scheduler(&self) -> (Status, String) {
        match self.scheduler.health().await {
            Ok(health) => self.judge(&health),
            Err(error) => (Status::Unhealthy, with_causes(&error)),
        }
    }

    fn judge(&self, health: &SchedulerHealth) -> (Status, String) {
        if let Some(reason) = &health.stalled {
            return (
                Status::Unhealthy,
                format!("ticks cannot be made durable: {reason}"),
            );
        }
        if !health.running && self.scheduler_enabled {
            return (Status::Unhealthy, "it does not run".to_owned());
        }
        if health.invalid_schedules > 0 {
            let examples: Vec<String> = health
                .invalid_examples
                .iter()
                .map(|(name, reason)| format!("{name} ({reason})"))
                .collect();
            let (count, examples) = (health.invalid_schedules, examples.join("; "));
            return (
                Status::Degraded,
                format!("{count} schedules are disabled as invalid: {examples}"),
            );
        }
        if !health.running {
            return (Status::Healthy, "it is disabled by configuration".to_owned());
        }
        let next = health.next_tick.map_or_else(|| "none".to_owned(), rfc3339);
        let (schedules, in_flight) = (health.schedules, health.in_flight);
        (
            Status::Healthy,
            format!("{schedules} schedules, next tick {next}, {in_flight} ticks on their way"),
        )
    }

    async fn executor(&self) -> (Status, String) {
        match &(self.executor_stalls)()[..] {
            [] => (Status::Healthy, "jobs run and results are delivered".to_owned()),
            stalls => (Status::Unhealthy, stalls.join("; ")),
        }
    }

    async fn registry(&self) -> (Status, String) {
        match self.registry.list_tasks().await {
            Ok(listing) => (Status::Healthy, format!("{} tasks", listing.tasks.len())),
            Err(error) => (Status::Unhealthy, with_causes(&error)),
        }
    }
}

fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}
