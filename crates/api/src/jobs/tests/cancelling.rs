use axum::http::Method;
use ratchet_interfaces::{Cancellation, JobStatus, RepositoryError, UnifiedJob};
use serde_json::{Value, json};

use super::{ID, id, is_raised, path_to, signals, stored, with};
use crate::test_support::{Answer, Mocks};

async fn cancel(mocks: Mocks, body: Option<Value>) -> Answer {
    mocks.send(Method::POST, &path_to("cancel"), &[], body).await
}

fn with_answer(answer: Cancellation, status: JobStatus, reason: &'static str, terminates: bool) -> Mocks {
    let mut mocks = with(UnifiedJob { status, ..stored() });
    mocks
        .jobs
        .expect_job_cancel()
        .withf(move |request| {
            (request.job_id, request.terminates, &*request.reason) == (id(), terminates, reason)
        })
        .returning(move |_| Ok(answer.clone()));
    mocks
}

#[tokio::test]
async fn a_job_is_called_off_and_those_who_run_jobs_are_told() {
    let cancelled = Cancellation::Cancelled {
        was_running: false,
        changed: Vec::new(),
    };
    for (body, reason, terminates) in [
        (None, "cancelled over the API", false),
        (
            Some(json!({"reason": "no need", "terminate": true})),
            "no need",
            true,
        ),
    ] {
        let mocks = with_answer(cancelled.clone(), JobStatus::Cancelled, reason, terminates);
        let (available, stopping) = signals(&mocks);
        let answer = cancel(mocks, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let data = &answer.body["data"];
        assert_eq!(data["message"], format!("job {ID} was cancelled"));
        assert_eq!(
            (&data["success"], &data["job"]["status"]),
            (&json!(true), &json!("CANCELLED"))
        );
        assert!(is_raised(&available).await && is_raised(&stopping).await);
    }
}

#[tokio::test]
async fn a_job_that_runs_is_said_to_have_been_asked() {
    let mocks = with_answer(
        Cancellation::Asked,
        JobStatus::Processing,
        "cancelled over the API",
        false,
    );
    let answer = cancel(mocks, Some(json!({}))).await;
    let data = &answer.body["data"];
    assert!(
        data["message"].as_str().unwrap().contains("was asked to stop"),
        "{answer:?}"
    );
    assert_eq!(data["job"]["status"], "PROCESSING");
}

#[tokio::test]
async fn a_job_that_has_ended_is_a_conflict_that_says_how() {
    let completed = Cancellation::Final(JobStatus::Completed);
    let mocks = with_answer(completed, JobStatus::Completed, "cancelled over the API", false);
    let answer = cancel(mocks, None).await;
    assert!(answer.error(409, "CONFLICT").contains("is COMPLETED"));
}

#[tokio::test]
async fn a_job_that_does_not_exist_cannot_be_called_off() {
    let mut mocks = Mocks::default();
    mocks.jobs.expect_job_cancel().returning(|request| {
        Err(RepositoryError::NotFound {
            what: "job",
            id: request.job_id.to_string(),
        })
    });
    assert!(cancel(mocks, None).await.error(404, "NOT_FOUND").contains(ID));
}

#[tokio::test]
async fn a_reason_that_is_empty_or_too_long_is_refused() {
    for reason in [String::new(), "a".repeat(1_001)] {
        let answer = cancel(Mocks::default(), Some(json!({"reason": reason}))).await;
        assert!(answer.error(400, "VALIDATION_ERROR").starts_with("reason: "));
    }
}
