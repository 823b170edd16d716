use std::sync::Arc;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ratchet_telemetry::Metrics;
use serde::Serialize;
use utoipa::ToSchema;

/// What the text format of Prometheus is called.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a request is counted as that no route takes.
const UNMATCHED: &str = "unmatched";

/// All metrics, in the text format of Prometheus. What cannot be read at this moment is left out, and counted in
/// `ratchet_scrape_failures_total`.
#[utoipa::path(
    get,
    path = "/metrics/prometheus",
    tag = "metrics",
    operation_id = "metrics_prometheus",
    responses((
        status = 200,
        body = String,
        content_type = "text/plain",
        description = "The exposition, version 0.0.4",
        example = json!("# TYPE ratchet_ticks_total counter\nratchet_ticks_total{outcome=\"fired\"} 42\n"),
    )),
)]
pub(crate) async fn prometheus(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text().await {
        Ok(text) => ([(CONTENT_TYPE, TEXT)], text).into_response(),
        Err(error) => failed(&error),
    }
}

/// All metrics as JSON.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "metrics",
    operation_id = "metrics",
    responses((status = 200, body = MetricsView)),
)]
pub(crate) async fn json(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.read().await {
        Ok(exposition) => Json(exposition).into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "the metrics cannot be told");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// All metrics, as the document describes them.
#[derive(Serialize, ToSchema)]
#[schema(as = Metrics)]
pub(crate) struct MetricsView {
    /// Each with its values.
    metrics: Vec<MetricView>,
}

/// A metric.
#[derive(Serialize, ToSchema)]
#[schema(as = Metric)]
struct MetricView {
    /// Its name.
    #[schema(example = "ratchet_ticks_total")]
    name: String,
    /// `counter`, `gauge` or `histogram`.
    #[schema(example = "counter")]
    r#type: String,
    /// What it means.
    #[schema(example = "Ticks of which it was decided what becomes of them.")]
    help: String,
    /// Its values.
    samples: Vec<SampleView>,
}

/// A value of a metric.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricSample)]
struct SampleView {
    /// The metric's name, for a histogram with `_bucket`, `_sum` or `_count` behind it.
    #[schema(example = "ratchet_ticks_total")]
    name: String,
    /// What it is the value of.
    #[schema(example = json!({ "outcome": "fired" }))]
    labels: std::collections::BTreeMap<String, String>,
    /// Null for what is no number.
    #[schema(example = 42.0)]
    value: Option<f64>,
}

/// Counts each request and measures how long its answer took to begin.
pub(crate) async fn measure(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let begun = metrics.monotonic();
    let method = told(request.method());
    let path = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = path.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let took = metrics.monotonic().saturating_sub(begun);
    metrics.http_answered(method, route, response.status().as_u16(), took);
    response
}

/// Anybody may send any method: those that nobody knows are one.
fn told(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let known = KNOWN.into_iter().find(|known| *known == method.as_str());
    known.unwrap_or("other")
}
