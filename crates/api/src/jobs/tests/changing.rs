use axum::http::Method;
use ratchet_interfaces::{
    JobChanges, JobDeletion, JobPriority, JobStatistics, JobStatus, JobUpdate, ScheduleId, UnifiedJob,
};
use serde_json::{Value, json};

use super::{ALL, OTHER, id, is_raised, path, signals, stored, with};
use crate::test_support::{Answer, Mocks};

async fn patch(mocks: Mocks, body: Value) -> Answer {
    mocks.send(Method::PATCH, &path(), &[], Some(body)).await
}

#[tokio::test]
async fn what_is_given_of_a_job_that_waits_is_changed_and_those_who_run_jobs_are_told() {
    let mut mocks = with(stored());
    mocks
        .jobs
        .expect_job_update()
        .withf(|asked, changes| {
            let expected = JobChanges {
                priority: Some(JobPriority::High),
                max_retries: Some(None),
                timeout_seconds: Some(Some(60)),
                scheduled_for: Some(Some("2030-01-01T00:00:00Z".parse().unwrap())),
                run_after: Some("2030-01-01T00:00:00Z".parse().unwrap()),
                ..JobChanges::default()
            };
            *asked == id() && *changes == expected
        })
        .returning(|_, _| Ok(JobUpdate::Updated(Box::new(stored()))));
    let (available, _) = signals(&mocks);
    let body = json!({
        "priority": "HIGH", "maxRetries": null, "timeoutSeconds": 60, "scheduledFor": "2030-01-01T00:00:00Z"
    });
    let answer = patch(mocks, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(is_raised(&available).await);
}

#[tokio::test]
async fn a_job_that_runs_or_has_ended_is_not_changed() {
    let mut mocks = with(stored());
    mocks
        .jobs
        .expect_job_update()
        .returning(|_, _| Ok(JobUpdate::TooLate(JobStatus::Processing)));
    let answer = patch(mocks, json!({"priority": "LOW"})).await;
    assert!(answer.error(409, "CONFLICT").contains("is PROCESSING"));
}

#[tokio::test]
async fn what_does_not_go_with_a_job_is_refused_by_its_field() {
    let of_schedule = UnifiedJob {
        schedule_id: Some(OTHER.parse::<ScheduleId>().unwrap()),
        ..stored()
    };
    let answer = patch(with(of_schedule), json!({"scheduledFor": null})).await;
    assert!(
        answer
            .error(400, "VALIDATION_ERROR")
            .starts_with("scheduledFor: ")
    );
    let buffered = UnifiedJob {
        status: JobStatus::Buffered,
        ..stored()
    };
    let answer = patch(with(buffered), json!({"runAfter": "2030-01-01T00:00:00Z"})).await;
    assert!(answer.error(409, "CONFLICT").starts_with("runAfter: "));
    for (field, value) in [
        ("maxRetries", 101),
        ("timeoutSeconds", 604_801),
        ("timeoutSeconds", 0),
    ] {
        let answer = patch(with(stored()), json!({field: value})).await;
        let message = answer.error(400, "VALIDATION_ERROR");
        assert!(
            message.starts_with(&format!("{field}: {value} is not allowed")),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_job_is_deleted_unless_it_or_another_needs_it() {
    for (deletion, status, words) in [
        (
            JobDeletion::Deleted {
                task_id: None,
                schedule_id: None,
            },
            200,
            "",
        ),
        (
            JobDeletion::Unfinished(JobStatus::Queued),
            409,
            "is QUEUED: cancel it first",
        ),
        (JobDeletion::Undelivered(2), 409, "2 results"),
        (JobDeletion::AwaitedBy(OTHER.parse().unwrap()), 409, OTHER),
    ] {
        let mut mocks = Mocks::default();
        mocks.jobs.expect_job_delete().returning(move |_| Ok(deletion));
        let answer = mocks.send(Method::DELETE, &path(), &[], None).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status == 409 {
            assert!(answer.error(409, "CONFLICT").contains(words));
        }
    }
}

#[tokio::test]
async fn numbers_are_those_of_the_repository() {
    let mut mocks = Mocks::default();
    mocks.jobs.expect_job_statistics().returning(|_| {
        Ok(JobStatistics {
            total: 9,
            queued: 1,
            processing: 2,
            completed: 3,
            failed: 1,
            cancelled: 0,
            retrying: 1,
            mean_wait_micros: Some(1_500.0),
            created_since: 4,
        })
    });
    let answer = mocks.get(&format!("{ALL}/stats")).await;
    assert_eq!(
        answer.body["stats"],
        json!({
            "totalJobs": 9, "queuedJobs": 1, "processingJobs": 2, "completedJobs": 3, "failedJobs": 1,
            "cancelledJobs": 0, "retryingJobs": 1, "averageWaitTimeMs": 1.5, "jobsLast24h": 4
        })
    );
}
