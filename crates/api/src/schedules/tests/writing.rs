use axum::http::Method;
use ratchet_interfaces::{Pause, RepositoryError, SchedulerError, UnifiedSchedule, ValidationIssue};
use serde_json::{Value, json};

use super::{ID, TASK, nightly, path, path_to, task, with, with_nightly};
use crate::test_support::{Answer, Mocks, now};

const ALL: &str = "/api/v1/schedules";

fn new() -> Value {
    json!({"taskId": TASK, "name": "nightly", "cronExpression": "0 0 * * *"})
}

fn new_with(field: &str, value: Value) -> Value {
    let mut body = new();
    body[field] = value;
    body
}

async fn create(mocks: Mocks, body: Value) -> Answer {
    mocks.send(Method::POST, ALL, &[], Some(body)).await
}

#[tokio::test]
async fn a_schedule_is_created_by_the_scheduler_and_answered_with_its_next_run() {
    let mut body = new_with("policies", json!({"overlap": "skip", "graceSeconds": 5}));
    body["timezone"] = json!("Europe/Berlin");
    body["colour"] = json!("blue");
    body["outputDestinations"] = json!([{"destinationType": "stdio", "stdio": {"lineBuffered": true}}]);
    let mut mocks = Mocks::default().and_task(task()).and_writes();
    mocks.output.expect_check().returning(|_| None);
    let answer = create(mocks, body).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (201, "\"1\""),
        "{answer:?}"
    );
    let schedule = &answer.body["data"];
    assert_eq!(schedule["nextRun"], "2026-04-01T00:00:00Z");
    assert_eq!(schedule["timezone"], "Europe/Berlin");
    assert_eq!(schedule["policies"]["overlap"], "SKIP");
    assert_eq!(schedule["policies"]["graceSeconds"], 5.0);
    assert_eq!(schedule["input"], json!({}));
    let id = schedule["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("{ALL}/{id}"));
}

#[tokio::test]
async fn a_missing_or_mistyped_field_is_a_422_that_names_it() {
    for (body, words) in [
        (json!({}), "taskId"),
        (json!({"taskId": TASK, "name": "a"}), "cronExpression"),
        (new_with("name", json!(7)), "name: "),
        (new_with("taskId", json!("seven")), "taskId: "),
        (new_with("priority", json!("URGENT")), "priority: \"URGENT\""),
        (
            new_with("policies", json!({"catchUpMax": "x"})),
            "policies.catchUpMax: ",
        ),
        (
            new_with("outputDestinations", json!([{"destinationType": "fax"}])),
            "outputDestinations[0]",
        ),
    ] {
        let answer = create(Mocks::default(), body).await;
        let message = answer.error(422, "VALIDATION_ERROR");
        assert!(message.contains(words), "{words}: {message}");
    }
}

