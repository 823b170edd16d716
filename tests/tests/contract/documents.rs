//! The documents, and the numbers about the server.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::client::{get, send};
use crate::document::{document, operations};
use crate::envelopes::is_instant;
use crate::made::{Made, job_until};

#[test]
pub(crate) fn the_document_of_the_api_is_complete() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"]
                .as_str()
                .unwrap_or_else(|| panic!("{method} {path} has no id"));
            assert!(ids.insert(id), "{id} is the id of two operations");
            let answers = operation["responses"].as_object().unwrap();
            assert!(
                answers.keys().any(|status| status.starts_with('2')),
                "{method} {path} has no success"
            );
        }
    }
    // Nothing is referred to that is not there.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let place = reference.split('"').next().unwrap();
        assert!(document.pointer(place).is_some(), "{place} does not exist");
    }
}

#[test]
pub(crate) fn the_document_has_a_key_for_every_post() {
    for operation in operations()
        .iter()
        .filter(|operation| operation.path.starts_with("/api/v1"))
    {
        let takes_key = operation.takes_header("Idempotency-Key");
        assert_eq!(
            takes_key,
            operation.method == "POST",
            "{} {}",
            operation.method,
            operation.path
        );
    }
}

/// What anybody may put anything into.
const ANYTHING: [&str; 6] = [
    "input",
    "output",
    "inputSchema",
    "outputSchema",
    "metadata",
    "labels",
];

#[test]
pub(crate) fn an_example_has_the_fields_that_an_answer_has() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    made.schedule(&task, &json!({}));
    job_until(&made.job(&task, &json!({})), "COMPLETED");
    let mut compared = 0;
    // What is exported is left out where it is at its default.
    for operation in operations().iter().filter(|operation| {
        operation.method == "GET" && !operation.is_of_one() && !operation.path.ends_with("/export")
    }) {
        let Some(example) = operation.answer() else {
            continue;
        };
        let answer = send("GET", operation.path, &[], None).expect(200).body;
        assert_same_fields(operation.path, example, &answer);
        compared += 1;
    }
    assert!(compared > 12, "{compared}");
}

/// That two values have the same fields, as far as both have any.
fn assert_same_fields(place: &str, example: &Value, answer: &Value) {
    match (example, answer) {
        (Value::Object(example), Value::Object(answer)) => {
            let names = |object: &Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(example), names(answer), "{place}");
            for (name, value) in example
                .iter()
                .filter(|(name, _)| !ANYTHING.contains(&name.as_str()))
            {
                assert_same_fields(&format!("{place} {name}"), value, &answer[name]);
            }
        }
        (Value::Array(example), Value::Array(answer)) => {
            if let (Some(example), Some(answer)) = (example.first(), answer.first()) {
                assert_same_fields(place, example, answer);
            }
        }
        _ => {}
    }
}

#[test]
pub(crate) fn the_page_of_the_document_has_its_title() {
    let page = send("GET", "/docs", &[], None).expect(200);
    assert!(page.headers["content-type"].starts_with("text/html"), "{page:?}");
    assert!(
        page.text.contains("<title>Ratchet API Documentation</title>"),
        "{page:?}"
    );
    assert!(page.text.contains("swagger-ui"), "{page:?}");
}

#[test]
pub(crate) fn metrics_are_those_of_what_really_happens() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let attempts = || {
        let metrics = send("GET", "/metrics/prometheus", &[], None).expect(200);
        assert!(metrics.headers["content-type"].starts_with("text/plain") || metrics.text.contains("# TYPE"));
        let of_attempts = metrics
            .text
            .lines()
            .filter(|line| line.starts_with("ratchet_job_wait_seconds_count"));
        let numbers = of_attempts.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
        numbers.sum::<f64>()
    };
    let before = attempts();
    job_until(&made.job(&task, &json!({})), "COMPLETED");
    assert!(attempts() > before, "a job was run, and is not counted");
    let metrics = send("GET", "/metrics", &[], None).expect(200);
    assert!(metrics.body.is_object(), "{metrics:?}");
    is_instant(&get("/jobs/stats").expect(200).body["timestamp"]);
}
