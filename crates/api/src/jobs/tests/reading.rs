use ratchet_interfaces::{
    Bound, Choice, DependencyCondition, JobCondition, JobSort, JobStatus, Page, SortOrder, TaskErrorKind,
    UnifiedJob,
};
use serde_json::json;

use super::{ALL, ID, OTHER, TASK, path, stored, task_id, with};
use crate::test_support::{Mocks, now};

#[tokio::test]
async fn a_job_is_shown_with_all_that_is_known_of_it() {
    let job = UnifiedJob {
        status: JobStatus::Failed,
        attempts: 3,
        retry_count: 2,
        unique_key: Some("import".to_owned()),
        concurrency_key: Some("disk".to_owned()),
        error: Some("no space".to_owned()),
        error_kind: Some(TaskErrorKind::Timeout),
        started_at: Some(now()),
        completed_at: Some(now()),
        ..stored()
    };
    let answer = with(job).get(&path()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (field, value) in [
        ("id", json!(ID)),
        ("taskId", json!(TASK)),
        ("scheduleId", json!(null)),
        ("priority", json!("NORMAL")),
        ("status", json!("FAILED")),
        ("origin", json!("MANUAL")),
        ("attempts", json!(3)),
        ("retryCount", json!(2)),
        ("maxRetries", json!(null)),
        ("queuedAt", json!("2026-03-27T12:00:00Z")),
        ("scheduledFor", json!(null)),
        ("runAfter", json!("2026-03-27T12:00:00Z")),
        ("input", json!({"size": 1})),
        ("errorMessage", json!("no space")),
        ("errorKind", json!("TIMEOUT")),
        ("uniqueKey", json!("import")),
        ("concurrencyKey", json!("disk")),
        ("outputDestinations", json!([])),
        ("after", json!(null)),
    ] {
        assert_eq!(answer.body["data"][field], value, "{field}");
    }
}

#[tokio::test]
async fn a_job_is_shown_with_the_jobs_that_it_is_after() {
    let mut mocks = with(UnifiedJob {
        status: JobStatus::Blocked,
        after: Some(DependencyCondition::AnyFailed),
        ..stored()
    });
    mocks
        .jobs
        .expect_job_dependencies()
        .returning(|_| Ok(vec![OTHER.parse().unwrap()]));
    let answer = mocks.get(&path()).await;
    let job = &answer.body["data"];
    assert_eq!(job["status"], "BLOCKED", "{answer:?}");
    assert_eq!(
        job["after"],
        json!({"condition": "ANY_FAILED", "jobIds": [OTHER]})
    );
}

#[tokio::test]
async fn a_job_that_does_not_exist_is_named() {
    let answer = with(stored()).get(&format!("{ALL}/{OTHER}")).await;
    assert_eq!(
        answer.error(404, "NOT_FOUND"),
        format!("job {OTHER} does not exist")
    );
}

#[tokio::test]
async fn a_list_is_asked_for_as_the_query_says() {
    let mut mocks = Mocks::default();
    mocks
        .jobs
        .expect_job_list()
        .withf(|filter, sort, page| {
            let expected = [
                JobCondition::Status(Choice::IsOneOf(vec![JobStatus::Failed, JobStatus::Cancelled])),
                JobCondition::TaskId(Choice::Is(task_id())),
                JobCondition::ScheduleId(Choice::Is(OTHER.parse().unwrap())),
                JobCondition::QueuedAt(Bound::AtMost("2026-03-02T00:00:00Z".parse().unwrap())),
            ];
            filter.conditions() == expected
                && *sort == JobSort::Priority(SortOrder::Descending)
                && (page.offset(), page.limit()) == (10, 10)
        })
        .returning(|_, _, _| {
            Ok(Page {
                items: vec![stored()],
                total: 11,
            })
        });
    let query = format!(
        "status_in=failed,CANCELLED&task_id={TASK}&scheduleId={OTHER}&queued_at_lte=2026-03-02T00:00:00Z\
         &_sort=priority&_order=DESC&page=2&limit=10"
    );
    let answer = mocks.get(&format!("{ALL}?{query}")).await;
    assert_eq!(
        (answer.status, answer.header("content-range")),
        (200, "jobs 10-10/11"),
        "{answer:?}"
    );
    assert_eq!(answer.body["data"][0]["id"], ID);
}

#[tokio::test]
async fn a_filter_value_that_does_not_exist_is_refused_with_those_that_do() {
    let answer = Mocks::default().get(&format!("{ALL}?status=done")).await;
    let message = answer.error(400, "BAD_REQUEST");
    assert!(
        message.contains("\"done\"") && message.contains("BLOCKED"),
        "{message}"
    );
}
