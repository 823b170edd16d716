//! What the predecessor did wrong, sentence by sentence.

use serde_json::json;

use crate::client::{act, delete, get, has, patch, post, until};
use crate::made::{FAR, Made, cancel_job, job_until, path_of, text, thing_until, unique};

#[test]
pub(crate) fn disabled_schedules_are_listed_and_the_total_is_theirs_too() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    for enabled in [true, false, false] {
        made.schedule(&task, &json!({"enabled": enabled}));
    }
    for (filter, total) in [("", 3), ("&enabled=true", 1), ("&enabled=false", 2)] {
        let answer = get(&format!("/schedules?taskId={}{filter}", text(&task["id"])));
        assert_eq!(
            (answer.total(), answer.rows().len() as u64),
            (total, total),
            "{filter}"
        );
    }
}

#[test]
pub(crate) fn the_input_of_a_job_and_of_a_trigger_reaches_the_task() {
    let made = Made::nothing();
    let task = made.task(&json!({"sourceCode": "(input) => ({ got: input })"}));
    let input = json!({"text": "ä \"quoted\"", "number": 1.5, "list": [null, true, {"a": {}}]});
    let job = made.job(&task, &json!({"input": input}));
    let schedule = made.schedule(&task, &json!({}));
    let trigger = post(
        &path_of("schedules", &schedule, "/trigger"),
        &json!({"input": input}),
    );
    let triggered = trigger.data()["job"].take();
    for job in [job, triggered] {
        assert_eq!(job["input"], input);
        job_until(&job, "COMPLETED");
        let execution = get(&format!("/executions?jobId={}", text(&job["id"])))
            .rows()
            .remove(0);
        assert_eq!(
            (&execution["input"], &execution["output"]["got"]),
            (&input, &input)
        );
    }
}

#[test]
pub(crate) fn a_missing_id_is_not_found_and_no_failure_of_the_server() {
    for resource in ["tasks", "schedules", "jobs", "executions"] {
        for id in [
            "00000000-0000-7000-8000-00000000dead",
            "17",
            "no-id",
            "%20",
            "a%2Fb",
        ] {
            let path = format!("/{resource}/{id}");
            get(&path).error(404, "NOT_FOUND");
            patch(&path, &json!({})).error(404, "NOT_FOUND");
            delete(&path).error(404, "NOT_FOUND");
        }
    }
}

#[test]
pub(crate) fn results_go_to_standard_output_and_any_word_may_stand_in_a_text() {
    let made = Made::nothing();
    let words = "update; DROP TABLE jobs -- delete <script>alert('insert')</script> ../exec union select";
    let task = made.task(&json!({"description": words, "metadata": {"note": words}}));
    assert_eq!(
        (&task["description"], &task["metadata"]["note"]),
        (&json!(words), &json!(words))
    );
    let schedule = made.schedule(&task, &json!({
        "name": format!("update {}", unique("schedule")), "description": words, "input": {"sql": words},
        "outputDestinations": [{"destinationType": "stdio", "stdio": {"stream": "stdout", "format": "JSON"}}],
    }));
    assert_eq!(
        (&schedule["description"], &schedule["input"]["sql"]),
        (&json!(words), &json!(words))
    );
    assert_eq!(schedule["outputDestinations"][0]["destinationType"], "stdio");
    let patched = patch(
        &path_of("schedules", &schedule, ""),
        &json!({"description": format!("{words}!")}),
    )
    .data();
    assert_eq!(patched["description"], format!("{words}!"));
}

#[test]
pub(crate) fn an_expression_of_five_fields_fires_by_the_dialect_that_it_was_checked_by() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    // Where dialects differ: the numbers of weekdays, and a day of the month with a weekday.
    for (expression, first) in [
        ("30 4 * * *", "2030-01-01T04:30:00Z"),
        ("0 0 * * 1", "2030-01-07T00:00:00Z"),
        ("0 0 * * 0", "2030-01-06T00:00:00Z"),
        ("0 0 * * 7", "2030-01-06T00:00:00Z"),
        ("0 0 * * MON", "2030-01-07T00:00:00Z"),
        ("0 0 13 * 5", "2030-01-04T00:00:00Z"),
        ("*/15 9-17 * * 1-5", "2030-01-01T09:00:00Z"),
    ] {
        let schedule = made.schedule(&task, &json!({"cronExpression": expression}));
        let next = |query: &str| get(&path_of("schedules", &schedule, &format!("/next?{query}"))).data();
        assert_eq!(
            next("count=1&from=2029-12-31T23:59:59Z")["instants"][0]["utc"],
            first,
            "{expression}"
        );
        // What is stored to fire is what is shown, and what is shown of the text alone. Between two requests it may fire.
        until("the next run is the first of the next instants", || {
            let stored = get(&path_of("schedules", &schedule, "")).data()["nextRun"].take();
            let preview = post(
                "/schedules/preview",
                &json!({"cronExpression": expression, "count": 1}),
            )
            .data();
            let shown = &next("count=1")["instants"][0]["utc"];
            (stored == *shown && stored == preview["instants"][0]["utc"]).then_some(())
        });
    }
}

#[test]
pub(crate) fn a_schedule_fires_when_it_says_and_its_job_runs() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let schedule = made.schedule(
        &task,
        &json!({"cronExpression": "* * * * * *", "input": {"a": 2, "b": 2}}),
    );
    let ticks = path_of("schedules", &schedule, "/ticks?outcome=FIRED");
    let tick = until("it has fired", || get(&ticks).rows().into_iter().next());
    let job = job_until(
        &get(&format!("/jobs/{}", text(&tick["jobId"]))).data(),
        "COMPLETED",
    );
    assert_eq!(
        (&job["scheduleId"], &job["input"]),
        (&schedule["id"], &json!({"a": 2, "b": 2}))
    );
    assert_eq!(job["scheduledFor"], tick["scheduledFor"]);
    let shown = get(&path_of("schedules", &schedule, "")).data();
    assert!(shown["lastRun"].is_string(), "{shown}");
}

#[test]
pub(crate) fn a_cancelled_execution_is_recorded_as_cancelled() {
    let made = Made::nothing();
    let job = made.job(&made.task(&json!({})), &json!({"input": {"forever": true}}));
    let running = job_until(&job, "PROCESSING");
    cancel_job(&job);
    let execution = json!({"id": running["executionId"]});
    let cancelled = thing_until("executions", &execution, "CANCELLED");
    has(&cancelled, "errorMessage completedAt");
    let listed = get(&format!("/executions?jobId={}&status=FAILED", text(&job["id"])));
    assert_eq!(listed.expect(200).total(), 0);
}

#[test]
pub(crate) fn a_disabled_schedule_is_triggered_by_hand() {
    let made = Made::nothing();
    let schedule = made.schedule(
        &made.task(&json!({})),
        &json!({"enabled": false, "cronExpression": FAR}),
    );
    let triggered = act(&path_of("schedules", &schedule, "/trigger")).data();
    job_until(&triggered["job"], "COMPLETED");
    let after = get(&path_of("schedules", &schedule, "")).data();
    assert_eq!(
        (after["enabled"].as_bool(), after["nextRun"].is_null()),
        (Some(false), true)
    );
}
