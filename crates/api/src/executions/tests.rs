mod listing;

use axum::http::Method;
use chrono::TimeDelta;
use ratchet_interfaces::{
    Bound, Cancellation, Choice, Deleted, DeletionEvent, Event, Execution, ExecutionCondition,
    ExecutionDeletion, ExecutionFilter, ExecutionId, ExecutionLogLine, ExecutionSort, ExecutionStatistics,
    ExecutionStatus, JobCreation, JobId, JobStatus, LogCondition, LogLevel, NodeId, Page, Progress,
    RepositoryError, SortOrder, Task, TaskDefinition, TaskErrorKind, UnifiedJob,
};
use serde_json::{Value, json};

use crate::test_support::{Mocks, now};

const ALL: &str = "/api/v1/executions";
const ID: &str = "00000000-0000-0000-0000-000000000001";
const JOB: &str = "00000000-0000-0000-0000-000000000002";
const OTHER_JOB: &str = "00000000-0000-0000-0000-000000000003";
const TASK: &str = "00000000-0000-0000-0000-0000000000aa";

fn path() -> String {
    format!("{ALL}/{ID}")
}

/// The second attempt, which failed.
fn failed() -> Execution {
    Execution {
        id: ID.parse().unwrap(),
        job_id: JOB.parse().unwrap(),
        attempt: 2,
        status: ExecutionStatus::Failed,
        input: json!({"size": 1}),
        output: None,
        error: Some("no space".to_owned()),
        error_kind: Some(TaskErrorKind::Task),
        progress: Some(Progress {
            percent: 50.0,
            message: Some("half".to_owned()),
        }),
        started_at: now(),
        completed_at: Some(now() + TimeDelta::milliseconds(1_500)),
        duration: Some(TimeDelta::milliseconds(1_500)),
        node: NodeId::new(),
    }
}

fn job(status: JobStatus, attempts: u32) -> UnifiedJob {
    UnifiedJob {
        id: JOB.parse().unwrap(),
        status,
        attempts,
        ..UnifiedJob::new(TASK.parse().unwrap(), json!({}), now())
    }
}

fn with(execution: Execution, job: Option<UnifiedJob>) -> Mocks {
    let mut mocks = Mocks::default();
    mocks
        .executions
        .expect_execution_find()
        .returning(move |id| Ok((id == execution.id).then(|| execution.clone())));
    mocks
        .jobs
        .expect_job_find()
        .returning(move |id| Ok(job.clone().filter(|job| job.id == id)));
    mocks
}

