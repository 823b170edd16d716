//! What handlers' tests share: the router over mocks, and requests to it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Event, EventSink, EventSinks, ManualClock, MockAuditRepository, MockDeliveryRepository,
    MockExecutionRepository, MockIdempotencyRepository, MockJobRepository, MockOutputDelivery,
    MockRegistryManager, MockRepositoryFactory, MockScheduleRepository, MockSchedulerService,
    MockTaskRepository, MockTaskValidator, MockTickRepository, MockTokenRepository, MockWorkerStatus, Signal,
};
use serde_json::Value;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use crate::router::router;
use crate::state::{ApiState, Services};

/// The mocks behind the services. Whatever a test does not expect to be called panics.
#[derive(Default)]
pub(crate) struct Mocks {
    pub(crate) schedules: MockScheduleRepository,
    pub(crate) tasks: MockTaskRepository,
    pub(crate) ticks: MockTickRepository,
    pub(crate) deliveries: MockDeliveryRepository,
    pub(crate) executions: MockExecutionRepository,
    pub(crate) jobs: MockJobRepository,
    pub(crate) tokens: MockTokenRepository,
    pub(crate) audit: MockAuditRepository,
    pub(crate) idempotency: MockIdempotencyRepository,
    pub(crate) jobs_available: Signal,
    pub(crate) jobs_stopping: Signal,
    pub(crate) events: EventSinks,
    pub(crate) scheduler: MockSchedulerService,
    pub(crate) registries: MockRegistryManager,
    pub(crate) worker: MockWorkerStatus,
    pub(crate) validator: MockTaskValidator,
    pub(crate) output: MockOutputDelivery,
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-03-27T12:00:00Z".parse().unwrap()
}

/// Keeps what it hears.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<Event>>);

impl Heard {
    /// What was told since it was asked last.
    pub(crate) fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl EventSink for Heard {
    fn emit(&self, events: &[Event]) {
        self.0.lock().unwrap().extend_from_slice(events);
    }
}

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The message of the error that it must be.
    pub(crate) fn error(&self, status: u16, code: &str) -> &str {
        let error = &self.body["error"];
        assert_eq!(
            (self.status, error["status"].as_u64(), error["code"].as_str()),
            (status, Some(u64::from(status)), Some(code)),
            "{self:?}"
        );
        error["message"].as_str().unwrap()
    }
}

impl Mocks {
    /// Who hears what is told.
    pub(crate) fn heard(&mut self) -> Arc<Heard> {
        let heard = Arc::new(Heard::default());
        self.events = EventSinks::new([Arc::clone(&heard) as Arc<dyn EventSink>]);
        heard
    }

    pub(crate) fn router(self) -> Router {
        let services = self.services();
        let state = ApiState::new(Arc::clone(&services.clock));
        state.begin(services);
        router(state, OpenApiRouter::new(), OpenApiRouter::new())
    }

    pub(crate) fn services(self) -> Services {
        let Self {
            schedules,
            tasks,
            ticks,
            deliveries,
            executions,
            jobs,
            mut tokens,
            mut audit,
            mut idempotency,
            jobs_available,
            jobs_stopping,
            events,
            scheduler,
            registries,
            worker,
            validator,
            output,
        } = self;
        let mut repositories = MockRepositoryFactory::new();
        let (schedules, tasks, ticks) = (Arc::new(schedules), Arc::new(tasks), Arc::new(ticks));
        repositories
            .expect_schedules()
            .returning(move || Arc::clone(&schedules) as _);
        repositories
            .expect_tasks()
            .returning(move || Arc::clone(&tasks) as _);
        repositories
            .expect_ticks()
            .returning(move || Arc::clone(&ticks) as _);
        let deliveries = Arc::new(deliveries);
        repositories
            .expect_deliveries()
            .returning(move || Arc::clone(&deliveries) as _);
        let executions = Arc::new(executions);
        repositories
            .expect_executions()
            .returning(move || Arc::clone(&executions) as _);
        let jobs = Arc::new(jobs);
        repositories
            .expect_jobs()
            .returning(move || Arc::clone(&jobs) as _);
        // What every request does besides, unless the test says otherwise: there is no token, and changes are noted.
        tokens.expect_token_exists().returning(|| Ok(false));
        let tokens = Arc::new(tokens);
        repositories
            .expect_tokens()
            .returning(move || Arc::clone(&tokens) as _);
        audit.expect_audit_write().returning(|_| Ok(()));
        audit.expect_audit_prune().returning(|_, _| Ok(0));
        let audit = Arc::new(audit);
        repositories
            .expect_audit()
            .returning(move || Arc::clone(&audit) as _);
        idempotency.expect_idempotency_prune().returning(|_, _| Ok(0));
        let idempotency = Arc::new(idempotency);
        repositories
            .expect_idempotency()
            .returning(move || Arc::clone(&idempotency) as _);
        Services {
            repositories: Arc::new(repositories),
            scheduler: Arc::new(scheduler),
            registries: Arc::new(registries),
            worker: Arc::new(worker),
            validator: Arc::new(validator),
            output: Arc::new(output),
            jobs_available,
            jobs_stopping,
            events: Arc::new(events),
            clock: Arc::new(ManualClock::at(now())),
        }
    }

    pub(crate) async fn get(self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub(crate) async fn send(
        self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        ask(self.router(), request(method, path, headers, body)).await
    }
}

pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    match body {
        None => request.body(Body::empty()),
        Some(body) => request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string())),
    }
    .unwrap()
}

pub(crate) async fn ask(router: Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    // A stream of events does not end by itself.
    let is_stream = parts
        .headers
        .get("content-type")
        .is_some_and(|kind| kind == "text/event-stream");
    let bytes = if is_stream {
        Bytes::new()
    } else {
        to_bytes(body, 10_000_000).await.unwrap()
    };
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        },
    }
}
