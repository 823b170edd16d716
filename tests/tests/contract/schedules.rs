//! Schedules.

use serde_json::{Value, json};

use crate::client::{Answer, act, delete, get, has, patch, post, send, send_json, under};
use crate::envelopes::are_instants;
use crate::made::{FAR, Made, job_until, path_of, text, unique};

const FIELDS: &str = "id taskId name description cronExpression enabled nextRun lastRun createdAt updatedAt \
                      outputDestinations timezone input policies";

#[test]
pub(crate) fn a_schedule_is_created_with_all_that_is_given_and_shown_with_every_field() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let given = json!({
        "name": unique("schedule"), "taskId": task["id"], "description": "Once a year.", "cronExpression": FAR,
        "timezone": "Europe/Berlin", "enabled": true, "input": {"a": [1, {"b": null}]}, "priority": "HIGH",
        "maxRetries": 2, "timeoutSeconds": 60, "metadata": {"team": "blue"},
    });
    let policies = json!({"overlap": "BUFFER_ONE", "misfire": "SKIP", "maxRuns": 9});
    let answer = post(
        "/schedules",
        &crate::made::with(given.clone(), &json!({"policies": policies})),
    )
    .expect(201);
    assert!(answer.headers.contains_key("etag"), "{answer:?}");
    let schedule = answer.created();
    made.will_delete_schedule(&schedule);
    has(&schedule, FIELDS);
    for (field, value) in given.as_object().unwrap() {
        assert_eq!(schedule[field], *value, "{field}");
    }
    for (field, value) in policies.as_object().unwrap() {
        assert_eq!(schedule["policies"][field], *value, "{field}");
    }
    are_instants(&schedule, "createdAt updatedAt nextRun lastRun");
    assert!(
        schedule["nextRun"].is_string() && schedule["lastRun"].is_null(),
        "{schedule}"
    );
    assert_eq!(get(&path_of("schedules", &schedule, "")).data(), schedule);
    let listed = get(&format!("/schedules?name={}", text(&schedule["name"]))).rows();
    assert_eq!(listed, [schedule]);
}

#[test]
pub(crate) fn a_schedule_is_changed_in_what_is_given_and_its_next_run_with_it() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let schedule = made.schedule(&task, &json!({"description": "the first", "input": {"a": 1}}));
    let path = path_of("schedules", &schedule, "");
    let changed = patch(
        &path,
        &json!({"cronExpression": "0 0 2 2 *", "timezone": "Asia/Tokyo"}),
    )
    .data();
    assert_ne!(changed["nextRun"], schedule["nextRun"]);
    assert_eq!(changed["timezone"], "Asia/Tokyo");
    for field in [
        "id",
        "taskId",
        "name",
        "description",
        "input",
        "enabled",
        "createdAt",
        "policies",
    ] {
        assert_eq!(changed[field], schedule[field], "{field}");
    }
    let changed = patch(
        &path,
        &json!({"description": null, "input": {"b": 2}, "name": unique("schedule")}),
    )
    .data();
    assert_eq!(
        (&changed["description"], &changed["input"]),
        (&Value::Null, &json!({"b": 2}))
    );
    assert_ne!(changed["name"], schedule["name"]);
    assert_eq!(get(&path).data(), changed);
}

#[test]
pub(crate) fn a_schedule_is_disabled_and_enabled_and_has_a_next_run_while_it_is() {
    let made = Made::nothing();
    let schedule = made.schedule(&made.task(&json!({})), &json!({}));
    for (verb, enabled) in [
        ("/disable", false),
        ("/disable", false),
        ("/enable", true),
        ("/enable", true),
    ] {
        let answered = act(&path_of("schedules", &schedule, verb)).data();
        assert_eq!(
            (answered["enabled"].as_bool(), answered["nextRun"].is_string()),
            (Some(enabled), enabled),
            "{verb}"
        );
        assert_eq!(get(&path_of("schedules", &schedule, "")).data(), answered);
    }
}

