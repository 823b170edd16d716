use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ratchet_interfaces::{
    Clock, EventSink, OutputDelivery, RepositoryFactory, SchedulerService, Signal, TaskValidator,
};

use crate::error::ApiError;
use crate::events::EventHub;

/// What handlers call.
#[derive(Clone)]
pub struct Services {
    /// The stored data, to be read.
    pub repositories: Arc<dyn RepositoryFactory>,
    /// The one way to change a schedule.
    pub scheduler: Arc<dyn SchedulerService>,
    /// Checks inputs against their task's schema.
    pub validator: Arc<dyn TaskValidator>,
    /// Checks destinations.
    pub output: Arc<dyn OutputDelivery>,
    /// Raised when there may be a job that can run.
    pub jobs_available: Signal,
    /// Raised when there may be a running job that is to stop.
    pub jobs_stopping: Signal,
    /// Who hears what becomes of jobs.
    pub events: Arc<dyn EventSink>,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
}

/// What the routes share: the services, as long as there are any.
#[derive(Clone)]
pub struct ApiState {
    clock: Arc<dyn Clock>,
    pub(crate) events: Arc<EventHub>,
    services: Arc<RwLock<Option<Services>>>,
}

impl ApiState {
    /// Without services yet: each route of the API answers 503.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            events: Arc::default(),
            services: Arc::default(),
        }
    }

    /// From now on requests are done.
    pub fn begin(&self, services: Services) {
        self.set(Some(services));
    }

    /// No further request is done.
    pub fn end(&self) {
        self.set(None);
    }

    fn set(&self, services: Option<Services>) {
        // Nothing panics while it holds the lock, so what is there is whole.
        *self.services.write().unwrap_or_else(PoisonError::into_inner) = services;
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    fn services(&self) -> Option<Services> {
        self.services
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl FromRequestParts<ApiState> for Services {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        state
            .services()
            .ok_or_else(|| ApiError::unavailable("the server starts or stops: try again later"))
    }
}
