//! Traces over OTLP: of each job one, from its tick to the delivery of its result.
//!
//! ```text
//!  tick ── job ─┬─ queue wait
//!               ├─ execution (an attempt) ── delivery (an attempt)
//!               └─ …
//! ```
//!
//! Spans are made from what the engine tells of what is on disk, with the times that stand there.

mod id;
mod span;
mod transport;

#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::sync::Arc;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanProcessor};
use ratchet_interfaces::{Event, EventSink, NodeId, with_causes};
use ratchet_outbound::OutboundClient;
use tokio::runtime::Handle;

use transport::Transport;

/// The variables of the environment that name a collector, as OpenTelemetry has them.
const VARIABLES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// Where a collector takes OTLP over HTTP: `http://127.0.0.1:4318`. Traces go to `/v1/traces` below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpEndpoint(String);

impl OtlpEndpoint {
    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OtlpEndpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let web = text
            .strip_prefix("http://")
            .or_else(|| text.strip_prefix("https://"));
        match web {
            Some(rest)
                if !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['@', '?', '#', ' ']) =>
            {
                Ok(Self(text.trim_end_matches('/').to_owned()))
            }
            _ => Err(
                "allowed is an http or https URL without a name, password and query, such as \
                      http://127.0.0.1:4318; a collector's credentials go into OTEL_EXPORTER_OTLP_HEADERS"
                    .to_owned(),
            ),
        }
    }
}

/// Which traces are told, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracesConfig {
    /// The collector; `None` leaves it to the environment.
    pub endpoint: Option<OtlpEndpoint>,
    /// Of how many percent of the jobs.
    pub percent: u64,
    /// The running version.
    pub version: &'static str,
}

impl TracesConfig {
    /// Whether a collector is named, here or in the environment: otherwise there is nothing to start.
    #[must_use]
    pub fn names_a_collector(&self) -> bool {
        let is_set = |variable: &&str| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
        self.endpoint.is_some() || VARIABLES.iter().any(is_set)
    }
}

/// Traces cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The exporter refuses what it was given.
    #[error("traces cannot be exported over OTLP")]
    Exporter(#[from] ExporterBuildError),
}

/// Makes spans of what it hears, and sends them in batches. What the collector does not take fast enough is dropped.
#[derive(Debug)]
pub struct Traces {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    percent: u64,
}

impl Traces {
    /// Begins to send to the collector that the configuration or the environment names; without one, to the port 4318 of
    /// this machine.
    ///
    /// # Errors
    /// [`TracesError`] if the environment says what is not allowed.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn start(config: TracesConfig, client: OutboundClient) -> Result<Self, TracesError> {
        let TracesConfig {
            endpoint,
            percent,
            version,
        } = config;
        let transport = Transport {
            client,
            runtime: Handle::current(),
        };
        let mut exporter = SpanExporter::builder().with_http().with_http_client(transport);
        if let Some(OtlpEndpoint(endpoint)) = endpoint {
            exporter = exporter.with_endpoint(format!("{endpoint}/v1/traces"));
        }
        let mut processor = BatchSpanProcessor::builder(exporter.build()?).build();
        let mut resource = Resource::builder();
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("ratchet");
        }
        let resource = resource
            .with_attribute(KeyValue::new("service.version", version))
            .with_attribute(KeyValue::new("service.instance.id", NodeId::new().to_string()))
            .build();
        processor.set_resource(&resource);
        Ok(Self {
            processor,
            scope: InstrumentationScope::builder("ratchet")
                .with_version(version)
                .build(),
            percent,
        })
    }

    /// Sends what is left, and ends.
    pub async fn stop(self: Arc<Self>) {
        // The thread that gathers spans needs the runtime to send them, so no thread of it may wait for that one.
        let ended = tokio::task::spawn_blocking(move || self.processor.shutdown()).await;
        match ended {
            Ok(Ok(()) | Err(OTelSdkError::AlreadyShutdown)) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = with_causes(&error), "the last traces could not be sent")
            }
            Err(error) => tracing::error!(
                error = with_causes(&error),
                "sending the last traces ended by a panic"
            ),
        }
    }
}

impl EventSink for Traces {
    fn emit(&self, events: &[Event]) {
        let mut spans = Vec::new();
        for event in events {
            span::push(event, self.percent, &self.scope, &mut spans);
        }
        for span in spans {
            self.processor.on_end(span);
        }
    }
}
