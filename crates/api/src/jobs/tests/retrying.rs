use axum::http::Method;
use ratchet_interfaces::{Bound, Choice, JobCondition, JobStatus, UnifiedJob};
use serde_json::{Value, json};

use super::{ALL, ID, OTHER, TASK, id, is_raised, path_to, signals, stored, task_id, with};
use crate::test_support::{Answer, Mocks, now};

async fn retry(mocks: Mocks) -> Answer {
    mocks.send(Method::POST, &path_to("retry"), &[], None).await
}

async fn retry_many(mocks: Mocks, body: Value) -> Answer {
    mocks
        .send(Method::POST, &format!("{ALL}/retry"), &[], Some(body))
        .await
}

#[tokio::test]
async fn a_job_is_put_back_and_those_who_run_jobs_are_told() {
    let mut mocks = with(stored());
    mocks
        .jobs
        .expect_job_retry_many()
        .withf(|ids, _, at, _| ids == [id()] && *at == now())
        .returning(|ids, _, _, _| Ok(ids.to_vec()));
    let (available, _) = signals(&mocks);
    let answer = retry(mocks).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["data"]["job"]["status"], "QUEUED");
    assert!(is_raised(&available).await);
}

#[tokio::test]
async fn a_job_that_cannot_be_put_back_is_a_conflict_that_says_why() {
    for (status, key, words) in [
        (JobStatus::Processing, None, "is PROCESSING: only one"),
        (JobStatus::Completed, Some("import"), "is COMPLETED: only one"),
        (JobStatus::Failed, Some("import"), OTHER),
    ] {
        let mut mocks = with(UnifiedJob {
            status,
            unique_key: key.map(str::to_owned),
            ..stored()
        });
        mocks
            .jobs
            .expect_job_retry_many()
            .returning(|_, _, _, _| Ok(Vec::new()));
        mocks
            .jobs
            .expect_job_find_by_unique_key()
            .returning(|_| Ok(Some(OTHER.parse().unwrap())));
        let answer = retry(mocks).await;
        let message = answer.error(409, "CONFLICT");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn a_job_that_does_not_exist_is_not_put_back() {
    let mut mocks = Mocks::default();
    mocks.jobs.expect_job_find().returning(|_| Ok(None));
    retry(mocks).await.error(404, "NOT_FOUND");
}

#[tokio::test]
async fn failed_jobs_are_put_back_together_and_named() {
    let mut mocks = Mocks::default();
    mocks
        .jobs
        .expect_job_retry_many()
        .withf(|ids, filter, _, limit| {
            ids.is_empty()
                && *limit == 10
                && filter.conditions()
                    == [
                        JobCondition::TaskId(Choice::Is(task_id())),
                        JobCondition::ScheduleId(Choice::Is(OTHER.parse().unwrap())),
                        JobCondition::QueuedAt(Bound::Before(now())),
                    ]
        })
        .returning(|_, _, _, _| Ok(vec![id()]));
    let body =
        json!({"taskId": TASK, "scheduleId": OTHER, "queuedBefore": "2026-03-27T12:00:00Z", "limit": 10});
    let answer = retry_many(mocks, body).await;
    assert_eq!(
        answer.body["data"],
        json!({"retried": 1, "jobIds": [ID]}),
        "{answer:?}"
    );
}

#[tokio::test]
async fn the_limit_of_jobs_that_are_put_back_together_has_bounds() {
    for limit in [0, 1_001] {
        let answer = retry_many(Mocks::default(), json!({"limit": limit})).await;
        assert!(answer.error(400, "VALIDATION_ERROR").starts_with("limit: "));
    }
}
