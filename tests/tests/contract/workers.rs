//! Workers: what really runs jobs.

use serde_json::{Value, json};

use crate::client::{get, has, until};
use crate::made::{Made, cancel_job, job_until, text};

#[test]
pub(crate) fn a_worker_shows_the_job_that_runs_and_no_longer_once_it_has_ended() {
    let made = Made::nothing();
    let job = made.job(&made.task(&json!({})), &json!({"input": {"forever": true}}));
    job_until(&job, "PROCESSING");
    let workers = get("/workers").rows();
    let has_it = |worker: &Value| worker["jobs"].to_string().contains(&text(&job["id"]));
    let worker = workers.iter().find(|worker| has_it(worker));
    let worker = worker.unwrap_or_else(|| panic!("nobody has {job}: {workers:?}"));
    has(worker, "id status");
    text(&worker["id"]);
    text(&worker["status"]);
    cancel_job(&job);
    until("nobody has the job", || {
        (!get("/workers").rows().iter().any(has_it)).then_some(())
    });
}

#[test]
pub(crate) fn workers_are_counted_with_what_they_do() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let stats = || get("/workers/stats").expect(200).body["stats"].take();
    let before = stats();
    has(&before, "totalWorkers activeWorkers idleWorkers");
    let number = |stats: &Value, field: &str| stats[field].as_u64().unwrap();
    let parts = ["activeWorkers", "idleWorkers", "stalledWorkers"];
    let sum: u64 = parts.iter().map(|field| number(&before, field)).sum();
    assert_eq!(
        (
            number(&before, "totalWorkers"),
            number(&before, "totalWorkers") > 0
        ),
        (sum, true)
    );
    job_until(&made.job(&task, &json!({})), "COMPLETED");
    assert!(
        number(&stats(), "jobsStarted") > number(&before, "jobsStarted"),
        "{before}"
    );
    until("it has ended", || {
        (number(&stats(), "jobsFinished") > number(&before, "jobsFinished")).then_some(())
    });
}
