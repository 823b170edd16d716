//! Rows of which a stored value cannot be read: whoever asks for one by its id is told which it is.

use ratchet_interfaces::SchedulerError;
use serde_json::{Value, json};

use super::ID;
use super::*;

const OTHER: &str = "00000000-0000-0000-0000-000000000002";

fn damaged(what: &'static str) -> RepositoryError {
    RepositoryError::CorruptRow {
        what,
        id: ID.to_owned(),
        column: "input",
        source: "trailing characters".into(),
    }
}

fn refused(what: &'static str) -> SchedulerError {
    SchedulerError::Repository {
        during: "asking for a row",
        source: damaged(what),
    }
}

/// With a damaged schedule, job and execution.
fn with_damaged() -> Mocks {
    let mut mocks = Mocks::default();
    let schedules = &mut mocks.schedules;
    schedules
        .expect_schedule_find()
        .returning(|_| Err(damaged("schedule")));
    schedules
        .expect_schedule_scan()
        .returning(|_, _| Err(damaged("schedule")));
    schedules
        .expect_schedule_list_selected()
        .returning(|_| Err(damaged("schedule")));
    let scheduler = &mut mocks.scheduler;
    scheduler
        .expect_pause_schedule()
        .returning(|_, _| Err(refused("schedule")));
    scheduler
        .expect_resume_schedule()
        .returning(|_, _| Err(refused("schedule")));
    scheduler
        .expect_forecast()
        .returning(|_| Err(refused("schedule")));
    let jobs = &mut mocks.jobs;
    jobs.expect_job_find().returning(|_| Err(damaged("job")));
    jobs.expect_job_cancel().returning(|_| Err(damaged("job")));
    jobs.expect_job_delete().returning(|_| Err(damaged("job")));
    let executions = &mut mocks.executions;
    executions
        .expect_execution_find()
        .returning(|_| Err(damaged("execution")));
    mocks
}

async fn each_is_refused(what: &str, requests: &[(Method, &str, Option<Value>)]) {
    for (method, path, body) in requests {
        let path = format!("/api/v1/{path}");
        let answer = with_damaged()
            .send(method.clone(), &path, &[], body.clone())
            .await;
        let message = answer.error(409, "CONFLICT");
        let begins = format!("the stored input of {what} {ID} cannot be read, and nothing was done: mend ");
        assert!(message.starts_with(&begins), "{method} {path}: {message}");
        assert!(!message.contains("trailing"), "{message}");
    }
}

#[tokio::test]
async fn a_damaged_schedule_is_named_whatever_is_to_be_done_with_it() {
    let of = |what: &str| format!("schedules/{ID}{what}");
    let range = json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"});
    let requests = [
        (Method::GET, of(""), None),
        (Method::PATCH, of(""), Some(json!({"priority": "HIGH"}))),
        (Method::DELETE, of(""), None),
        (Method::POST, of("/enable"), None),
        (Method::POST, of("/disable"), None),
        (Method::POST, of("/trigger"), None),
        (Method::POST, of("/backfill"), Some(range)),
        (Method::POST, of("/pause"), None),
        (Method::POST, of("/resume"), None),
        (Method::GET, of("/next"), None),
        (Method::GET, of("/ticks"), None),
        (Method::GET, of("/why?at=2026-01-01T00:00:00Z"), None),
    ];
    let requests: Vec<_> = requests
        .iter()
        .map(|(method, path, body)| (method.clone(), path.as_str(), body.clone()))
        .collect();
    each_is_refused("schedule", &requests).await;
}

#[tokio::test]
async fn a_damaged_schedule_is_named_where_all_of_them_are_needed() {
    each_is_refused(
        "schedule",
        &[
            (
                Method::POST,
                "schedules/apply",
                Some(json!({"schedules": [], "prune": true})),
            ),
            (Method::GET, "schedules/export", None),
            (Method::GET, "forecast", None),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_damaged_job_is_named_whatever_is_to_be_done_with_it() {
    let of = |what: &str| format!("jobs/{ID}{what}");
    each_is_refused(
        "job",
        &[
            (Method::GET, &of(""), None),
            (Method::PATCH, &of(""), Some(json!({"priority": "HIGH"}))),
            (Method::DELETE, &of(""), None),
            (Method::POST, &of("/cancel"), None),
            (Method::POST, &of("/retry"), None),
            (Method::GET, &of("/deliveries"), None),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_damaged_execution_is_named_whatever_is_to_be_done_with_it() {
    let of = |what: &str| format!("executions/{ID}{what}");
    each_is_refused(
        "execution",
        &[
            (Method::GET, &of(""), None),
            (Method::PATCH, &of(""), Some(json!({"status": "CANCELLED"}))),
            (Method::DELETE, &of(""), None),
            (Method::POST, &of("/cancel"), None),
            (Method::POST, &of("/retry"), None),
            (Method::GET, &of("/logs"), None),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_document_says_of_each_operation_with_an_id_that_the_row_may_be_damaged() {
    let document = document().await;
    let mut seen = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        if !path.contains("{id}") {
            continue;
        }
        for (method, operation) in operations.as_object().unwrap() {
            let conflict = &operation["responses"]["409"];
            let description = conflict["description"].as_str().unwrap_or_default();
            assert!(
                description.contains("cannot be read"),
                "{method} {path}: {conflict}"
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
    for path in ["schedules/export", "forecast"] {
        let conflict = &document["paths"][format!("/api/v1/{path}")]["get"]["responses"]["409"];
        assert!(conflict.is_object(), "{path}");
    }
}

#[tokio::test]
async fn a_damaged_token_is_told_to_nobody_who_asks_for_something_else() {
    let mut mocks = Mocks::default();
    mocks
        .tokens
        .expect_token_find()
        .returning(|_| Err(damaged("token")));
    let token = format!("Bearer rat_{}_{}", OTHER.replace('-', ""), "0".repeat(64));
    let answer = mocks
        .send(Method::GET, "/api/v1/jobs", &[("authorization", &token)], None)
        .await;
    answer.error(500, "INTERNAL_ERROR");
}
