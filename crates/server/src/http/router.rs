use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use ratchet_api::ApiState;
use ratchet_telemetry::Metrics;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::health::{self, ServerHealth};
use crate::http::metrics;

/// Every route of the server.
pub(crate) fn router(
    health_of_server: Arc<ServerHealth>,
    metrics_of_server: Arc<Metrics>,
    api: ApiState,
) -> Router {
    let health = of_health().with_state(health_of_server);
    let metrics = of_metrics().with_state(Arc::clone(&metrics_of_server));
    ratchet_api::router(api, metrics, health).layer(from_fn_with_state(metrics_of_server, metrics::measure))
}

/// The OpenAPI document of every route.
pub(crate) fn document() -> Result<Value, serde_json::Error> {
    ratchet_api::openapi(of_metrics().into_openapi(), of_health().into_openapi())
}

fn of_health() -> OpenApiRouter<Arc<ServerHealth>> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::detailed))
        .routes(routes!(health::ready))
        .routes(routes!(health::live))
}

fn of_metrics() -> OpenApiRouter<Arc<Metrics>> {
    OpenApiRouter::new()
        .routes(routes!(metrics::json))
        .routes(routes!(metrics::prometheus))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use chrono::DateTime;
    use ratchet_interfaces::{
        ManualClock, MockRepositoryFactory, MockSchedulerService, MockTaskRegistry, RegistryError,
        RepositoryError, SchedulerHealth, TaskListing,
    };
    use ratchet_telemetry::Exposition;
    use tower::ServiceExt;

    use super::*;
    use crate::http::HealthSource;

    fn healthy() -> SchedulerHealth {
        SchedulerHealth {
            running: true,
            schedules: 3,
            next_tick: Some(DateTime::UNIX_EPOCH),
            in_flight: 0,
            stalled: None,
            invalid_schedules: 0,
            invalid_examples: Vec::new(),
        }
    }

    struct Parts {
        database: fn() -> Result<(), RepositoryError>,
        scheduler: SchedulerHealth,
        registry: fn() -> Result<TaskListing, RegistryError>,
        executor_stalls: fn() -> Vec<String>,
        phase: Phase,
    }

    #[derive(PartialEq, Eq)]
    enum Phase {
        Starting,
        Ready,
        Stopping,
    }

    impl Default for Parts {
        fn default() -> Self {
            Self {
                database: || Ok(()),
                scheduler: healthy(),
                registry: || Ok(TaskListing::default()),
                executor_stalls: Vec::new,
                phase: Phase::Ready,
            }
        }
    }

    async fn ask(parts: Parts, method: &str, path: &str) -> (StatusCode, Value) {
        let mut repositories = MockRepositoryFactory::new();
        repositories.expect_ping().returning(parts.database);
        repositories.expect_statements_executed().return_const(7_u64);
        let mut scheduler = MockSchedulerService::new();
        let health = parts.scheduler;
        scheduler.expect_health().returning(move || Ok(health.clone()));
        let mut registry = MockTaskRegistry::new();
        registry.expect_list_tasks().returning(parts.registry);
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let api = ApiState::new(Arc::clone(&clock) as _);
        let metrics = Arc::new(Metrics::new(Arc::clone(&clock) as _, "1.2.3"));
        let of_server = ServerHealth::new(clock.clone());
        if parts.phase != Phase::Starting {
            of_server.begin(HealthSource {
                repositories: Arc::new(repositories),
                scheduler: Arc::new(scheduler),
                registry: Arc::new(registry),
                executor_stalls: Box::new(parts.executor_stalls),
                clock,
                scheduler_enabled: true,
                patience: Duration::from_secs(5),
            });
        }
        if parts.phase == Phase::Stopping {
            of_server.end();
        }
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let router = router(Arc::new(of_server), metrics, api);
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 10_000_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_healthy_server_says_so() {
        let (status, body) = ask(Parts::default(), "GET", "/health").await;
        assert_eq!(
            (status, &body["status"]),
            (StatusCode::OK, &Value::from("healthy"))
        );
        assert_eq!(body["checks"], Value::Null);
        assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    }

    #[tokio::test]
    async fn the_document_has_the_routes_of_health_beside_those_of_the_api() {
        let (status, document) = ask(Parts::default(), "GET", "/api-docs/openapi.json").await;
        assert_eq!(status, StatusCode::OK);
        for path in [
            "/health",
            "/health/detailed",
            "/ready",
            "/live",
            "/metrics",
            "/metrics/prometheus",
            "/api/v1/schedules",
        ] {
            assert!(document["paths"][path]["get"].is_object(), "{path}");
        }
    }

    #[tokio::test]
    async fn the_details_have_a_check_for_each_part() {
        let (status, body) = ask(Parts::default(), "GET", "/health/detailed").await;
        assert_eq!(
            (status, &body["status"]),
            (StatusCode::OK, &Value::from("healthy"))
        );
        for part in ["database", "scheduler", "executor", "registry"] {
            assert_eq!(body["checks"][part]["status"], "healthy", "{body}");
            assert!(body["checks"][part]["duration_ms"].is_number(), "{body}");
        }
    }

    #[tokio::test]
    async fn an_invalid_schedule_degrades_the_scheduler_and_is_named_with_its_reason() {
        let scheduler = SchedulerHealth {
            invalid_schedules: 1,
            invalid_examples: vec![("nightly".to_owned(), "minute 99".to_owned())],
            ..healthy()
        };
        let (status, body) = ask(
            Parts {
                scheduler,
                ..Parts::default()
            },
            "GET",
            "/health/detailed",
        )
        .await;
        assert_eq!(
            (status, &body["status"]),
            (StatusCode::OK, &Value::from("degraded"))
        );
        let message = body["checks"]["scheduler"]["message"].as_str().unwrap();
        assert!(
            message.contains("nightly") && message.contains("minute 99"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn a_database_out_of_reach_makes_the_server_unhealthy() {
        let database = || {
            Err(RepositoryError::Unavailable {
                during: "pinging",
                source: "connection refused".into(),
            })
        };
        let (status, body) = ask(
            Parts {
                database,
                ..Parts::default()
            },
            "GET",
            "/health/detailed",
        )
        .await;
        assert_eq!(
            (status, &body["status"]),
            (StatusCode::SERVICE_UNAVAILABLE, &Value::from("unhealthy"))
        );
        let message = body["checks"]["database"]["message"].as_str().unwrap();
        assert!(message.contains("connection refused"), "{message}");
    }

    #[tokio::test]
    async fn ticks_that_cannot_be_made_durable_make_the_server_unhealthy() {
        let scheduler = SchedulerHealth {
            stalled: Some("disk full".to_owned()),
            ..healthy()
        };
        let (status, body) = ask(
            Parts {
                scheduler,
                ..Parts::default()
            },
            "GET",
            "/health/detailed",
        )
        .await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            body["checks"]["scheduler"]["message"]
                .as_str()
                .unwrap()
                .contains("disk full"),
            "{body}"
        );
    }

    async fn ask_in(phase: Phase, path: &str) -> (StatusCode, Value) {
        let parts = Parts {
            phase,
            ..Parts::default()
        };
        ask(parts, "GET", path).await
    }

    #[tokio::test]
    async fn a_server_that_starts_or_stops_is_alive_and_not_ready() {
        for phase in [Phase::Starting, Phase::Stopping] {
            let (status, body) = ask_in(phase, "/ready").await;
            assert_eq!(
                (status, &body["ready"]),
                (StatusCode::SERVICE_UNAVAILABLE, &Value::from(false))
            );
        }
        for phase in [Phase::Starting, Phase::Ready, Phase::Stopping] {
            assert_eq!(ask_in(phase, "/live").await.0, StatusCode::OK);
        }
        assert_eq!(ask_in(Phase::Ready, "/ready").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn jobs_that_cannot_run_make_the_server_unhealthy_with_the_reason() {
        let stalled = Parts {
            executor_stalls: || vec!["no job is claimed: the disk is full".to_owned()],
            ..Parts::default()
        };
        let (status, body) = ask(stalled, "GET", "/health/detailed").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(body["status"], "unhealthy");
        let check = &body["checks"]["executor"];
        assert_eq!(check["status"], "unhealthy", "{body}");
        assert_eq!(check["message"], "no job is claimed: the disk is full", "{body}");
    }

    #[tokio::test]
    async fn a_server_that_starts_says_so_and_has_no_checks_yet() {
        for path in ["/health", "/health/detailed"] {
            let (status, body) = ask_in(Phase::Starting, path).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(body["status"], "starting");
            assert_eq!(body["checks"], Value::Null);
        }
    }

    #[tokio::test]
    async fn an_unknown_path_and_method_are_answered_in_the_error_envelope() {
        let (status, body) = ask(Parts::default(), "GET", "/nowhere").await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (StatusCode::NOT_FOUND, &Value::from("NOT_FOUND"))
        );
        let (status, body) = ask(Parts::default(), "DELETE", "/health").await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(body["error"]["status"], 405);
    }

    async fn body(router: Router, path: &str) -> (StatusCode, String, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        let body = to_bytes(response.into_body(), 10_000_000).await.unwrap();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn requests_are_counted_by_the_template_of_their_route() {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let metrics = Arc::new(Metrics::new(Arc::clone(&clock) as _, "1.2.3"));
        let api = ApiState::new(Arc::clone(&clock) as _);
        let (open, _) = of_metrics().with_state(Arc::clone(&metrics)).split_for_parts();
        let router = router(Arc::new(ServerHealth::new(clock)), metrics, api);
        for path in [
            "/live",
            "/api/v1/jobs/00000000-0000-0000-0000-000000000001",
            "/api/v1/jobs/00000000-0000-0000-0000-000000000002",
            "/nowhere",
            "/somewhere/else",
        ] {
            body(router.clone(), path).await;
        }
        // Nobody can be asked for a token before the database is there.
        let (status, _, _) = body(router, "/metrics").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let (status, kind, text) = body(open.clone(), "/metrics/prometheus").await;
        assert_eq!(
            (status, &*kind),
            (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8")
        );
        let exposition = Exposition::parse(&text).unwrap();
        for (route, status, count) in [
            ("/live", "200", 1.0),
            ("/api/v1/jobs/{id}", "503", 2.0),
            ("unmatched", "404", 2.0),
        ] {
            let labels = [("method", "GET"), ("route", route), ("status", status)];
            assert_eq!(
                exposition.value("ratchet_http_requests_total", &labels),
                Some(count),
                "{text}"
            );
        }
        let (status, kind, text) = body(open, "/metrics").await;
        assert_eq!((status, &*kind), (StatusCode::OK, "application/json"));
        let json: Value = serde_json::from_str(&text).unwrap();
        let metrics = json["metrics"].as_array().unwrap();
        let requests = metrics
            .iter()
            .find(|metric| metric["name"] == "ratchet_http_requests_total");
        assert_eq!(requests.unwrap()["type"], "counter");
        assert_eq!(
            requests.unwrap()["samples"].as_array().unwrap().len(),
            4,
            "{requests:?}"
        );
    }
}
