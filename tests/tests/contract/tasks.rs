//! Tasks.

use serde_json::{Value, json};

use crate::client::{act, delete, get, has, patch, post, send, send_json, under};
use crate::envelopes::{are_instants, is_instant};
use crate::made::{Made, job_until, path_of, text, unique};

const FIELDS: &str = "id uuid name description version enabled registrySource availableVersions createdAt updatedAt \
                      validatedAt inSync inputSchema outputSchema metadata runtime sourceCode";

#[test]
pub(crate) fn a_task_is_created_with_all_that_is_given_and_shown_with_every_field() {
    let made = Made::nothing();
    let given = json!({
        "name": unique("task"), "version": "1.2.0", "description": "It adds.", "enabled": false,
        "inputSchema": {"type": "object", "required": ["a"]}, "outputSchema": {"type": "object"},
        "metadata": {"team": "blue"}, "sourceCode": "(input) => ({ sum: input.a })",
    });
    let answer = post("/tasks", &given).expect(201);
    assert!(answer.headers.contains_key("etag"), "{answer:?}");
    let task = answer.created();
    made.will_delete_task(&task);
    has(&task, FIELDS);
    for (field, value) in given.as_object().unwrap() {
        assert_eq!(task[field], *value, "{field}");
    }
    assert_eq!(task["uuid"], task["id"]);
    assert_eq!(
        (&task["registrySource"], &task["inSync"]),
        (&json!("database"), &json!(true))
    );
    assert_eq!(task["availableVersions"], json!(["1.2.0"]));
    are_instants(&task, "createdAt updatedAt validatedAt");
    assert_eq!(get(&path_of("tasks", &task, "")).data(), task);
    let listed = get(&format!("/tasks?name={}", text(&task["name"]))).rows();
    assert_eq!(listed, [task]);
}

#[test]
pub(crate) fn a_task_needs_a_name_and_a_version_only_and_its_code_may_be_called_code() {
    let made = Made::nothing();
    let plain = post("/tasks", &json!({"name": unique("task"), "version": "1"})).created();
    made.will_delete_task(&plain);
    has(&plain, FIELDS);
    assert_eq!(
        (&plain["enabled"], &plain["sourceCode"]),
        (&json!(true), &Value::Null)
    );
    let source = "() => ({ one: 1 })";
    let coded = post(
        "/tasks",
        &json!({"name": plain["name"], "version": "2", "code": source}),
    )
    .created();
    made.will_delete_task(&coded);
    assert_eq!(coded["sourceCode"], source);
    assert_eq!(
        get(&path_of("tasks", &plain, "")).data()["availableVersions"],
        json!(["1", "2"])
    );
    let job = job_until(&made.job(&coded, &json!({})), "COMPLETED");
    let executions = get(&format!("/executions?jobId={}", text(&job["id"]))).rows();
    assert_eq!(executions[0]["output"], json!({"one": 1}));
}

#[test]
pub(crate) fn a_task_without_code_shows_so_and_its_jobs_fail_with_that_reason() {
    let made = Made::nothing();
    let task = made.task(&json!({"sourceCode": null}));
    assert_eq!(
        (&task["runtime"], &task["sourceCode"]),
        (&json!("none"), &Value::Null)
    );
    let job = job_until(&made.job(&task, &json!({})), "FAILED");
    assert!(text(&job["errorMessage"]).contains("code"), "{job}");
}

