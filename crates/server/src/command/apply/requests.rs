use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request, StatusCode};
use ratchet_api::{ApiState, router};
use serde_json::Value;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use crate::cli::{CliError, CommonArgs};
use crate::container::ServiceContainer;

/// The longest answer that is read.
const MOST_BYTES: usize = 256 << 20;

/// Something that does requests of the HTTP API.
pub(crate) trait Requests {
    /// Sends a request, and returns the status and the JSON of the answer.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), CliError>;
}

/// The API over the database of the settings, in this process: no server may be running on it.
pub(crate) struct InProcess {
    router: Router,
}

impl InProcess {
    /// Has `act` send requests, with the tasks as the registries have them now.
    pub(crate) fn during<T>(
        common: &CommonArgs,
        act: impl AsyncFnOnce(&Self) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let settings = common.settings()?;
        let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
        runtime.block_on(async {
            let container = ServiceContainer::new(&settings)
                .await
                .map_err(|error| CliError::failed(&error))?;
            let done = match container.registry_manager.sync().await {
                Ok(_) => {
                    let state = ApiState::new(std::sync::Arc::clone(&container.clock));
                    state.begin(container.api_services());
                    let router = router(state, OpenApiRouter::new());
                    act(&Self { router }).await
                }
                Err(error) => Err(CliError::failed(&error)),
            };
            container.stop().await.map_err(|error| CliError::failed(&error))?;
            done
        })
    }
}

impl Requests for InProcess {
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), CliError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .map_err(|error| CliError::failed(&error))?;
        let Ok(answer) = self.router.clone().oneshot(request).await;
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), MOST_BYTES)
            .await
            .map_err(|error| CliError::failed(&error))?;
        let answer = serde_json::from_slice(&bytes).map_err(|error| CliError::failed(&error))?;
        Ok((status, answer))
    }
}

/// The `data` of an answer, or the message of its error.
pub(crate) fn data((status, mut answer): (StatusCode, Value)) -> Result<Value, CliError> {
    if status.is_success() {
        return Ok(answer["data"].take());
    }
    let message = match answer["error"]["message"].as_str() {
        Some(message) => message.replace("; schedules[", "\n  schedules["),
        None => format!("the answer is {status}"),
    };
    Err(match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => CliError::Usage(message),
        _ => CliError::Failed(message),
    })
}