#[test]
pub(crate) fn a_schedule_is_triggered_with_its_own_input_or_another() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let schedule = made.schedule(&task, &json!({"input": {"a": 1, "b": 2}}));
    let path = path_of("schedules", &schedule, "/trigger");
    for (answer, input) in [
        (act(&path), json!({"a": 1, "b": 2})),
        (post(&path, &json!({})), json!({"a": 1, "b": 2})),
        (
            post(&path, &json!({"input": {"a": 5, "b": 6}})),
            json!({"a": 5, "b": 6}),
        ),
    ] {
        let triggered = answer.data();
        has(&triggered, "success message job");
        assert_eq!(triggered["success"], true);
        assert!(triggered["message"].is_string());
        let job = &triggered["job"];
        assert_eq!(
            (&job["input"], &job["scheduleId"], &job["taskId"]),
            (&input, &schedule["id"], &task["id"])
        );
        let ended = job_until(job, "COMPLETED");
        let execution = get(&format!("/executions?jobId={}", text(&ended["id"])))
            .rows()
            .remove(0);
        let sum = input["a"].as_u64().unwrap() + input["b"].as_u64().unwrap();
        assert_eq!(
            (&execution["input"], &execution["output"]["sum"]),
            (&input, &json!(sum))
        );
    }
}

#[test]
pub(crate) fn a_schedule_is_deleted_with_200_and_its_jobs_stay() {
    let made = Made::nothing();
    let schedule = made.schedule(&made.task(&json!({})), &json!({}));
    let path = path_of("schedules", &schedule, "");
    let job = act(&format!("{path}/trigger")).data()["job"].take();
    delete(&path).expect(200);
    get(&path).error(404, "NOT_FOUND");
    delete(&path).error(404, "NOT_FOUND");
    get(&path_of("jobs", &job, "")).data();
    job_until(&job, "COMPLETED");
}

#[test]
pub(crate) fn schedules_are_counted() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    made.schedule(&task, &json!({"enabled": false}));
    let schedule = made.schedule(&task, &json!({}));
    act(&path_of("schedules", &schedule, "/trigger")).expect(200);
    let stats = get("/schedules/stats").expect(200).body["stats"].take();
    has(
        &stats,
        "totalSchedules enabledSchedules disabledSchedules schedulesReadyToRun averageExecutionIntervalMinutes \
         lastExecution nextExecution",
    );
    let number = |field: &str| stats[field].as_u64().unwrap();
    assert_eq!(
        number("totalSchedules"),
        number("enabledSchedules") + number("disabledSchedules")
    );
    assert!(
        number("enabledSchedules") >= 1 && number("disabledSchedules") >= 1,
        "{stats}"
    );
    assert!(
        number("schedulesReadyToRun") <= number("enabledSchedules"),
        "{stats}"
    );
    are_instants(&stats, "lastExecution nextExecution");
    assert!(stats["nextExecution"].is_string(), "{stats}");
}

#[test]
pub(crate) fn a_schedule_has_a_tag_and_a_change_of_a_stale_one_is_refused() {
    let made = Made::nothing();
    let schedule = made.schedule(&made.task(&json!({})), &json!({}));
    let path = path_of("schedules", &schedule, "");
    let tag = |answer: Answer| answer.expect(200).headers["etag"].clone();
    let first = tag(get(&path));
    act(&format!("{path}/trigger")).expect(200);
    assert_eq!(tag(get(&path)), first, "a run is no edit");
    let second = tag(patch(&path, &json!({"description": "changed"})));
    assert_ne!(second, first);

    let stale = [("if-match", &*first)];
    send_json("PATCH", &path, &stale, &json!({"description": "too late"})).any_error(412);
    for verb in ["/enable", "/disable"] {
        send("POST", &under(&format!("{path}{verb}")), &stale, None).any_error(412);
    }
    send("DELETE", &under(&path), &stale, None).any_error(412);
    assert_eq!(get(&path).data()["description"], "changed");

    let third = tag(send_json(
        "PATCH",
        &path,
        &[("if-match", &*second)],
        &json!({"description": "in time"}),
    ));
    send("DELETE", &under(&path), &[("if-match", &*third)], None).expect(200);
}
