//! Executions.

use serde_json::{Value, json};

use crate::client::{act, delete, get, has, patch, post, until};
use crate::envelopes::are_instants;
use crate::made::{Made, job_until, path_of, text, thing_until};

const FIELDS: &str = "id uuid taskId input output status errorMessage errorDetails queuedAt startedAt completedAt \
                      durationMs httpRequests recordingPath canRetry canCancel progress jobId attempt node";

/// Starts an execution of a task.
fn start(task: &Value, input: &Value) -> Value {
    post("/executions", &json!({"taskId": task["id"], "input": input})).created()
}

#[test]
pub(crate) fn an_execution_is_created_and_shown_with_every_field() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let input = json!({"a": 2, "b": 3});
    let created = start(&task, &input);
    has(&created, FIELDS);
    assert_eq!((&created["taskId"], &created["input"]), (&task["id"], &input));
    let ended = thing_until("executions", &created, "COMPLETED");
    has(&ended, FIELDS);
    assert_eq!(ended["uuid"], ended["id"]);
    assert_eq!(
        (&ended["taskId"], &ended["input"], &ended["output"]),
        (&task["id"], &input, &json!({"sum": 5}))
    );
    assert_eq!(
        (&ended["errorMessage"], &ended["attempt"]),
        (&Value::Null, &json!(1))
    );
    assert_eq!(
        (&ended["canRetry"], &ended["canCancel"]),
        (&json!(false), &json!(false))
    );
    assert!(ended["durationMs"].as_u64().is_some(), "{ended}");
    are_instants(&ended, "queuedAt startedAt completedAt");
    assert!(
        ended["completedAt"].is_string() && ended["startedAt"].is_string(),
        "{ended}"
    );
    let listed = get(&format!("/executions?jobId={}", text(&ended["jobId"]))).rows();
    assert_eq!(listed, [get(&path_of("executions", &ended, "")).data()]);
}

#[test]
pub(crate) fn an_execution_that_failed_shows_why_and_is_retried() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let job = made.job(&task, &json!({"input": {"fail": true}, "maxRetries": 0}));
    job_until(&job, "FAILED");
    let list = format!("/executions?jobId={}", text(&job["id"]));
    let failed = get(&list).rows().remove(0);
    assert_eq!(
        (&failed["status"], &failed["canRetry"]),
        (&json!("FAILED"), &json!(true))
    );
    assert!(
        text(&failed["errorMessage"]).contains("it was asked to fail"),
        "{failed}"
    );
    let next = act(&path_of("executions", &failed, "/retry")).data();
    has(&next, FIELDS);
    until("it is tried again", || {
        (get(&list).expect(200).total() == 2).then_some(())
    });
    job_until(&job, "FAILED");
    let retried = post(
        &path_of("executions", &get(&list).rows()[0], "/retry"),
        &json!({}),
    );
    retried.data();
    act(&path_of("executions", &failed, "/retry")).error(409, "CONFLICT");
    job_until(&job, "FAILED");
}

#[test]
pub(crate) fn a_running_execution_is_cancelled_and_recorded_as_cancelled() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let cancels: [fn(&str); 3] = [
        |path| drop(act(&format!("{path}/cancel")).data()),
        |path| drop(post(&format!("{path}/cancel"), &json!({"reason": "enough"})).data()),
        |path| drop(patch(path, &json!({"status": "CANCELLED"})).data()),
    ];
    for cancel in cancels {
        let execution = start(&task, &json!({"forever": true}));
        let running = thing_until("executions", &execution, "RUNNING");
        assert_eq!(
            (&running["canCancel"], &running["canRetry"]),
            (&json!(true), &json!(false))
        );
        cancel(&path_of("executions", &running, ""));
        let cancelled = thing_until("executions", &running, "CANCELLED");
        assert_eq!(
            (&cancelled["canCancel"], &cancelled["canRetry"]),
            (&json!(false), &json!(true))
        );
        assert!(cancelled["completedAt"].is_string(), "{cancelled}");
        act(&path_of("executions", &running, "/cancel")).error(409, "CONFLICT");
    }
}

#[test]
pub(crate) fn an_execution_that_has_ended_is_not_changed_and_is_deleted() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let ended = thing_until("executions", &start(&task, &json!({})), "COMPLETED");
    let path = path_of("executions", &ended, "");
    patch(&path, &json!({"output": {"sum": 7}})).error(400, "VALIDATION_ERROR");
    patch(&path, &json!({"status": "CANCELLED"})).error(409, "CONFLICT");
    assert_eq!(get(&path).data(), ended);
    let answer = delete(&path).expect(200);
    assert_eq!(answer.body["success"], true, "{answer:?}");
    get(&path).error(404, "NOT_FOUND");
}

#[test]
pub(crate) fn an_execution_has_the_lines_that_its_task_printed() {
    let made = Made::nothing();
    let lines = "() => { console.log('one'); console.warn('two'); console.error('three'); return {}; }";
    let task = made.task(&json!({"sourceCode": lines}));
    let ended = thing_until("executions", &start(&task, &json!({})), "COMPLETED");
    let path = path_of("executions", &ended, "/logs");
    let printed = get(&path).rows();
    for line in &printed {
        has(line, "timestamp level message");
        are_instants(line, "timestamp");
    }
    let messages: Vec<_> = printed.iter().map(|line| &line["message"]).collect();
    assert_eq!(messages, ["one", "two", "three"]);
    let second = get(&format!("{path}?page=2&limit=1"));
    assert_eq!((second.total(), second.rows()), (3, vec![printed[1].clone()]));
}

#[test]
pub(crate) fn executions_are_counted() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    thing_until("executions", &start(&task, &json!({})), "COMPLETED");
    let failing = made.job(&task, &json!({"input": {"fail": true}, "maxRetries": 0}));
    job_until(&failing, "FAILED");
    made.waiting_job(&task, &json!({}));
    let stats = get("/executions/stats").expect(200).body["stats"].take();
    let statuses = "runningExecutions completedExecutions failedExecutions cancelledExecutions";
    has(&stats, statuses);
    has(
        &stats,
        "totalExecutions pendingExecutions averageDurationMs successRate executionsLast24h",
    );
    let number = |field: &str| stats[field].as_u64().unwrap();
    let sum: u64 = statuses.split(' ').map(number).sum();
    let total = number("totalExecutions");
    assert!(
        [sum, sum + number("pendingExecutions")].contains(&total),
        "{stats}"
    );
    assert!(
        number("completedExecutions") >= 1 && number("failedExecutions") >= 1,
        "{stats}"
    );
    assert!(
        number("pendingExecutions") >= 1 && number("executionsLast24h") >= 2,
        "{stats}"
    );
    assert!(stats["averageDurationMs"].as_f64().unwrap() >= 0.0, "{stats}");
    let rate = stats["successRate"].as_f64().unwrap();
    assert!(rate > 0.0 && rate < 1.0, "{stats}");
}