#[tokio::test]
async fn a_task_that_can_run_nothing_is_refused() {
    let mut disabled = task();
    disabled.enabled = false;
    let mut removed = task();
    removed.removed_at = Some(now());
    let mut none = Mocks::default();
    none.tasks.expect_task_find().returning(|_| Ok(None));
    for (mocks, words) in [
        (none, "does not exist"),
        (Mocks::default().and_task(disabled), "is disabled"),
        (Mocks::default().and_task(removed), "was removed"),
    ] {
        let answer = create(mocks, new()).await;
        let message = answer.error(400, "VALIDATION_ERROR");
        assert!(
            message.starts_with("taskId: ") && message.contains(words),
            "{message}"
        );
    }
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
async fn what_the_scheduler_refuses_is_not_answered_with_success() {
    let taken = || SchedulerError::Repository {
        during: "storing the schedule",
        source: RepositoryError::AlreadyExists {
            what: "schedule",
            field: "name",
            value: "nightly".to_owned(),
        },
    };
    let mut mocks = Mocks::default().and_task(task());
    mocks
        .scheduler
        .expect_add_schedule()
        .returning(move |_| Err(taken()));
    let answer = create(mocks, new()).await;
    assert!(answer.error(409, "CONFLICT").contains("nightly"));

    let mut mocks = Mocks::default().and_task(task());
    mocks.scheduler.expect_add_schedule().returning(|schedule| {
        Err(SchedulerError::InvalidSchedule {
            schedule: schedule.name,
            field: "specification",
            value: schedule.specification,
            source: "minute: allowed is 0 to 59".into(),
        })
    });
    let answer = create(mocks, new_with("cronExpression", json!("99 * * * *"))).await;
    let message = answer.error(400, "VALIDATION_ERROR");
    assert!(message.starts_with("cronExpression: \"99 * * * *\""), "{message}");
}

#[tokio::test]
async fn a_wrong_destination_is_refused_before_anything_is_written() {
    let mut mocks = Mocks::default();
    mocks
        .output
        .expect_check()
        .returning(|_| Some("url is \"x\"".to_owned()));
    let destination = json!([{"destinationType": "webhook", "webhook": {"url": "x"}}]);
    let answer = create(mocks, new_with("outputDestinations", destination)).await;
    assert_eq!(
        answer.error(400, "VALIDATION_ERROR"),
        "outputDestinations[0]: url is \"x\""
    );
}

async fn patch(mocks: Mocks, if_match: Option<&str>, body: Value) -> Answer {
    let headers: Vec<(&str, &str)> = if_match.map(|tag| ("if-match", tag)).into_iter().collect();
    mocks.send(Method::PATCH, &path(), &headers, Some(body)).await
}

#[tokio::test]
async fn a_patch_changes_what_is_given_and_null_takes_away() {
    let changes = json!({"cronExpression": "0 6 * * *", "description": null, "policies": {"maxRuns": 5}});
    let answer = patch(with_nightly().and_writes(), None, changes).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (200, "\"4\""),
        "{answer:?}"
    );
    let schedule = &answer.body["data"];
    assert_eq!(schedule["cronExpression"], "0 6 * * *");
    assert_eq!(schedule["description"], json!(null));
    assert_eq!(schedule["policies"]["maxRuns"], 5);
    assert_eq!(schedule["name"], "nightly");
    assert_eq!(schedule["input"], json!({"size": 1}));
    assert_eq!(schedule["nextRun"], "2026-04-01T00:00:00Z");
    let answer = patch(with_nightly(), None, json!({"name": null})).await;
    assert!(answer.error(422, "VALIDATION_ERROR").starts_with("name: "));
}

#[tokio::test]
async fn another_input_is_checked_and_a_schedule_whose_task_is_gone_can_still_be_changed() {
    let mut gone = with_nightly().and_writes();
    gone.tasks.expect_task_find().returning(|_| Ok(None));
    let answer = patch(gone, None, json!({"input": {}})).await;
    assert!(answer.error(400, "VALIDATION_ERROR").starts_with("taskId: "));
    let answer = patch(with_nightly().and_writes(), None, json!({"enabled": false})).await;
    assert_eq!(answer.body["data"]["enabled"], false, "{answer:?}");
}

