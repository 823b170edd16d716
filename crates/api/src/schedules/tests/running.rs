use axum::http::Method;
use ratchet_interfaces::{
    BackfillOrder, BackfillReport, BackfillRequest, JobOrigin, SchedulerError, UnifiedJob, ValidationIssue,
};
use serde_json::{Value, json};

use super::{ID, nightly, path_to, task, task_id, with_nightly};
use crate::test_support::{Mocks, now};

fn with_trigger(mut mocks: Mocks) -> Mocks {
    mocks.scheduler.expect_trigger_now().returning(|id, input| {
        Ok(UnifiedJob {
            schedule_id: Some(id),
            origin: JobOrigin::Trigger,
            ..UnifiedJob::new(task_id(), input.unwrap_or(nightly().input), now())
        })
    });
    mocks
}

async fn trigger(mocks: Mocks, body: Option<Value>) -> crate::test_support::Answer {
    mocks.send(Method::POST, &path_to("trigger"), &[], body).await
}

#[tokio::test]
async fn a_trigger_answers_with_the_job_and_its_input() {
    for (body, input) in [
        (None, json!({"size": 1})),
        (Some(json!({})), json!({"size": 1})),
        (Some(json!({"input": {"size": 2}})), json!({"size": 2})),
    ] {
        let answer = trigger(with_trigger(with_nightly().and_task(task())), body).await;
        let data = &answer.body["data"];
        assert_eq!(
            (answer.status, &data["success"]),
            (200, &json!(true)),
            "{answer:?}"
        );
        assert!(data["message"].as_str().unwrap().contains("nightly"));
        assert_eq!(data["job"]["input"], input);
        assert_eq!(data["job"]["scheduleId"], ID);
        assert_eq!(data["job"]["status"], "QUEUED");
        assert_eq!(data["job"]["origin"], "TRIGGER");
    }
}

#[tokio::test]
async fn a_trigger_with_an_input_that_is_not_to_the_tasks_liking_makes_no_job() {
    let mut mocks = with_nightly();
    mocks.tasks.expect_task_find().returning(|_| Ok(Some(task())));
    mocks.validator.expect_validate_input().returning(|_, _| {
        vec![ValidationIssue {
            task: "import".to_owned(),
            field: "/size".to_owned(),
            message: "\"x\" is no number".to_owned(),
        }]
    });
    let answer = trigger(mocks, Some(json!({"input": {"size": "x"}}))).await;
    assert!(answer.error(400, "VALIDATION_ERROR").starts_with("input: /size"));
}

#[tokio::test]
async fn a_backfill_is_asked_for_with_its_defaults_and_reported() {
    let mut mocks = with_nightly();
    mocks
        .scheduler
        .expect_backfill()
        .withf(|_, request| {
            *request
                == BackfillRequest {
                    from: "2026-03-01T00:00:00Z".parse().unwrap(),
                    to: "2026-03-03T00:00:00Z".parse().unwrap(),
                    order: BackfillOrder::NewestFirst,
                    max_count: 1_000,
                    per_minute: None,
                    only_missing: true,
                    input: None,
                    by: "api".to_owned(),
                    note: None,
                }
        })
        .returning(|_, request| {
            Ok(BackfillReport {
                request: Some(1),
                jobs: 2,
                range: Some((request.from, request.to)),
                had_jobs: 0,
                beyond_max: 0,
                last_start: Some(now()),
            })
        });
    let body = json!({"from": "2026-03-01T00:00:00Z", "to": "2026-03-03T00:00:00Z", "order": "NEWEST_FIRST"});
    let answer = mocks
        .send(Method::POST, &path_to("backfill"), &[], Some(body))
        .await;
    let report = &answer.body["data"];
    assert_eq!(
        (&report["jobs"], &report["request"]),
        (&json!(2), &json!(1)),
        "{answer:?}"
    );
    assert_eq!(report["first"], "2026-03-01T00:00:00Z");
}

#[tokio::test]
async fn a_backfill_that_cannot_be_is_refused_with_the_field() {
    let mut mocks = with_nightly();
    mocks.scheduler.expect_backfill().returning(|_, request| {
        Err(SchedulerError::InvalidRequest {
            field: "to",
            value: request.to.to_rfc3339(),
            rule: "it must not be in the future".to_owned(),
        })
    });
    let body = json!({"from": "2026-03-01T00:00:00Z", "to": "2027-03-03T00:00:00Z"});
    let answer = mocks
        .send(Method::POST, &path_to("backfill"), &[], Some(body))
        .await;
    assert!(answer.error(400, "VALIDATION_ERROR").starts_with("to: "));
    let answer = with_nightly()
        .send(Method::POST, &path_to("backfill"), &[], Some(json!({})))
        .await;
    assert!(answer.error(422, "VALIDATION_ERROR").contains("from"));
}
