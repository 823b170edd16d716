use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::{HeaderValue, Method, Request};
use ratchet_api::ApiState;
use ratchet_interfaces::{Clock, NoEventSink};
use ratchet_scheduler::SystemClock;
use ratchet_storage::{Database, DatabaseLock};
use serde_json::Value;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use super::{Answer, Call, Purpose};
use crate::cli::CliError;
use crate::container::ServiceContainer;
use crate::logging;
use crate::settings::Settings;

/// The routes of the API in this process, over the database. Nothing is started: no tick fires and no job runs.
pub(super) struct InProcess {
    router: Router,
    container: Option<ServiceContainer>,
    beside: Beside,
    purpose: Purpose,
}

/// Who else uses the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    /// No server. One that is started meanwhile has to wait, unless there is only reading here.
    Nobody,
    /// A server, so that there is only reading here.
    AServer,
}

impl InProcess {
    /// The routes over this database. Who only reads gives the lock back at once.
    pub(super) fn over(
        settings: &Settings,
        database: Database,
        lock: Option<DatabaseLock>,
        purpose: Purpose,
    ) -> Result<Self, CliError> {
        logging::init_for_commands();
        let failed = |error| CliError::failed(&error);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let beside = match lock {
            Some(_) => Beside::Nobody,
            None => Beside::AServer,
        };
        let lock = lock.filter(|_| purpose.changes());
        let container = ServiceContainer::over(
            settings,
            Arc::clone(&clock),
            Arc::new(NoEventSink),
            database,
            lock,
        )
        .map_err(failed)?;
        let state = ApiState::of_this_process(clock);
        state.begin(container.api_services());
        Ok(Self {
            router: ratchet_api::router(state, OpenApiRouter::new(), OpenApiRouter::new()),
            container: Some(container),
            beside,
            purpose,
        })
    }

    #[cfg(test)]
    pub(super) fn of(router: Router) -> Self {
        Self {
            router,
            container: None,
            beside: Beside::Nobody,
            purpose: Purpose::Change,
        }
    }

    pub(super) fn is_beside_a_server(&self) -> bool {
        self.beside == Beside::AServer
    }

    /// As a server does when it starts.
    pub(super) async fn take_tasks_in(&self) -> Result<(), CliError> {
        if let Some(container) = self.container.as_ref().filter(|_| self.purpose.changes()) {
            let synchronized = container.registry_manager.sync().await;
            synchronized.map_err(|error| CliError::failed(&error))?;
        }
        Ok(())
    }

    pub(super) async fn send(&self, call: Call) -> Result<Answer, CliError> {
        debug_assert!(
            self.purpose.changes() || call.method == Method::GET || call.path().ends_with("/preview"),
            "a command that only looks changes nothing"
        );
        let failed = |error: &dyn std::error::Error| CliError::failed(error);
        let mut request = Request::builder().method(call.method.clone()).uri(call.target());
        if let Some(etag) = &call.if_match {
            request = request.header(IF_MATCH, etag);
        }
        let body = match &call.body {
            None => Body::empty(),
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
        };
        let request = request.body(body).map_err(|error| failed(&error))?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.map_err(|error| failed(&error))?;
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).map_err(|error| failed(&error))?
        };
        let etag = head.headers.get(ETAG).map(HeaderValue::to_str).transpose();
        Ok(Answer {
            status: head.status.as_u16(),
            etag: etag.map_err(|error| failed(&error))?.map(str::to_owned),
            retry_after: None,
            body,
        })
    }

    pub(super) async fn close(self) -> Result<(), CliError> {
        match self.container {
            Some(container) => container.stop().await.map_err(|error| CliError::failed(&error)),
            None => Ok(()),
        }
    }
}