#[tokio::test]
async fn a_stale_tag_is_a_412_and_nothing_is_written() {
    let answer = patch(with_nightly(), Some("\"2\""), json!({"name": "a"})).await;
    assert!(answer.error(412, "PRECONDITION_FAILED").contains("\"3\""));
    for (method, path) in [
        (Method::DELETE, path()),
        (Method::POST, path_to("enable")),
        (Method::POST, path_to("disable")),
    ] {
        let answer = with_nightly()
            .send(method, &path, &[("if-match", "\"2\"")], None)
            .await;
        answer.error(412, "PRECONDITION_FAILED");
    }
    let answer = patch(with_nightly().and_writes(), Some("\"3\""), json!({"name": "a"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_change_that_others_always_come_before_is_a_412_with_a_tag_and_a_409_without() {
    let overtaken = || {
        let mut mocks = with_nightly();
        mocks
            .scheduler
            .expect_update_schedule()
            .returning(|_| Err(overtaken_by_another()));
        mocks
    };
    let changes = || json!({"name": "a"});
    patch(overtaken(), Some("\"3\""), changes())
        .await
        .error(412, "PRECONDITION_FAILED");
    patch(overtaken(), None, changes()).await.error(409, "CONFLICT");
    patch(overtaken(), Some("*"), changes())
        .await
        .error(409, "CONFLICT");
}

#[tokio::test]
async fn a_change_that_names_no_version_is_made_anew_on_what_another_wrote() {
    for (method, path, body) in [
        (Method::PATCH, path(), Some(json!({"name": "a"}))),
        (Method::POST, path_to("disable"), None),
    ] {
        let mut mocks = with_nightly();
        mocks
            .scheduler
            .expect_update_schedule()
            .once()
            .returning(|_| Err(overtaken_by_another()));
        mocks.scheduler.expect_update_schedule().once().returning(Ok);
        let answer = mocks.send(method, &path, &[], body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

fn overtaken_by_another() -> SchedulerError {
    SchedulerError::Repository {
        during: "updating the schedule",
        source: RepositoryError::VersionConflict {
            what: "schedule",
            id: ID.to_owned(),
        },
    }
}

#[tokio::test]
async fn enabling_and_disabling_write_only_where_something_changes() {
    // A scheduler that is called would panic.
    let answer = with_nightly()
        .send(Method::POST, &path_to("enable"), &[], None)
        .await;
    assert_eq!((answer.status, &answer.body["data"]["version"]), (200, &json!(3)));
    let answer = with_nightly()
        .and_writes()
        .send(Method::POST, &path_to("disable"), &[], None)
        .await;
    assert_eq!(answer.body["data"]["enabled"], false, "{answer:?}");
    let mut disabled = nightly();
    disabled.enabled = false;
    let answer = with(disabled)
        .and_writes()
        .send(Method::POST, &path_to("enable"), &[], None)
        .await;
    assert_eq!(answer.body["data"]["enabled"], true);
    assert_eq!(answer.body["data"]["nextRun"], "2026-04-01T00:00:00Z");
}

#[tokio::test]
async fn a_deleted_schedule_is_named_and_one_that_others_follow_is_not_deleted() {
    let mut mocks = with_nightly();
    mocks.scheduler.expect_remove_schedule().returning(|_| Ok(()));
    let answer = mocks.send(Method::DELETE, &path(), &[], None).await;
    assert_eq!(
        (answer.status, answer.body),
        (
            200,
            json!({"success": true, "message": "schedule \"nightly\" was deleted"})
        )
    );
    let mut mocks = with_nightly();
    mocks.scheduler.expect_remove_schedule().returning(|_| {
        Err(SchedulerError::Repository {
            during: "deleting the schedule",
            source: RepositoryError::IsFollowed {
                id: ID.to_owned(),
                followers: "report".to_owned(),
            },
        })
    });
    let answer = mocks.send(Method::DELETE, &path(), &[], None).await;
    assert!(answer.error(409, "CONFLICT").contains("report"));
}

#[tokio::test]
async fn a_schedule_that_was_changed_after_if_match_was_compared_is_not_deleted() {
    let mut mocks = with_nightly();
    mocks
        .scheduler
        .expect_remove_schedule_of_version()
        .withf(|_, version| *version == 3)
        .returning(|_, _| {
            Err(SchedulerError::Repository {
                during: "deleting the schedule",
                source: RepositoryError::VersionConflict {
                    what: "schedule",
                    id: ID.to_owned(),
                },
            })
        });
    let answer = mocks
        .send(Method::DELETE, &path(), &[("if-match", "\"3\"")], None)
        .await;
    answer.error(412, "PRECONDITION_FAILED");
}

#[tokio::test]
async fn a_schedule_is_paused_and_resumed_as_is_asked_for() {
    let paused = UnifiedSchedule {
        pause: Some(Pause {
            since: now(),
            by: "ops".to_owned(),
            note: Some("disk".to_owned()),
            resume_at: Some(now()),
        }),
        ..nightly()
    };
    let mut mocks = Mocks::default();
    mocks
        .scheduler
        .expect_pause_schedule()
        .withf(|_, request| {
            request.by == "ops" && request.note.as_deref() == Some("disk") && request.resume_at == Some(now())
        })
        .returning(move |_, _| Ok(paused.clone()));
    let body = json!({"by": "ops", "note": "disk", "resumeAt": "2026-03-27T12:00:00Z"});
    let answer = mocks.send(Method::POST, &path_to("pause"), &[], Some(body)).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (200, "\"3\""),
        "{answer:?}"
    );
    assert_eq!(answer.body["data"]["pause"]["by"], "ops");

    let mut mocks = Mocks::default();
    mocks
        .scheduler
        .expect_resume_schedule()
        .withf(|_, request| request.by == "api" && request.skip_missed)
        .returning(|_, _| Ok(nightly()));
    let answer = mocks
        .send(
            Method::POST,
            &path_to("resume"),
            &[],
            Some(json!({"skipMissed": true})),
        )
        .await;
    assert_eq!(answer.body["data"]["pause"], json!(null), "{answer:?}");
    let refused = Mocks::default()
        .send(Method::POST, &path_to("pause"), &[], Some(json!({"by": ""})))
        .await;
    assert!(refused.error(400, "VALIDATION_ERROR").starts_with("by: "));
}
