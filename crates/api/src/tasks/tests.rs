use std::collections::HashSet;
use std::sync::Arc;

use axum::http::Method;
use ratchet_interfaces::{
    Bound, Choice, Deleted, DeletionEvent, Event, LastSync, Page, RepositoryError, SyncReport, Task,
    TaskCondition, TaskDefinition, TaskDeletion, TaskFilter, TaskId, TaskSort, TaskStatistics, TaskUse,
    TextMatch, ValidationIssue,
};
use serde_json::{Value, json};

use crate::test_support::{Answer, Mocks, now};

const ALL: &str = "/api/v1/tasks";
const ID: &str = "00000000-0000-0000-0000-0000000000aa";

fn path() -> String {
    format!("{ALL}/{ID}")
}

fn task(registry: &str) -> Task {
    let definition = TaskDefinition {
        source: Some("() => 1".to_owned()),
        ..TaskDefinition::new(ID.parse().unwrap(), "report", "1.0.0", "javascript")
    };
    Task {
        revision: 3,
        ..Task::new(definition, registry, now())
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_read_is_not_changed_and_its_column_is_named() {
    for (method, action, body) in [
        (Method::POST, "/enable", None),
        (Method::POST, "/disable", None),
        (Method::PATCH, "", Some(json!({ "description": "a" }))),
        (Method::DELETE, "", None),
    ] {
        let mut mocks = Mocks::default();
        mocks.tasks.expect_task_find().returning(|id| Err(damaged(id)));
        let answer = mocks
            .send(method, &format!("{}{action}", path()), &[], body)
            .await;
        let message = answer.error(409, "CONFLICT");
        let begins = format!("the stored input_schema of task {ID} cannot be read, and nothing was done: ");
        assert!(message.starts_with(&begins), "{action}: {message}");
        assert!(!message.contains("trailing"), "{message}");
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_read_is_not_shown_and_its_column_is_named() {
    let mut mocks = Mocks::default();
    mocks.tasks.expect_task_find().returning(|id| Err(damaged(id)));
    let answer = mocks.get(&path()).await;
    let message = answer.error(409, "CONFLICT");
    let begins = format!("the stored input_schema of task {ID} cannot be read");
    assert!(
        message.starts_with(&begins) && message.contains("POST /tasks/sync"),
        "{message}"
    );
}

#[tokio::test]
async fn a_task_that_cannot_be_read_is_told_of_beside_the_others_of_a_list() {
    let mut mocks = Mocks::default();
    mocks.tasks.expect_task_list().returning(|_, _, page| {
        // The second of three is damaged.
        match (page.offset(), page.limit()) {
            (1, _) | (0, 2..) => Err(damaged(ID.parse().unwrap())),
            (0 | 2, _) => Ok(Page {
                items: vec![task("files")],
                total: 3,
            }),
            _ => Ok(Page {
                items: Vec::new(),
                total: 3,
            }),
        }
    });
    let answer = surrounded(mocks, &[]).get(ALL).await;
    assert_eq!(
        (answer.status, answer.header("content-range")),
        (200, "tasks 0-2/3")
    );
    assert_eq!(answer.body["data"].as_array().unwrap().len(), 2, "{answer:?}");
    assert_eq!(
        answer.body["meta"]["unreadable"],
        json!([{"id": ID, "message": format!("the stored input_schema of task {ID} cannot be read")}])
    );
}

fn damaged(id: TaskId) -> RepositoryError {
    RepositoryError::CorruptRow {
        what: "task",
        id: id.to_string(),
        column: "input_schema",
        source: "trailing characters".into(),
    }
}

/// With this task stored, and the registries read.
fn with(task: Task) -> Mocks {
    let mut mocks = Mocks::default();
    let id = task.definition.id;
    mocks
        .tasks
        .expect_task_find()
        .returning(move |asked| Ok((asked == id).then(|| task.clone())));
    surrounded(mocks, &[id])
}

fn surrounded(mut mocks: Mocks, in_sync: &[TaskId]) -> Mocks {
    mocks.tasks.expect_task_versions().returning(|names| {
        let versions = ["1.10.0", "1.9.0"].map(str::to_owned);
        Ok(versions.map(|version| (names[0].clone(), version)).to_vec())
    });
    let last = Arc::new(LastSync {
        at: now(),
        report: SyncReport {
            issues: vec![issue("inputSchema")],
            ..SyncReport::default()
        },
        in_sync: in_sync.iter().copied().collect::<HashSet<_>>(),
    });
    mocks
        .registries
        .expect_last_sync()
        .returning(move || Some(Arc::clone(&last)));
    mocks
}

fn issue(field: &str) -> ValidationIssue {
    ValidationIssue {
        task: "report".to_owned(),
        field: field.to_owned(),
        message: "it is not right".to_owned(),
    }
}

fn valid(mut mocks: Mocks) -> Mocks {
    mocks.validator.expect_validate_task().returning(|_| Vec::new());
    mocks
}

async fn patched(mocks: Mocks, headers: &[(&str, &str)], body: Value) -> Answer {
    mocks.send(Method::PATCH, &path(), headers, Some(body)).await
}

#[tokio::test]
async fn a_task_is_shown_with_its_versions_and_whether_it_is_as_its_registry_has_it() {
    let answer = with(task("files")).get(&path()).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (200, "\"3\""),
        "{answer:?}"
    );
    for (field, value) in [
        ("id", json!(ID)),
        ("uuid", json!(ID)),
        ("name", json!("report")),
        ("registrySource", json!("files")),
        ("availableVersions", json!(["1.9.0", "1.10.0"])),
        ("inSync", json!(true)),
        ("sourceCode", json!(null)),
    ] {
        assert_eq!(answer.body["data"][field], value, "{field}");
    }
    let mut mocks = Mocks::default();
    mocks
        .tasks
        .expect_task_find()
        .returning(|_| Ok(Some(task("files"))));
    let refused = surrounded(mocks, &[]).get(&path()).await;
    assert_eq!(refused.body["data"]["inSync"], json!(false));
    let kept = with(task(Task::DATABASE)).get(&path()).await;
    assert_eq!(kept.body["data"]["sourceCode"], json!("() => 1"));
}

#[tokio::test]
async fn a_new_task_runs_javascript_or_says_that_there_is_no_code() {
    for (field, runtime) in [
        ("sourceCode", "javascript"),
        ("code", "javascript"),
        ("colour", "none"),
    ] {
        let mut mocks = valid(surrounded(Mocks::default(), &[]));
        mocks
            .tasks
            .expect_task_create()
            .withf(move |task| task.is_of_database() && task.definition.runtime == runtime)
            .returning(|_| Ok(()));
        let body = json!({"name": "report", "version": "1.0.0", field: "() => 1"});
        let answer = mocks.send(Method::POST, ALL, &[], Some(body)).await;
        assert_eq!(
            (answer.status, answer.header("etag")),
            (201, "\"1\""),
            "{answer:?}"
        );
        let data = &answer.body["data"];
        assert_eq!(
            (&data["runtime"], &data["registrySource"], &data["inSync"]),
            (&json!(runtime), &json!("database"), &json!(true))
        );
        let id = data["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), format!("{ALL}/{id}"));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_new_task_is_told_by_its_field() {
    for (body, message) in [
        (
            json!({"name": "a@b", "version": "1"}),
            "name: \"a@b\" is not allowed",
        ),
        (
            json!({"name": "a", "version": ""}),
            "version: it has 0 characters",
        ),
        (
            json!({"name": "a", "version": "1", "metadata": {"folder": "x"}}),
            "metadata: ",
        ),
    ] {
        let answer = Mocks::default().send(Method::POST, ALL, &[], Some(body)).await;
        let told = answer.error(400, "VALIDATION_ERROR");
        assert!(told.starts_with(message), "{told}");
    }
    for (field, told) in [("inputSchema", "inputSchema"), ("main.js", "sourceCode")] {
        let mut mocks = Mocks::default();
        mocks
            .validator
            .expect_validate_task()
            .returning(move |_| vec![issue(field)]);
        let body = json!({"name": "a", "version": "1"});
        let answer = mocks.send(Method::POST, ALL, &[], Some(body)).await;
        assert_eq!(
            answer.error(400, "VALIDATION_ERROR"),
            format!("{told}: it is not right")
        );
    }
    let untyped = Mocks::default()
        .send(Method::POST, ALL, &[], Some(json!({"name": "a"})))
        .await;
    assert!(untyped.error(422, "VALIDATION_ERROR").contains("version"));
}

#[tokio::test]
async fn a_name_and_version_that_are_taken_are_a_conflict() {
    let mut mocks = valid(surrounded(Mocks::default(), &[]));
    mocks.tasks.expect_task_create().returning(|_| {
        Err(RepositoryError::AlreadyExists {
            what: "task",
            field: "name and version",
            value: "report 1.0.0".to_owned(),
        })
    });
    let body = json!({"name": "report", "version": "1.0.0"});
    let answer = mocks.send(Method::POST, ALL, &[], Some(body)).await;
    assert!(answer.error(409, "CONFLICT").contains("report 1.0.0"));
}

#[tokio::test]
async fn what_is_given_of_a_task_is_changed_and_null_takes_away() {
    let mut mocks = valid(with(task(Task::DATABASE)));
    mocks
        .tasks
        .expect_task_update()
        .withf(|task| {
            let definition = &task.definition;
            task.revision == 3
                && !task.enabled
                && definition.name == "report"
                && definition.runtime == TaskDefinition::NO_CODE
                && definition.source.is_none()
                && definition.description.as_deref() == Some("new")
        })
        .returning(|task| {
            Ok(Task {
                revision: 4,
                ..task.clone()
            })
        });
    let body = json!({"enabled": false, "description": "new", "sourceCode": null});
    let answer = patched(mocks, &[("if-match", "\"3\"")], body).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (200, "\"4\""),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_change_of_another_revision_than_was_read_is_refused() {
    let answer = patched(with(task("files")), &[("if-match", "\"2\"")], json!({})).await;
    answer.error(412, "PRECONDITION_FAILED");
    for (headers, status, code) in [
        (vec![("if-match", "\"3\"")], 412, "PRECONDITION_FAILED"),
        (vec![], 409, "CONFLICT"),
    ] {
        let mut mocks = with(task("files"));
        mocks.tasks.expect_task_update().returning(|_| {
            Err(RepositoryError::VersionConflict {
                what: "task",
                id: ID.to_owned(),
            })
        });
        let answer = patched(mocks, &headers, json!({"enabled": false})).await;
        answer.error(status, code);
    }
}

#[tokio::test]
async fn of_a_task_that_another_registry_has_only_enabled_is_changed() {
    for field in ["description", "inputSchema", "code", "name"] {
        let answer = patched(with(task("files")), &[], json!({field: "x", "enabled": false})).await;
        let message = answer.error(409, "CONFLICT");
        assert!(
            message.contains("registry files has task report 1.0.0"),
            "{message}"
        );
    }
    let refused = with(task("embedded"))
        .send(Method::DELETE, &path(), &[], None)
        .await;
    assert!(refused.error(409, "CONFLICT").contains("bring it back"));
}

#[tokio::test]
async fn an_enabled_task_s_jobs_are_looked_for_at_once() {
    let mut mocks = with(Task {
        enabled: false,
        ..task("embedded")
    });
    mocks
        .tasks
        .expect_task_update()
        .withf(|task| task.enabled)
        .returning(|task| Ok(task.clone()));
    let available = mocks.jobs_available.clone();
    let answer = mocks
        .send(Method::POST, &format!("{}/enable", path()), &[], None)
        .await;
    assert_eq!(answer.body["data"]["enabled"], json!(true), "{answer:?}");
    available.arm().await;
    // Nothing is written where nothing changes.
    let answer = with(task("embedded"))
        .send(Method::POST, &format!("{}/enable", path()), &[], None)
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_deleted_task_is_gone_unless_something_refers_to_it() {
    let deleting = |deletion: TaskDeletion| {
        let mut mocks = with(task(Task::DATABASE));
        mocks
            .tasks
            .expect_task_delete_with_jobs()
            .withf(|_, revision| *revision == 3)
            .returning(move |_, _| Ok(deletion.clone()));
        mocks
    };
    for jobs in [0, 2] {
        let mut mocks = deleting(TaskDeletion::Deleted { jobs });
        let heard = mocks.heard();
        let answer = mocks.send(Method::DELETE, &path(), &[], None).await;
        assert_eq!((answer.status, &answer.body), (204, &Value::Null));
        let told = Event::Deletion(DeletionEvent {
            task_id: Some(ID.parse().unwrap()),
            ..DeletionEvent::of(Deleted::JobsOfTask, jobs, now())
        });
        let told = (jobs > 0).then_some(told);
        assert_eq!(heard.events(), told.into_iter().collect::<Vec<_>>());
    }
    let job_id = ID.parse().unwrap();
    let in_use = TaskDeletion::InUse(TaskUse {
        schedules: 1,
        schedule_names: vec!["nightly".to_owned()],
        jobs: 7,
        job_ids: vec![job_id],
    });
    let answer = deleting(in_use).send(Method::DELETE, &path(), &[], None).await;
    let message = answer.error(409, "CONFLICT");
    for words in [
        "1 schedules run it: \"nightly\";",
        "7 jobs of it",
        &format!("{ID}, …"),
    ] {
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn each_filter_and_sort_key_reaches_the_repository() {
    let mut mocks = surrounded(Mocks::default(), &[]);
    mocks
        .tasks
        .expect_task_list()
        .withf(|filter, sort, page| {
            let text = |text: &str| text.to_owned();
            *filter
                == TaskFilter::of([
                    TaskCondition::Name(TextMatch::Contains(text("rep"))),
                    TaskCondition::Name(TextMatch::Choice(Choice::IsOneOf(vec![text("a"), text("b")]))),
                    TaskCondition::Version(TextMatch::Choice(Choice::IsNot(text("2")))),
                    TaskCondition::Registry(TextMatch::Choice(Choice::Is(text("files")))),
                    TaskCondition::Runtime(TextMatch::Choice(Choice::IsNot(text("none")))),
                    TaskCondition::Enabled(true),
                    TaskCondition::CreatedAt(Bound::AtLeast(now())),
                ])
                && *sort == TaskSort::UpdatedAt(ratchet_interfaces::SortOrder::Descending)
                && page.limit() == 10
        })
        .returning(|_, _, _| {
            Ok(Page {
                items: vec![task("files")],
                total: 1,
            })
        });
    let query = "name_like=rep&name_in=a,b&version_ne=2&registry_source=files&runtime_ne=none&enabled=true\
                 &createdAt_gte=2026-03-27T12:00:00Z&_sort=updatedAt&_order=DESC&limit=10";
    let answer = mocks.get(&format!("{ALL}?{query}")).await;
    assert_eq!(
        (answer.status, answer.header("content-range")),
        (200, "tasks 0-0/1"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn statistics_are_of_the_rows_and_of_the_last_synchronization() {
    let mut mocks = surrounded(Mocks::default(), &[]);
    mocks.tasks.expect_task_statistics().returning(|| {
        Ok(TaskStatistics {
            total: 5,
            enabled: 4,
            of_database: 2,
        })
    });
    let answer = mocks.get(&format!("{ALL}/stats")).await;
    assert_eq!(
        answer.body["stats"],
        json!({
            "totalTasks": 5, "enabledTasks": 4, "disabledTasks": 1, "registryTasks": 3, "databaseTasks": 2,
            "validationErrors": 1, "lastSync": "2026-03-27T12:00:00Z"
        })
    );
}

#[tokio::test]
async fn a_synchronization_says_what_it_did_and_what_is_not_in_order() {
    let mut mocks = Mocks::default();
    mocks.registries.expect_sync().returning(|| {
        Ok(SyncReport {
            added: 2,
            issues: vec![issue("version")],
            ..SyncReport::default()
        })
    });
    let answer = mocks.send(Method::POST, &format!("{ALL}/sync"), &[], None).await;
    let data = &answer.body["data"];
    assert_eq!(
        (&data["success"], &data["added"], &data["issues"][0]["field"]),
        (&json!(true), &json!(2), &json!("version")),
        "{answer:?}"
    );
}