#[test]
pub(crate) fn a_task_is_changed_in_what_is_given_and_null_takes_away_what_may_be_absent() {
    let made = Made::nothing();
    let task = made.task(&json!({"description": "the first", "metadata": {"a": 1}}));
    let path = path_of("tasks", &task, "");
    let changed = patch(&path, &json!({"description": "the second"})).data();
    assert_eq!(changed["description"], "the second");
    for field in [
        "id",
        "name",
        "version",
        "enabled",
        "metadata",
        "sourceCode",
        "createdAt",
    ] {
        assert_eq!(changed[field], task[field], "{field}");
    }
    let changed = patch(
        &path,
        &json!({"description": null, "metadata": null, "enabled": false}),
    )
    .data();
    assert_eq!(
        (&changed["description"], &changed["metadata"], &changed["enabled"]),
        (&Value::Null, &Value::Null, &json!(false))
    );
    let renamed = json!({"name": unique("task"), "version": "3.0.0", "inputSchema": {"type": "object"}});
    let changed = patch(&path, &renamed).data();
    assert_eq!(
        (&changed["name"], &changed["version"]),
        (&renamed["name"], &renamed["version"])
    );
    assert_eq!(get(&path).data(), changed);
}

#[test]
pub(crate) fn a_task_is_disabled_and_enabled() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    for (verb, enabled) in [
        ("/disable", false),
        ("/disable", false),
        ("/enable", true),
        ("/enable", true),
    ] {
        let answered = act(&path_of("tasks", &task, verb)).data();
        assert_eq!(answered["enabled"], enabled, "{verb}");
        assert_eq!(get(&path_of("tasks", &task, "")).data(), answered);
    }
}

#[test]
pub(crate) fn a_task_is_deleted_with_204_and_nothing_else() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let path = path_of("tasks", &task, "");
    let answer = delete(&path).expect(204);
    assert_eq!(answer.text, "");
    get(&path).error(404, "NOT_FOUND");
    delete(&path).error(404, "NOT_FOUND");
}

#[test]
pub(crate) fn tasks_are_counted_and_synchronized() {
    let made = Made::nothing();
    made.task(&json!({"enabled": false}));
    made.task(&json!({}));
    let stats = get("/tasks/stats").expect(200).body["stats"].take();
    has(
        &stats,
        "totalTasks enabledTasks disabledTasks registryTasks databaseTasks validationErrors lastSync",
    );
    let number = |field: &str| stats[field].as_u64().unwrap();
    assert_eq!(
        number("totalTasks"),
        number("enabledTasks") + number("disabledTasks")
    );
    assert_eq!(
        number("totalTasks"),
        number("registryTasks") + number("databaseTasks")
    );
    assert!(
        number("disabledTasks") >= 1 && number("databaseTasks") >= 2,
        "{stats}"
    );

    let synchronized = act("/tasks/sync").data();
    assert_eq!(synchronized["success"], true);
    assert!(synchronized["message"].is_string());
    is_instant(&get("/tasks/stats").expect(200).body["stats"]["lastSync"]);
}

#[test]
pub(crate) fn a_task_has_a_tag_and_a_change_of_a_stale_one_is_refused() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let path = path_of("tasks", &task, "");
    let tag = |answer: crate::client::Answer| answer.expect(200).headers["etag"].clone();
    let first = tag(get(&path));
    assert_eq!(tag(get(&path)), first, "nobody changed it");
    let second = tag(patch(&path, &json!({"description": "changed"})));
    assert_ne!(second, first);
    assert_eq!(tag(get(&path)), second);

    let stale = [("if-match", &*first)];
    let change = json!({"description": "too late"});
    send_json("PATCH", &path, &stale, &change).any_error(412);
    for verb in ["/enable", "/disable"] {
        send("POST", &under(&format!("{path}{verb}")), &stale, None).any_error(412);
    }
    send("DELETE", &under(&path), &stale, None).any_error(412);
    assert_eq!(get(&path).data()["description"], "changed");

    let fresh = [("if-match", &*second)];
    let third = tag(send_json(
        "PATCH",
        &path,
        &fresh,
        &json!({"description": "in time"}),
    ));
    send_json(
        "PATCH",
        &path,
        &[("if-match", "*")],
        &json!({"description": "whatever it was"}),
    )
    .expect(200);
    send("DELETE", &under(&path), &[("if-match", &*third)], None).any_error(412);
    let last = tag(get(&path));
    send("DELETE", &under(&path), &[("if-match", &*last)], None).expect(204);
}
