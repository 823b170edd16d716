use std::sync::{Arc, Mutex};

use axum::http::Method;
use ratchet_interfaces::{
    Choice, OutputDestination, Page, RepositoryError, ScheduleChange, ScheduleSelection, SchedulerError,
    Secret, TaskCondition, TaskFilter, TextMatch, UnifiedSchedule,
};
use serde_json::{Value, json};

use super::{nightly, task, task_id};
use crate::test_support::{Answer, Mocks, now};

const APPLY: &str = "/api/v1/schedules/apply";

type Changes = Arc<Mutex<Vec<ScheduleChange>>>;

/// Mocks in which these schedules and one task are stored, and what the scheduler is told to change.
fn with(stored: Vec<UnifiedSchedule>) -> (Mocks, Changes) {
    let changes = Changes::default();
    let mut mocks = Mocks::default().and_task(task());
    let latest = task();
    mocks
        .tasks
        .expect_task_find_latest()
        .returning(move |name| Ok((name == "import").then(|| latest.clone())));
    mocks.tasks.expect_task_list().returning(|filter, _, _| {
        let is = |text: &str| TextMatch::Choice(Choice::Is(text.to_owned()));
        let here = *filter
            == TaskFilter::of([
                TaskCondition::Name(is("import")),
                TaskCondition::Version(is("1.0.0")),
            ]);
        Ok(Page {
            items: here.then(task).into_iter().collect(),
            total: here.into(),
        })
    });
    mocks.output.expect_check().returning(|_| None);
    let rows = stored.clone();
    mocks
        .schedules
        .expect_schedule_list_selected()
        .returning(move |selection| {
            let is_selected = |schedule: &&UnifiedSchedule| match selection {
                ScheduleSelection::Named(names) => names.contains(&schedule.name),
                ScheduleSelection::ManagedBy(set) => schedule.managed_by.as_ref() == Some(set),
                ScheduleSelection::Following(leaders) => schedule
                    .follows()
                    .is_some_and(|following| leaders.contains(&following.leader_id)),
            };
            Ok(rows.iter().filter(is_selected).cloned().collect())
        });
    let rows = stored.clone();
    mocks
        .schedules
        .expect_schedule_find()
        .returning(move |id| Ok(rows.iter().find(|row| row.id == id).cloned()));
    let rows = stored.clone();
    mocks
        .schedules
        .expect_schedule_find_by_name()
        .returning(move |name| Ok(rows.iter().find(|row| row.name == name).cloned()));
    mocks
        .schedules
        .expect_schedule_scan()
        .returning(move |_, _| Ok(stored.clone()));
    let made = Arc::clone(&changes);
    mocks
        .scheduler
        .expect_change_schedules()
        .returning(move |changes| {
            made.lock().unwrap().extend(changes);
            Ok(Vec::new())
        });
    mocks
        .scheduler
        .expect_check_schedule_changes()
        .returning(|_| Ok(()));
    (mocks, changes)
}

async fn apply(mocks: Mocks, body: Value) -> Answer {
    mocks.send(Method::POST, APPLY, &[], Some(body)).await
}

fn managed(name: &str) -> UnifiedSchedule {
    UnifiedSchedule {
        managed_by: Some("apply".to_owned()),
        ..UnifiedSchedule::new(name, task_id(), "0 0 * * *", now())
    }
}

fn desired(name: &str) -> Value {
    json!({"name": name, "task": "import", "cronExpression": "0 0 * * *"})
}

fn with_webhook(token: &str) -> UnifiedSchedule {
    let destination: OutputDestination = serde_json::from_value(json!({
        "destinationType": "webhook", "webhook": {
            "url": "https://example.org",
            "authentication": {"authType": "bearer", "bearer": {"token": token}},
        },
    }))
    .unwrap();
    UnifiedSchedule {
        output_destinations: vec![destination],
        ..managed("hooked")
    }
}

