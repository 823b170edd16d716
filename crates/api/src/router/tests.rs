use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use axum::body::Body;
use axum::http::{Method, Request};
use chrono::{DateTime, TimeDelta};
use ratchet_interfaces::{Clock, ManualClock, RepositoryError};

use super::*;
use crate::test_support::{Mocks, ask, request};

mod damaged;

const ID: &str = "00000000-0000-0000-0000-000000000001";

#[tokio::test]
async fn what_is_no_route_is_answered_in_the_envelope() {
    let missing = Mocks::default().get("/api/v1/colours").await;
    assert_eq!(missing.error(404, "NOT_FOUND"), "there is no /api/v1/colours");
    let method = Mocks::default()
        .send(Method::PUT, "/api/v1/schedules", &[], None)
        .await;
    assert_eq!(
        method.error(405, "METHOD_NOT_ALLOWED"),
        "/api/v1/schedules does not take PUT"
    );
    assert!(method.header("allow").contains("GET"), "{method:?}");
}

#[tokio::test]
async fn an_id_that_is_none_does_not_exist() {
    for id in ["seven", "7", "%20", "00000000-0000-0000-0000-00000000000g"] {
        let answer = Mocks::default().get(&format!("/api/v1/schedules/{id}")).await;
        answer.error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn an_error_that_the_sender_has_no_part_in_is_told_without_internals() {
    let mut mocks = Mocks::default();
    mocks.schedules.expect_schedule_find().returning(|_| {
        Err(RepositoryError::Refused {
            during: "looking for a schedule",
            source: "near SELECT: syntax error".into(),
        })
    });
    let answer = mocks.get(&format!("/api/v1/schedules/{ID}")).await;
    let message = answer.error(500, "INTERNAL_ERROR");
    assert!(
        !message.contains("SELECT") && !message.contains("looking"),
        "{message}"
    );
}

#[tokio::test]
async fn before_the_start_is_finished_and_after_the_stop_has_begun_there_is_no_service() {
    let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let router = router(ApiState::new(clock), OpenApiRouter::new(), OpenApiRouter::new());
    let answer = ask(router, request(Method::GET, "/api/v1/schedules", &[], None)).await;
    answer.error(503, "SERVICE_UNAVAILABLE");
}

#[tokio::test]
async fn a_request_of_a_page_of_elsewhere_is_refused() {
    let headers = [("host", "127.0.0.1:8080"), ("origin", "https://example.org")];
    let answer = Mocks::default()
        .send(Method::GET, "/api/v1/schedules", &headers, None)
        .await;
    assert!(answer.error(403, "FORBIDDEN").contains("https://example.org"));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered() {
    let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let state = ApiState::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let never = Router::new().route("/never", get(std::future::pending::<()>));
    let limited = never.layer(from_fn_with_state(state, guard::to_an_answer));
    let mut asked = pin!(ask(limited, request(Method::GET, "/never", &[], None)));
    poll_fn(|context| {
        assert!(asked.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    clock.advance(TimeDelta::seconds(30));
    let answer = asked.await;
    answer.error(408, "TIMEOUT");
}

#[tokio::test]
async fn a_request_that_ends_in_a_panic_is_answered() {
    // It does not expect to be called.
    let answer = Mocks::default().get(&format!("/api/v1/schedules/{ID}")).await;
    answer.error(500, "INTERNAL_ERROR");
}

#[tokio::test]
async fn a_hostile_body_is_refused_before_anything_is_done_with_it() {
    let send = async |body: Vec<u8>| {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/v1/schedules")
            .header("content-type", "application/json")
            .body(Body::from(body));
        ask(Mocks::default().router(), request.unwrap()).await
    };
    let deep = format!("{{\"input\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = send(deep.into_bytes()).await;
    assert!(deep.error(400, "BAD_REQUEST").contains("128"), "{deep:?}");
    let other = send(b"{\"name\": \"\xff\"}".to_vec()).await;
    assert!(other.error(400, "BAD_REQUEST").contains("UTF-8"), "{other:?}");
    let nul = send(b"{\"name\": \"a\\u0000\"}".to_vec()).await;
    assert!(
        nul.error(400, "VALIDATION_ERROR").starts_with("name: "),
        "{nul:?}"
    );
    let large = send(vec![b' '; MOST_BYTES + 1]).await;
    large.error(413, "PAYLOAD_TOO_LARGE");
}

async fn document() -> Value {
    let answer = Mocks::default().get("/api-docs/openapi.json").await;
    assert_eq!(answer.status, 200);
    answer.body
}

#[tokio::test]
async fn the_document_has_the_routes_below_the_prefix_and_resolves_its_references() {
    let document = document().await;
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/api/v1/schedules/{id}"), "{paths:?}");
    assert!(paths.keys().all(|path| path.starts_with("/api/v1/")), "{paths:?}");
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

/// A route that is taken away is missed by who uses it; a new one is added here, and to `docs/api.md`.
const ROUTES: [&str; 55] = [
    "get /api/v1/schedules",
    "post /api/v1/schedules",
    "post /api/v1/schedules/apply",
    "get /api/v1/schedules/export",
    "get /api/v1/schedules/stats",
    "post /api/v1/schedules/preview",
    "get /api/v1/schedules/{id}",
    "patch /api/v1/schedules/{id}",
    "delete /api/v1/schedules/{id}",
    "post /api/v1/schedules/{id}/enable",
    "post /api/v1/schedules/{id}/disable",
    "post /api/v1/schedules/{id}/trigger",
    "post /api/v1/schedules/{id}/backfill",
    "get /api/v1/schedules/{id}/next",
    "get /api/v1/schedules/{id}/ticks",
    "get /api/v1/jobs",
    "post /api/v1/jobs",
    "post /api/v1/jobs/retry",
    "get /api/v1/jobs/{id}",
    "post /api/v1/jobs/{id}/cancel",
    "post /api/v1/jobs/{id}/retry",
    "get /api/v1/jobs/{id}/deliveries",
    "get /api/v1/executions",
    "get /api/v1/executions/{id}",
    "get /api/v1/executions/{id}/logs",
    "post /api/v1/schedules/{id}/pause",
    "post /api/v1/schedules/{id}/resume",
    "get /api/v1/schedules/{id}/why",
    "get /api/v1/workers",
    "get /api/v1/workers/stats",
    "get /api/v1/jobs/stats",
    "patch /api/v1/jobs/{id}",
    "delete /api/v1/jobs/{id}",
    "post /api/v1/executions",
    "get /api/v1/executions/stats",
    "patch /api/v1/executions/{id}",
    "delete /api/v1/executions/{id}",
    "post /api/v1/executions/{id}/cancel",
    "post /api/v1/executions/{id}/retry",
    "get /api/v1/tasks",
    "post /api/v1/tasks",
    "get /api/v1/tasks/stats",
    "post /api/v1/tasks/sync",
    "get /api/v1/tasks/{id}",
    "patch /api/v1/tasks/{id}",
    "delete /api/v1/tasks/{id}",
    "post /api/v1/tasks/{id}/enable",
    "post /api/v1/tasks/{id}/disable",
    "get /api/v1/tokens",
    "post /api/v1/tokens",
    "delete /api/v1/tokens/{id}",
    "get /api/v1/audit",
    "get /api/v1/events",
    "get /api/v1/forecast",
    "get /api-docs/openapi.json",
];

#[tokio::test]
async fn the_document_has_these_routes() {
    let document = document().await;
    let mut found = vec![format!("get {}", document::PATH)];
    for (path, operations) in document["paths"].as_object().unwrap() {
        let methods = operations.as_object().unwrap().keys();
        found.extend(methods.map(|method| format!("{method} {path}")));
    }
    found.sort_unstable();
    let mut expected = ROUTES.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

fn collect_references(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value.as_str().filter(|_| key == "$ref") {
                    Some(reference) => references.push(reference.to_owned()),
                    None => collect_references(value, references),
                }
            }
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| collect_references(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_requires_what_a_body_must_have() {
    let document = document().await;
    let required = |schema: &str| document["components"]["schemas"][schema]["required"].clone();
    assert_eq!(
        required("CreateSchedule"),
        serde_json::json!(["taskId", "name", "cronExpression"])
    );
    assert_eq!(required("BackfillBody"), serde_json::json!(["from", "to"]));
    assert_eq!(required("CreateJob"), serde_json::json!(["taskId", "input"]));
    for optional in [
        "PatchSchedule",
        "PolicyChanges",
        "TriggerRequest",
        "CancelJob",
        "RetryJobs",
    ] {
        assert_eq!(required(optional), Value::Null, "{optional}");
    }
}

#[tokio::test]
async fn the_document_has_the_filters_and_sort_keys_of_a_list() {
    let document = document().await;
    let parameters = document["paths"]["/api/v1/schedules"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let of = |name: &str| parameters.iter().find(|parameter| parameter["name"] == name);
    for name in [
        "_start",
        "_end",
        "page",
        "limit",
        "_order",
        "taskId",
        "name_like",
        "nextRun_lte",
    ] {
        assert!(
            of(name).is_some_and(|parameter| parameter["in"] == "query"),
            "{name}"
        );
    }
    let states = &of("state").unwrap()["schema"]["enum"];
    assert_eq!(states, &serde_json::json!(["ACTIVE", "INVALID", "COMPLETED"]));
    let sorts = &of("_sort").unwrap()["schema"]["enum"];
    assert_eq!(sorts, &serde_json::json!(["name", "nextRun", "createdAt"]));
}