#[tokio::test]
async fn an_execution_is_shown_with_the_task_of_its_job() {
    let answer = with(failed(), Some(job(JobStatus::Failed, 2))).get(&path()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (field, value) in [
        ("id", json!(ID)),
        ("uuid", json!(ID)),
        ("jobId", json!(JOB)),
        ("taskId", json!(TASK)),
        ("attempt", json!(2)),
        ("status", json!("FAILED")),
        ("input", json!({"size": 1})),
        ("output", json!(null)),
        ("errorMessage", json!("no space")),
        ("errorKind", json!("TASK")),
        ("progress", json!({"percent": 50.0, "message": "half"})),
        ("queuedAt", json!("2026-03-27T12:00:00Z")),
        ("startedAt", json!("2026-03-27T12:00:00Z")),
        ("completedAt", json!("2026-03-27T12:00:01.500Z")),
        ("durationMs", json!(1_500)),
    ] {
        assert_eq!(answer.body["data"][field], value, "{field}");
    }
}

#[tokio::test]
async fn what_can_be_done_with_an_execution_is_what_can_be_done_with_its_job() {
    let running = Execution {
        status: ExecutionStatus::Running,
        ..failed()
    };
    for (execution, job, can_retry, can_cancel) in [
        (failed(), Some(job(JobStatus::Failed, 2)), true, false),
        (failed(), Some(job(JobStatus::Cancelled, 2)), true, false),
        (failed(), Some(job(JobStatus::Failed, 3)), false, false),
        (failed(), Some(job(JobStatus::Retrying, 2)), false, false),
        (failed(), None, false, false),
        (running, Some(job(JobStatus::Processing, 2)), false, true),
    ] {
        let words = format!("{execution:?} {job:?}");
        let answer = with(execution, job).get(&path()).await;
        let execution = &answer.body["data"];
        assert_eq!(
            (&execution["canRetry"], &execution["canCancel"]),
            (&json!(can_retry), &json!(can_cancel)),
            "{words}"
        );
    }
}

#[tokio::test]
async fn an_execution_whose_job_was_deleted_meanwhile_is_shown_without_what_the_job_knew() {
    let answer = with(failed(), None).get(&path()).await;
    let execution = &answer.body["data"];
    assert_eq!(
        (answer.status, &execution["taskId"], &execution["queuedAt"]),
        (200, &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn an_execution_that_does_not_exist_is_named() {
    for path in [format!("{ALL}/{JOB}"), format!("{ALL}/{JOB}/logs")] {
        let answer = with(failed(), None).get(&path).await;
        assert_eq!(
            answer.error(404, "NOT_FOUND"),
            format!("execution {JOB} does not exist")
        );
    }
}

#[tokio::test]
async fn each_filter_reaches_the_repository_and_all_jobs_are_read_together() {
    let mut mocks = Mocks::default();
    mocks
        .executions
        .expect_execution_list()
        .withf(|filter, sort, page| {
            let expected = [
                ExecutionCondition::JobId(Choice::Is(JOB.parse().unwrap())),
                ExecutionCondition::Status(Choice::Is(ExecutionStatus::Failed)),
            ];
            filter.conditions() == expected
                && *sort == ExecutionSort::CompletedAt(SortOrder::Ascending)
                && (page.offset(), page.limit()) == (25, 25)
        })
        .returning(|_, _, _| {
            let of_another = Execution {
                job_id: OTHER_JOB.parse().unwrap(),
                ..failed()
            };
            Ok(Page {
                items: vec![failed(), failed(), of_another],
                total: 28,
            })
        });
    mocks
        .jobs
        .expect_job_find_many()
        .withf(|ids| ids.len() == 2)
        .returning(|_| Ok(vec![job(JobStatus::Failed, 2)]));
    let query = format!("job_id={JOB}&status=failed&_sort=completedAt&page=2");
    let answer = mocks.get(&format!("{ALL}?{query}")).await;
    assert_eq!(
        (answer.status, answer.header("content-range")),
        (200, "executions 25-27/28"),
        "{answer:?}"
    );
    let tasks: Vec<&Value> = (0..3)
        .map(|place| &answer.body["data"][place]["taskId"])
        .collect();
    assert_eq!(tasks, [&json!(TASK), &json!(TASK), &Value::Null]);
}

#[tokio::test]
async fn a_sort_key_and_a_filter_that_the_list_does_not_have_are_refused() {
    for query in ["_sort=durationMs", "taskId=7", "status=QUEUED", "durationMs=1"] {
        let answer = Mocks::default().get(&format!("{ALL}?{query}")).await;
        answer.error(400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn a_log_is_shown_in_pages() {
    let mut mocks = with(failed(), None);
    mocks
        .executions
        .expect_execution_log_list()
        .withf(|id, filter, page| {
            *id == ID.parse::<ExecutionId>().unwrap()
                && filter.conditions() == [LogCondition::Level(Bound::AtLeast(LogLevel::Warn))]
                && (page.offset(), page.limit()) == (2, 1)
        })
        .returning(|execution_id, _, _| {
            let line = ExecutionLogLine {
                execution_id,
                seq: 2,
                at: now(),
                level: LogLevel::Warn,
                message: "little space".to_owned(),
            };
            Ok(Page {
                items: vec![line],
                total: 5,
            })
        });
    let answer = mocks
        .get(&format!("{}/logs?level_gte=warn&_start=2&_end=3", path()))
        .await;
    assert_eq!(
        (answer.status, answer.header("content-range")),
        (200, "lines 2-2/5"),
        "{answer:?}"
    );
    assert_eq!(
        answer.body["data"],
        json!([{"seq": 2, "timestamp": "2026-03-27T12:00:00Z", "level": "WARN", "message": "little space"}])
    );
}

/// With this job, and no attempt at it.
fn not_begun(job: UnifiedJob) -> Mocks {
    let mut mocks = Mocks::default();
    mocks.executions.expect_execution_find().returning(|_| Ok(None));
    mocks
        .jobs
        .expect_job_find()
        .returning(move |id| Ok(Some(job.clone()).filter(|job| job.id == id)));
    mocks
}

#[tokio::test]
async fn an_execution_that_has_not_begun_has_the_id_of_its_job() {
    let answer = not_begun(job(JobStatus::Queued, 0))
        .get(&format!("{ALL}/{JOB}"))
        .await;
    let execution = &answer.body["data"];
    for (field, value) in [
        ("id", json!(JOB)),
        ("jobId", json!(JOB)),
        ("status", json!("PENDING")),
        ("attempt", json!(1)),
        ("startedAt", json!(null)),
        ("node", json!(null)),
        ("httpRequests", json!(null)),
        ("canCancel", json!(true)),
    ] {
        assert_eq!(execution[field], value, "{field}: {answer:?}");
    }
    let log = not_begun(job(JobStatus::Queued, 0))
        .get(&format!("{ALL}/{JOB}/logs"))
        .await;
    assert_eq!((log.status, &log.body["data"]), (200, &json!([])));
}

#[tokio::test]
async fn the_id_of_a_job_leads_to_its_last_execution() {
    let mut mocks = not_begun(job(JobStatus::Failed, 2));
    mocks
        .executions
        .expect_execution_list()
        .withf(|filter, _, page| {
            let of_job = ExecutionCondition::JobId(Choice::Is(JOB.parse().unwrap()));
            *filter == ExecutionFilter::of([of_job]) && page.limit() == 1
        })
        .returning(|_, _, _| {
            Ok(Page {
                items: vec![failed()],
                total: 2,
            })
        });
    let answer = mocks.get(&format!("{ALL}/{JOB}")).await;
    let execution = &answer.body["data"];
    assert_eq!(
        (&execution["id"], &execution["status"]),
        (&json!(ID), &json!("FAILED"))
    );
}

#[tokio::test]
async fn an_execution_is_created_by_a_job_that_runs_at_once() {
    let mut mocks = Mocks::default();
    mocks.tasks.expect_task_find().returning(|id| {
        let definition = TaskDefinition::new(id, "report", "1", "builtin");
        Ok(Some(Task::new(definition, "files", now())))
    });
    mocks
        .validator
        .expect_validate_input()
        .returning(|_, _| Vec::new());
    mocks
        .jobs
        .expect_job_create_many()
        .withf(|jobs, dependencies| {
            dependencies.is_empty() && jobs[0].run_after == now() && jobs[0].input == json!({"size": 1})
        })
        .returning(|_, _| Ok(vec![JobCreation::Created(JobStatus::Queued)]));
    let available = mocks.jobs_available.clone();
    let body = json!({"taskId": TASK, "input": {"size": 1}});
    let answer = mocks.send(Method::POST, ALL, &[], Some(body)).await;
    assert_eq!(
        (answer.status, &answer.body["data"]["status"]),
        (201, &json!("PENDING")),
        "{answer:?}"
    );
    let id = answer.body["data"]["jobId"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("{ALL}/{id}"));
    available.arm().await;
}

#[tokio::test]
async fn an_execution_is_a_record_that_can_only_be_cancelled() {
    for (body, words) in [
        (json!({"output": 7}), "output: "),
        (json!({"status": "COMPLETED"}), "status: \"COMPLETED\""),
    ] {
        let answer = with(failed(), Some(job(JobStatus::Failed, 2)))
            .send(Method::PATCH, &path(), &[], Some(body))
            .await;
        let message = answer.error(400, "VALIDATION_ERROR");
        assert!(message.starts_with(words), "{message}");
    }
    let ended = with(failed(), Some(job(JobStatus::Retrying, 2)))
        .send(Method::POST, &format!("{}/cancel", path()), &[], None)
        .await;
    assert!(ended.error(409, "CONFLICT").contains("has ended"));
    let mut mocks = not_begun(job(JobStatus::Queued, 0));
    mocks.jobs.expect_job_cancel().returning(|_| {
        Ok(Cancellation::Cancelled {
            was_running: false,
            changed: Vec::new(),
        })
    });
    let body = Some(json!({"status": "cancelled", "colour": "blue"}));
    let answer = mocks
        .send(Method::PATCH, &format!("{ALL}/{JOB}"), &[], body)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn an_execution_that_is_not_its_job_s_last_is_not_retried() {
    let answer = with(failed(), Some(job(JobStatus::Failed, 3)))
        .send(Method::POST, &format!("{}/retry", path()), &[], None)
        .await;
    assert!(answer.error(409, "CONFLICT").contains("retry the last"));
}

#[tokio::test]
async fn an_execution_is_deleted_unless_its_results_are_needed() {
    for (deletion, status) in [
        (
            ExecutionDeletion::Deleted {
                job_id: Some(JOB.parse().unwrap()),
                task_id: None,
                schedule_id: None,
            },
            200,
        ),
        (ExecutionDeletion::Running, 409),
        (ExecutionDeletion::Undelivered(1), 409),
    ] {
        let mut mocks = with(failed(), None);
        let heard = mocks.heard();
        mocks
            .executions
            .expect_execution_delete()
            .returning(move |_| Ok(deletion));
        let answer = mocks.send(Method::DELETE, &path(), &[], None).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let told = Event::Deletion(DeletionEvent {
            job_id: Some(JOB.parse().unwrap()),
            execution_id: Some(failed().id),
            ..DeletionEvent::of(Deleted::Execution, 1, now())
        });
        let told = (status == 200).then_some(told);
        assert_eq!(heard.events(), told.into_iter().collect::<Vec<_>>());
    }
    let answer = not_begun(job(JobStatus::Queued, 0))
        .send(Method::DELETE, &format!("{ALL}/{JOB}"), &[], None)
        .await;
    assert!(answer.error(409, "CONFLICT").contains("is the id of a job"));
}

#[tokio::test]
async fn the_rate_of_success_is_of_those_that_completed_or_failed() {
    let mut mocks = Mocks::default();
    mocks.executions.expect_execution_statistics().returning(|_| {
        Ok(ExecutionStatistics {
            pending: 5,
            running: 1,
            completed: 3,
            failed: 1,
            cancelled: 2,
            mean_duration_micros: Some(2_000.0),
            started_since: 6,
        })
    });
    let answer = mocks.get(&format!("{ALL}/stats")).await;
    assert_eq!(
        answer.body["stats"],
        json!({
            "totalExecutions": 7, "pendingExecutions": 5, "runningExecutions": 1, "completedExecutions": 3,
            "failedExecutions": 1, "cancelledExecutions": 2, "averageDurationMs": 2.0, "successRate": 0.75,
            "executionsLast24h": 6
        })
    );
}
