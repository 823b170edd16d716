use axum::http::Method;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    DependencyCondition, JobCreation, JobPriority, JobStatus, RepositoryError, Task, TaskDefinition,
    UnifiedJob, ValidationIssue,
};
use serde_json::{Value, json};

use super::{ALL, ID, OTHER, TASK, is_raised, signals, stored, task_id};
use crate::test_support::{Answer, Mocks, now};

fn task() -> Task {
    Task::new(
        TaskDefinition::new(task_id(), "import", "1.0.0", "builtin"),
        "embedded",
        now(),
    )
}

fn with_task(task: Task) -> Mocks {
    let mut mocks = Mocks::default();
    mocks
        .tasks
        .expect_task_find()
        .returning(move |id| Ok((id == task.definition.id).then(|| task.clone())));
    mocks
        .validator
        .expect_validate_input()
        .returning(|_, _| Vec::new());
    mocks
}

fn new_with(field: &str, value: Value) -> Value {
    let mut body = json!({"taskId": TASK, "input": {"size": 1}});
    body[field] = value;
    body
}

async fn create(mocks: Mocks, body: Value) -> Answer {
    mocks.send(Method::POST, ALL, &[], Some(body)).await
}

#[tokio::test]
async fn a_job_is_stored_as_it_was_asked_for_and_those_who_run_jobs_are_told() {
    let mut mocks = with_task(task());
    mocks.output.expect_check().returning(|_| None);
    mocks
        .jobs
        .expect_job_create_many()
        .withf(|jobs, dependencies| {
            let job = &jobs[0];
            jobs.len() == 1
                && dependencies.is_empty()
                && job.priority == JobPriority::High
                && job.run_after == "2026-04-01T06:00:00.123456Z".parse::<DateTime<Utc>>().unwrap()
                && job.timeout_seconds == Some(60)
                && job.output_destinations.len() == 1
        })
        .returning(|_, _| Ok(vec![JobCreation::Created(JobStatus::Queued)]));
    let (available, stopping) = signals(&mocks);
    let body = json!({
        "taskId": TASK, "input": {"size": 2}, "priority": "high", "maxRetries": 0, "timeoutSeconds": 60,
        "scheduledFor": "2026-04-01T06:00:00.123456789Z", "uniqueKey": "import", "concurrencyKey": "disk",
        "outputDestinations": [{"destinationType": "stdio", "stdio": {}}], "colour": "blue",
    });
    let answer = create(mocks, body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let job = &answer.body["data"];
    for (field, value) in [
        ("status", json!("QUEUED")),
        ("origin", json!("MANUAL")),
        ("input", json!({"size": 2})),
        ("priority", json!("HIGH")),
        ("maxRetries", json!(0)),
        ("scheduledFor", json!("2026-04-01T06:00:00.123456Z")),
        ("runAfter", json!("2026-04-01T06:00:00.123456Z")),
        ("uniqueKey", json!("import")),
        ("concurrencyKey", json!("disk")),
    ] {
        assert_eq!(job[field], value, "{field}");
    }
    assert_eq!(
        answer.header("location"),
        format!("{ALL}/{}", job["id"].as_str().unwrap())
    );
    assert!(is_raised(&available).await && !is_raised(&stopping).await);
}

#[tokio::test]
async fn a_job_runs_after_the_later_of_now_and_what_was_asked_for() {
    for (body, run_after) in [
        (json!({}), "2026-03-27T12:00:00Z"),
        (
            json!({"scheduledFor": "2026-03-01T00:00:00Z"}),
            "2026-03-27T12:00:00Z",
        ),
        (
            json!({"runAfter": "2026-05-01T00:00:00Z"}),
            "2026-05-01T00:00:00Z",
        ),
        (
            json!({"scheduledFor": "2026-06-01T00:00:00Z", "runAfter": "2026-05-01T00:00:00Z"}),
            "2026-05-01T00:00:00Z",
        ),
    ] {
        let mut mocks = with_task(task());
        mocks
            .jobs
            .expect_job_create_many()
            .returning(|_, _| Ok(vec![JobCreation::Created(JobStatus::Queued)]));
        let mut new = new_with("input", json!({}));
        new.as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        let answer = create(mocks, new).await;
        assert_eq!(answer.body["data"]["runAfter"], run_after, "{body}: {answer:?}");
    }
}

#[tokio::test]
async fn a_job_after_others_is_answered_as_those_stand() {
    let mut mocks = with_task(task());
    mocks
        .jobs
        .expect_job_create_many()
        .withf(|jobs, dependencies| {
            jobs[0].after == Some(DependencyCondition::AllFinished)
                && dependencies[0].job_id == jobs[0].id
                && dependencies[0].after == [ID.parse().unwrap(), OTHER.parse().unwrap()]
        })
        .returning(|_, _| Ok(vec![JobCreation::Created(JobStatus::Queued)]));
    mocks.jobs.expect_job_find().returning(|id| {
        Ok(Some(UnifiedJob {
            id,
            status: JobStatus::Blocked,
            after: Some(DependencyCondition::AllFinished),
            ..stored()
        }))
    });
    mocks
        .jobs
        .expect_job_dependencies()
        .returning(|_| Ok(vec![ID.parse().unwrap(), OTHER.parse().unwrap()]));
    let after = json!({"condition": "all_finished", "jobIds": [OTHER, ID, OTHER]});
    let answer = create(mocks, new_with("after", after)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.body["data"]["status"], "BLOCKED");
    assert_eq!(answer.body["data"]["after"]["jobIds"], json!([ID, OTHER]));
}

#[tokio::test]
async fn a_job_after_one_that_does_not_exist_is_refused_with_that_one() {
    let mut mocks = with_task(task());
    mocks.jobs.expect_job_create_many().returning(|jobs, _| {
        Err(RepositoryError::BrokenReference {
            what: "job",
            id: jobs[0].id.to_string(),
        })
    });
    mocks
        .jobs
        .expect_job_find()
        .returning(|id| Ok((id.to_string() == ID).then(stored)));
    let answer = create(mocks, new_with("after", json!({"jobIds": [ID, OTHER]}))).await;
    assert_eq!(
        answer.error(400, "VALIDATION_ERROR"),
        format!("after.jobIds: job {OTHER} does not exist")
    );
}

#[tokio::test]
async fn jobs_in_a_circle_are_refused() {
    let mut mocks = with_task(task());
    mocks
        .jobs
        .expect_job_create_many()
        .returning(|_, _| Err(RepositoryError::DependencyCycle { id: ID.to_owned() }));
    let answer = create(mocks, new_with("after", json!({"jobIds": [OTHER]}))).await;
    assert!(answer.error(400, "VALIDATION_ERROR").starts_with("after: "));
}

#[tokio::test]
async fn a_unique_key_that_an_unfinished_job_has_is_a_conflict_that_names_the_job() {
    let mut mocks = with_task(task());
    mocks
        .jobs
        .expect_job_create_many()
        .returning(|_, _| Ok(vec![JobCreation::Duplicate(OTHER.parse().unwrap())]));
    let answer = create(mocks, new_with("uniqueKey", json!("import"))).await;
    assert_eq!(
        answer.error(409, "CONFLICT"),
        format!("uniqueKey: job {OTHER}, which is unfinished, has the key \"import\"")
    );
}

#[tokio::test]
async fn a_value_that_is_not_allowed_is_refused_with_its_field() {
    for (field, value, begins) in [
        ("taskId", json!(OTHER), "taskId: "),
        ("timeoutSeconds", json!(0), "timeoutSeconds: "),
        ("uniqueKey", json!(""), "uniqueKey: "),
        ("uniqueKey", json!("a".repeat(201)), "uniqueKey: "),
        ("concurrencyKey", json!("a\u{0}"), "concurrencyKey: "),
        ("after", json!({"jobIds": []}), "after.jobIds: "),
        ("after", json!({"jobIds": vec![ID; 1_001]}), "after.jobIds: "),
        ("outputDestinations", json!([]), "outputDestinations: "),
        (
            "outputDestinations",
            json!([{"destinationType": "stdio", "stdio": {}}]),
            "outputDestinations[0]: no",
        ),
    ] {
        let mut mocks = with_task(task());
        mocks.output.expect_check().returning(|_| Some("no".to_owned()));
        let answer = create(mocks, new_with(field, value)).await;
        let message = answer.error(400, "VALIDATION_ERROR");
        assert!(message.starts_with(begins), "{field}: {message}");
    }
}

#[tokio::test]
async fn a_missing_or_mistyped_field_is_a_422_that_names_it() {
    for (body, words) in [
        (json!({"input": {}}), "taskId"),
        (json!({"taskId": TASK}), "input"),
        (new_with("maxRetries", json!(-1)), "maxRetries: "),
        (new_with("scheduledFor", json!("tomorrow")), "scheduledFor: "),
        (new_with("after", json!({})), "after: missing field `jobIds`"),
        (
            new_with("after", json!({"condition": "never", "jobIds": [ID]})),
            "after.condition: \"never\"",
        ),
    ] {
        let answer = create(Mocks::default(), body).await;
        let message = answer.error(422, "VALIDATION_ERROR");
        assert!(message.contains(words), "{words}: {message}");
    }
}

#[tokio::test]
async fn a_task_that_is_disabled_runs_nothing_new() {
    let mut disabled = task();
    disabled.enabled = false;
    let answer = create(with_task(disabled), new_with("priority", json!("LOW"))).await;
    assert!(answer.error(400, "VALIDATION_ERROR").contains("is disabled"));
}

#[tokio::test]
async fn an_input_that_is_not_to_the_tasks_liking_is_refused() {
    let mut mocks = Mocks::default();
    mocks.tasks.expect_task_find().returning(|_| Ok(Some(task())));
    mocks.validator.expect_validate_input().returning(|_, _| {
        vec![ValidationIssue {
            task: "import".to_owned(),
            field: "/size".to_owned(),
            message: "7 is more than 5".to_owned(),
        }]
    });
    let answer = create(mocks, new_with("input", json!({"size": 7}))).await;
    assert_eq!(
        answer.error(400, "VALIDATION_ERROR"),
        "input: /size: 7 is more than 5"
    );
}

#[tokio::test]
async fn if_only_the_answer_was_lost_those_who_run_jobs_are_told_all_the_same() {
    let mut mocks = with_task(task());
    mocks.jobs.expect_job_create_many().returning(|_, _| {
        Err(RepositoryError::Unavailable {
            during: "storing jobs",
            source: "the connection is gone".into(),
        })
    });
    let (available, _) = signals(&mocks);
    let answer = create(mocks, new_with("priority", json!("LOW"))).await;
    answer.error(503, "SERVICE_UNAVAILABLE");
    assert!(is_raised(&available).await);
}