#[tokio::test]
async fn what_is_new_changed_and_surplus_is_made_at_once_and_told() {
    let (changed, surplus) = (managed("changed"), managed("surplus"));
    let same = managed("same");
    let by_hand = UnifiedSchedule {
        managed_by: None,
        ..managed("by hand")
    };
    let (mocks, changes) = with(vec![changed.clone(), surplus.clone(), same, by_hand]);
    let mut after = desired("changed");
    after["description"] = json!("new");
    let mut follower = desired("follower");
    follower["cronExpression"] = json!("after new finished");
    let answer = apply(
        mocks,
        json!({"prune": true, "schedules": [after, desired("same"), follower, desired("new")]}),
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let data = &answer.body["data"];
    assert_eq!(data["applied"], true);
    let counts = ["create", "update", "delete", "unchanged"].map(|count| data[count].as_u64().unwrap());
    assert_eq!(counts, [2, 1, 1, 1]);
    let told: Vec<_> = data["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (
                change["action"].as_str().unwrap(),
                change["name"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("UPDATE", "changed"),
            ("CREATE", "follower"),
            ("CREATE", "new"),
            ("DELETE", "surplus")
        ]
    );
    assert_eq!(data["changes"][0]["differences"][0]["field"], "description");
    assert_eq!(
        data["changes"][1]["differences"][1]["after"], "after new finished",
        "whom it follows is told by name"
    );
    let changes = changes.lock().unwrap();
    let [
        ScheduleChange::Replace(replaced),
        ScheduleChange::Create(follower),
        ScheduleChange::Create(new),
        ScheduleChange::Delete { id, version },
    ] = &changes[..]
    else {
        panic!("{changes:?}");
    };
    assert_eq!((replaced.id, replaced.version), (changed.id, changed.version));
    assert_eq!(follower.follows().unwrap().leader_id, new.id);
    assert_eq!((*id, *version), (surplus.id, surplus.version));
}

#[tokio::test]
async fn a_dry_run_and_what_is_applied_already_change_nothing() {
    let (mocks, changes) = with(Vec::new());
    let answer = apply(mocks, json!({"dryRun": true, "schedules": [desired("new")]})).await;
    let data = &answer.body["data"];
    assert_eq!(
        (answer.status, &data["applied"], &data["create"]),
        (200, &json!(false), &json!(1))
    );
    assert!(changes.lock().unwrap().is_empty());

    let (mocks, changes) = with(vec![managed("same")]);
    let answer = apply(mocks, json!({"schedules": [desired("same")]})).await;
    assert_eq!(answer.body["data"]["unchanged"], 1, "{answer:?}");
    assert!(changes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn schedules_made_by_hand_and_those_of_other_sets_are_not_surplus() {
    let stored = ["by hand", "another"].map(|name| UnifiedSchedule {
        managed_by: (name == "another").then(|| name.to_owned()),
        ..managed(name)
    });
    let (mocks, _) = with(stored.to_vec());
    let answer = apply(mocks, json!({"prune": true, "schedules": []})).await;
    assert_eq!(answer.body["data"]["delete"], 0, "{answer:?}");
    let (mocks, _) = with(stored.to_vec());
    let answer = apply(
        mocks,
        json!({"prune": true, "managedBy": "another", "schedules": []}),
    )
    .await;
    assert_eq!(answer.body["data"]["delete"], 1, "{answer:?}");
}

#[tokio::test]
async fn a_schedule_that_exists_belongs_to_the_set_only_when_it_is_adopted() {
    let stored = |owner: Option<&str>| UnifiedSchedule {
        managed_by: owner.map(str::to_owned),
        enabled: false,
        ..managed("nightly")
    };
    for (owner, adopt, expected) in [
        (None, false, None),
        (None, true, Some("apply")),
        (Some("apply"), false, Some("apply")),
        (Some("another"), true, Some("apply")),
    ] {
        let (mocks, changes) = with(vec![stored(owner)]);
        let answer = apply(mocks, json!({"schedules": [desired("nightly")], "adopt": adopt})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let changes = changes.lock().unwrap();
        let [ScheduleChange::Replace(replaced)] = &changes[..] else {
            panic!("{changes:?}");
        };
        assert_eq!(replaced.managed_by.as_deref(), expected);
    }
    let (mocks, _) = with(vec![stored(Some("another"))]);
    let answer = apply(mocks, json!({"schedules": [desired("nightly")]})).await;
    assert_eq!(
        answer.error(409, "CONFLICT"),
        "\"nightly\" belongs to the set \"another\": take it over with adopt, or leave it out"
    );
}

#[tokio::test]
async fn all_mistakes_are_told_at_once_each_with_its_schedule_and_field() {
    let with_field = |name: &str, field: &str, value: Value| {
        let mut schedule = desired(name);
        schedule[field] = value;
        schedule
    };
    let schedules = [
        with_field("a", "cronExpression", json!("99 * * * *")),
        with_field("b", "task", json!("export")),
        with_field("c", "policies", json!({"catchUpMax": "x"})),
        with_field("d", "cronExpression", json!("after nobody failed")),
        with_field("e", "timezone", json!("Europe/Berlim")),
        with_field("f", "timeoutSeconds", json!(0)),
        json!({"name": "g"}),
        desired("h"),
        desired("h"),
        with_field("i", "task", json!("import@7")),
    ];
    let (mocks, changes) = with(Vec::new());
    let answer = apply(mocks, json!({"schedules": schedules})).await;
    let message = answer.error(400, "VALIDATION_ERROR");
    for words in [
        "schedules[0] \"a\": cronExpression: ",
        "schedules[1] \"b\": task: there is no task \"export\"",
        "schedules[2] \"c\": policies.catchUpMax: ",
        "schedules[3] \"d\": cronExpression: \"after nobody failed\"",
        "schedules[4] \"e\": timezone: ",
        "schedules[5] \"f\": timeoutSeconds: 0",
        "schedules[6] \"g\": missing field `task`",
        "schedules[8] \"h\": the name is there twice",
        "schedules[9] \"i\": task: there is no task \"import@7\"",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(changes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_plan_that_is_another_by_now_is_not_applied() {
    let body = |plan: &Value| json!({"schedules": [desired("changed")], "plan": plan});
    let before = UnifiedSchedule {
        enabled: false,
        ..managed("changed")
    };
    let (mocks, _) = with(vec![before.clone()]);
    let plan = apply(mocks, body(&json!(null))).await.body["data"]["plan"].clone();
    let edited = UnifiedSchedule {
        version: before.version + 1,
        ..before.clone()
    };
    let (mocks, changes) = with(vec![edited]);
    apply(mocks, body(&plan)).await.error(412, "PRECONDITION_FAILED");
    assert!(changes.lock().unwrap().is_empty());
    let (mocks, changes) = with(vec![before]);
    assert_eq!(apply(mocks, body(&plan)).await.status, 200);
    assert_eq!(changes.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_schedule_that_another_follows_is_not_deleted_without_it() {
    let leader = managed("leader");
    let follower = UnifiedSchedule {
        specification: format!("after {} failed", leader.id),
        managed_by: None,
        ..managed("by hand")
    };
    let (mocks, changes) = with(vec![leader, follower]);
    let answer = apply(mocks, json!({"prune": true, "schedules": []})).await;
    assert_eq!(
        answer.error(409, "CONFLICT"),
        "\"leader\" would be deleted, but \"by hand\" follows it"
    );
    assert!(changes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_change_that_somebody_else_made_meanwhile_is_a_conflict_and_a_refusal_names_the_schedule() {
    let (mut mocks, _) = with(Vec::new());
    mocks.scheduler.checkpoint();
    mocks.scheduler.expect_change_schedules().returning(|_| {
        Err(SchedulerError::Repository {
            during: "changing",
            source: RepositoryError::VersionConflict {
                what: "schedule",
                id: "7".to_owned(),
            },
        })
    });
    mocks
        .scheduler
        .expect_check_schedule_changes()
        .returning(|changes| {
            let ScheduleChange::Create(schedule) = &changes[0] else {
                panic!("{changes:?}");
            };
            Err(SchedulerError::InvalidSchedule {
                schedule: schedule.name.clone(),
                field: "spread",
                value: "7 s".to_owned(),
                source: "it is longer than the interval".into(),
            })
        });
    let router = mocks.router();
    let send = async |body: Value| {
        let request = crate::test_support::request(Method::POST, APPLY, &[], Some(body));
        crate::test_support::ask(router.clone(), request).await
    };
    send(json!({"schedules": [desired("new")]}))
        .await
        .error(409, "CONFLICT");
    let refused = send(json!({"schedules": [desired("new")], "dryRun": true})).await;
    assert_eq!(
        refused.error(400, "VALIDATION_ERROR"),
        "schedules \"new\": policies.spreadSeconds: \"7 s\" is not allowed: it is longer than the interval"
    );
}

#[tokio::test]
async fn what_is_exported_has_no_secrets_and_is_applied_without_a_change() {
    let mut policed = UnifiedSchedule {
        timezone: "Europe/Berlin".to_owned(),
        enabled: false,
        max_retries: Some(3),
        metadata: Some(json!({"owner": "me"})),
        ..nightly()
    };
    policed.policies.max_runs = Some(9);
    let follower = UnifiedSchedule {
        specification: format!("after {} failed", policed.id),
        ..managed("after night falls")
    };
    let stored = vec![policed, follower, with_webhook("s3cret"), managed("plain")];
    let (mocks, _) = with(stored.clone());
    let answer = mocks.get("/api/v1/schedules/export").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let exported = answer.body["data"].clone();
    assert!(!exported.to_string().contains("s3cret"), "{exported}");
    assert_eq!(
        exported[3],
        json!({"name": "plain", "task": "import@1.0.0", "cronExpression": "0 0 * * *"})
    );
    assert_eq!(exported[0]["cronExpression"], "after nightly failed");

    let (mocks, changes) = with(stored);
    let answer = apply(mocks, json!({"schedules": exported})).await;
    assert_eq!(answer.body["data"]["unchanged"], 4, "{answer:?}");
    assert!(changes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_mask_stands_for_a_stored_secret_only_where_it_is_sent_to_the_same_place() {
    let hooked = |url: &str, description: &str| {
        let mut schedule = desired("hooked");
        schedule["description"] = json!(description);
        schedule["outputDestinations"] = json!([{"destinationType": "webhook", "webhook": {
            "url": url,
            "authentication": {"authType": "bearer", "bearer": {"token": Secret::MASK}},
        }}]);
        json!({"schedules": [schedule]})
    };
    let (mocks, changes) = with(vec![with_webhook("s3cret")]);
    let answer = apply(mocks, hooked("https://example.org", "new")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let made = changes.lock().unwrap().clone();
    let [ScheduleChange::Replace(replaced)] = &made[..] else {
        panic!("{made:?}");
    };
    assert_eq!(
        replaced.output_destinations,
        with_webhook("s3cret").output_destinations
    );

    let (mocks, _) = with(vec![with_webhook("s3cret")]);
    let answer = apply(mocks, hooked("https://example.com", "new")).await;
    let message = answer.error(400, "VALIDATION_ERROR");
    assert!(
        message.contains("outputDestinations[0]: a secret is"),
        "{message}"
    );
}
