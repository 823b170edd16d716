//! Jobs.

use serde_json::{Value, json};

use crate::client::{act, delete, get, has, patch, post};
use crate::envelopes::are_instants;
use crate::made::{FAR_OFF, Made, cancel_job, job_until, path_of, text, with};

const FIELDS: &str = "id taskId priority status retryCount maxRetries queuedAt scheduledFor errorMessage \
                      outputDestinations scheduleId input runAfter";

#[test]
pub(crate) fn a_job_is_created_with_all_that_is_given_and_shown_with_every_field() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let to_stdout = json!([{"destinationType": "stdio", "stdio": {"stream": "stdout", "format": "JSON"}}]);
    let given = json!({
        "taskId": task["id"], "input": {"a": [1, {"b": null}], "text": "ä"}, "priority": "CRITICAL", "maxRetries": 4,
        "scheduledFor": FAR_OFF,
    });
    let job = post(
        "/jobs",
        &with(given.clone(), &json!({"outputDestinations": to_stdout})),
    )
    .created();
    has(&job, FIELDS);
    for (field, value) in given.as_object().unwrap() {
        assert_eq!(job[field], *value, "{field}");
    }
    assert_eq!(
        (&job["status"], &job["retryCount"]),
        (&json!("QUEUED"), &json!(0))
    );
    assert_eq!(
        (&job["runAfter"], &job["scheduleId"]),
        (&json!(FAR_OFF), &Value::Null)
    );
    let destination = &job["outputDestinations"][0];
    assert_eq!(
        (&destination["destinationType"], &destination["stdio"]["stream"]),
        (&json!("stdio"), &json!("stdout"))
    );
    are_instants(&job, "queuedAt scheduledFor runAfter");
    assert_eq!(get(&path_of("jobs", &job, "")).data(), job);
    let listed = get(&format!("/jobs?taskId={}", text(&task["id"]))).rows();
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &job["id"]));
    has(&listed[0], FIELDS);
}

#[test]
pub(crate) fn a_job_runs_and_shows_why_it_failed_if_it_did() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let completed = job_until(&made.job(&task, &json!({})), "COMPLETED");
    assert_eq!(completed["errorMessage"], Value::Null);
    let failed = made.job(&task, &json!({"input": {"fail": true}, "maxRetries": 0}));
    let failed = job_until(&failed, "FAILED");
    assert!(
        text(&failed["errorMessage"]).contains("it was asked to fail"),
        "{failed}"
    );
    assert_eq!(failed["retryCount"], 0);
}

#[test]
pub(crate) fn a_waiting_job_is_changed_in_what_is_given() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let job = made.waiting_job(&task, &json!({"priority": "LOW", "maxRetries": 1}));
    let path = path_of("jobs", &job, "");
    let change = json!({"priority": "HIGH", "maxRetries": 5, "input": {"a": 7}, "scheduledFor": FAR_OFF});
    let changed = patch(&path, &change).data();
    for (field, value) in change.as_object().unwrap() {
        assert_eq!(changed[field], *value, "{field}");
    }
    for field in ["id", "taskId", "status", "queuedAt"] {
        assert_eq!(changed[field], job[field], "{field}");
    }
    assert_eq!(get(&path).data(), changed);
}

#[test]
pub(crate) fn a_waiting_job_is_cancelled_and_a_running_one_is_too() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let waiting = made.waiting_job(&task, &json!({}));
    let answer = act(&path_of("jobs", &waiting, "/cancel")).data();
    has(&answer, "success message");
    assert_eq!(answer["success"], true);
    assert_eq!(get(&path_of("jobs", &waiting, "")).data()["status"], "CANCELLED");

    let running = made.job(&task, &json!({"input": {"forever": true}}));
    job_until(&running, "PROCESSING");
    cancel_job(&running);
}

#[test]
pub(crate) fn a_job_that_failed_or_was_cancelled_is_put_back() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let failed = made.job(&task, &json!({"input": {"fail": true}, "maxRetries": 0}));
    job_until(&failed, "FAILED");
    act(&path_of("jobs", &failed, "/retry")).data();
    let attempts = format!("/executions?jobId={}", text(&failed["id"]));
    crate::client::until("it is tried again", || {
        (get(&attempts).expect(200).total() == 2).then_some(())
    });
    job_until(&failed, "FAILED");

    let cancelled = cancel_job(&made.waiting_job(&task, &json!({})));
    act(&path_of("jobs", &cancelled, "/retry")).data();
    job_until(&cancelled, "COMPLETED");
}

#[test]
pub(crate) fn a_job_that_has_ended_is_deleted_with_200() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let job = made.waiting_job(&task, &json!({}));
    let path = path_of("jobs", &job, "");
    delete(&path).error(409, "CONFLICT");
    cancel_job(&job);
    let answer = delete(&path).expect(200);
    assert_eq!(answer.body["success"], true, "{answer:?}");
    get(&path).error(404, "NOT_FOUND");
}

#[test]
pub(crate) fn jobs_are_counted() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    job_until(&made.job(&task, &json!({})), "COMPLETED");
    job_until(
        &made.job(&task, &json!({"input": {"fail": true}, "maxRetries": 0})),
        "FAILED",
    );
    cancel_job(&made.waiting_job(&task, &json!({})));
    made.waiting_job(&task, &json!({}));
    let stats = get("/jobs/stats").expect(200).body["stats"].take();
    let statuses = "queuedJobs processingJobs completedJobs failedJobs cancelledJobs retryingJobs";
    has(&stats, statuses);
    has(&stats, "totalJobs averageWaitTimeMs jobsLast24h");
    let number = |field: &str| stats[field].as_u64().unwrap();
    let sum: u64 = statuses.split(' ').map(number).sum();
    // A server may have others, as jobs that wait for other jobs.
    assert!(sum <= number("totalJobs"), "{stats}");
    for field in ["queuedJobs", "completedJobs", "failedJobs", "cancelledJobs"] {
        assert!(number(field) >= 1, "{stats}");
    }
    assert!(
        number("jobsLast24h") >= 4 && stats["averageWaitTimeMs"].as_f64().unwrap() >= 0.0,
        "{stats}"
    );
}
