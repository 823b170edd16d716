use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ratchet_interfaces::{
    Clock, LogLevel, TaskDefinition, TaskError, TaskErrorKind, TaskExecutor, TaskRequest, with_causes,
};
use ratchet_outbound::{OutboundError, OutboundRequest, OutboundResponse};
use ratchet_template::TemplateError;
use serde_json::Value;

use crate::fetch::Fetch;
use crate::template_fields::template_fields;

mod answer;
mod body_template;
mod definition;
mod expected_status;
mod url_template;

use definition::HttpDefinition;

/// The most of the body of an answer that was not expected that goes to the log.
const MAX_LOGGED: usize = 2_048;

/// The runtime `http`: tasks that are a request, which their source describes.
///
/// ```
/// use std::sync::Arc;
/// use chrono::DateTime;
/// use ratchet_interfaces::{ManualClock, TaskExecutor};
/// use ratchet_outbound::{AddressPolicy, OutboundClient};
/// use ratchet_runtimes::HttpRuntime;
/// let client = OutboundClient::new(AddressPolicy::default())?;
/// let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
/// assert_eq!(HttpRuntime::new(Arc::new(client), clock).runtime(), "http");
/// # Ok::<(), ratchet_outbound::OutboundError>(())
/// ```
pub struct HttpRuntime {
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
}

impl HttpRuntime {
    /// A runtime that sends its requests so. The clock says what an instant in `Retry-After` is from now.
    #[must_use]
    pub fn new(fetch: Arc<dyn Fetch>, clock: Arc<dyn Clock>) -> Self {
        Self { fetch, clock }
    }

    async fn run(&self, request: &TaskRequest) -> Result<Value, TaskError> {
        let definition = HttpDefinition::of(&request.task)
            .map_err(|wrong| TaskError::of(TaskErrorKind::Definition, wrong))?;
        let (outbound, host) = rendered(&definition, request)?;
        let answer = self
            .fetch
            .fetch(outbound)
            .await
            .map_err(|error| failure(&error))?;
        let OutboundResponse { status, body, .. } = &answer;
        let method = &definition.method;
        // Neither the rest of the URL nor a header is told: a token may be in them.
        let told = format!("{method} {host}: status {status}, {} bytes", body.len());
        request.monitor.log(LogLevel::Info, &told);
        if definition.expected_status.has(*status) {
            return answer::output(&answer, definition.extract.as_deref());
        }
        if !body.is_empty() {
            let shown = String::from_utf8_lossy(&body[..body.len().min(MAX_LOGGED)]);
            request.monitor.log(LogLevel::Warn, &shown);
        }
        let expected = &definition.expected_status;
        Err(TaskError {
            retryable: !matches!(status, 400..=499) || matches!(status, 408 | 425 | 429),
            retry_after: matches!(status, 429 | 503)
                .then(|| answer.retry_after(self.clock.now()))
                .flatten(),
            ..TaskError::of(
                TaskErrorKind::Response,
                format!("{host} answered with status {status}; expected is {expected}"),
            )
        })
    }
}

#[async_trait]
impl TaskExecutor for HttpRuntime {
    fn runtime(&self) -> &str {
        "http"
    }

    fn check(&self, task: &TaskDefinition) -> Option<String> {
        HttpDefinition::of(task).err()
    }

    async fn execute(&self, request: TaskRequest) -> Result<Value, TaskError> {
        tokio::select! {
            biased;
            () = request.stop.stopped() => Err(TaskError::failed("it was told to stop")),
            outcome = self.run(&request) => outcome,
        }
    }

    /// A request that is broken off has nothing to put in order.
    fn stop_grace(&self) -> Duration {
        Duration::ZERO
    }
}

/// The request, and the host that it goes to.
fn rendered(
    definition: &HttpDefinition,
    request: &TaskRequest,
) -> Result<(OutboundRequest, String), TaskError> {
    let fields = template_fields(request);
    let wrong = |told: String| TaskError::of(TaskErrorKind::Input, format!("request.json: {told}"));
    let of_template = |error: TemplateError| wrong(error.to_string());
    let url = definition.url.render(&fields, &definition.query).map_err(wrong)?;
    let mut outbound = OutboundRequest {
        timeout: definition.timeout.min(request.limits.timeout),
        max_body_bytes: definition.max_body_bytes,
        max_redirects: definition.max_redirects,
        ..OutboundRequest::new(&definition.method, url.as_str())
    };
    for (name, template) in &definition.headers {
        outbound = outbound.with_header(name, template.render(&fields).map_err(of_template)?);
    }
    if let Some(body) = &definition.body {
        outbound.body = body.render(&fields).map_err(of_template)?;
        let says_type = definition
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !says_type {
            outbound = outbound.with_header("Content-Type", body.content_type());
        }
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    Ok((outbound, host))
}

/// Why there was no answer.
fn failure(error: &OutboundError) -> TaskError {
    let kind = match error {
        OutboundError::InvalidRequest { .. } => TaskErrorKind::Input,
        OutboundError::Forbidden { .. } => TaskErrorKind::Permission,
        OutboundError::TimedOut { .. } => TaskErrorKind::Timeout,
        OutboundError::TooLarge { .. }
        | OutboundError::TooManyRedirects { .. }
        | OutboundError::InvalidRedirect { .. } => TaskErrorKind::Response,
        OutboundError::Unreachable { .. } | OutboundError::Interrupted { .. } => TaskErrorKind::Network,
        OutboundError::Setup(_) => TaskErrorKind::Panic,
    };
    TaskError::of(kind, with_causes(error))
}
