use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ratchet_interfaces::{
    Clock, EventSink, OutputDelivery, RegistryManager, RepositoryFactory, SchedulerService, Signal,
    TaskValidator, WorkerStatus,
};

use crate::auth::Access;
use crate::config::ApiConfig;
use crate::error::ApiError;
use crate::events::EventHub;

/// What handlers call.
#[derive(Clone)]
pub struct Services {
    /// The stored data, to be read.
    pub repositories: Arc<dyn RepositoryFactory>,
    /// The one way to change a schedule.
    pub scheduler: Arc<dyn SchedulerService>,
    /// Keeps the stored tasks what their registries say they are.
    pub registries: Arc<dyn RegistryManager>,
    /// Checks tasks, and inputs against their task's schema.
    pub validator: Arc<dyn TaskValidator>,
    /// What this process says of itself as one that runs jobs.
    pub worker: Arc<dyn WorkerStatus>,
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
    access: Arc<Access>,
}

impl ApiState {
    /// Without services yet: each route of the API answers 503.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            events: Arc::default(),
            services: Arc::default(),
            access: Arc::new(Access::new(ApiConfig::default())),
        }
    }

    /// For requests of this process alone. It has the database, and so may do everything: no request takes a token, is counted,
    /// or is refused for where it comes from, and the audit log calls who sends it [`AuditEntry::COMMAND_LINE`]. These
    /// routes must not be listened for.
    ///
    /// [`AuditEntry::COMMAND_LINE`]: ratchet_interfaces::AuditEntry::COMMAND_LINE
    #[must_use]
    pub fn of_this_process(clock: Arc<dyn Clock>) -> Self {
        Self {
            access: Arc::new(Access::of_this_process()),
            ..Self::new(clock)
        }
    }

    /// With other rules for who may ask, and how often.
    #[must_use]
    pub fn with_config(self, config: ApiConfig) -> Self {
        Self {
            access: Arc::new(Access::new(config)),
            ..self
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

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// The services, or the answer of a server that has none.
    pub(crate) fn services(&self) -> Result<Services, ApiError> {
        self.services
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(|| ApiError::unavailable("the server starts or stops: try again later"))
    }
}

impl FromRequestParts<ApiState> for Services {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        state.services()
    }
}
