use std::time::Duration;

use ratchet_interfaces::{ExecutionId, JobId, NodeId, RunningJob, TaskId, WorkerReport};
use serde_json::json;

use crate::test_support::{Mocks, now};

fn with(running: usize, stalled: Option<&str>) -> Mocks {
    let job = || RunningJob {
        job_id: JobId::new(),
        execution_id: ExecutionId::new(),
        task_id: TaskId::new(),
        since: now(),
    };
    let report = WorkerReport {
        node: NodeId::new(),
        version: "9.8.7".to_owned(),
        started_at: now(),
        uptime: Duration::from_secs(60),
        slots: 4,
        running: std::iter::repeat_with(job).take(running).collect(),
        begun: 7,
        stalled: stalled.map(str::to_owned),
    };
    let mut mocks = Mocks::default();
    mocks.worker.expect_report().return_const(report);
    mocks
}

#[tokio::test]
async fn the_one_worker_is_this_process_and_says_what_it_runs() {
    for (running, stalled, status) in [
        (0, None, "IDLE"),
        (2, None, "RUNNING"),
        (1, Some("away"), "STALLED"),
    ] {
        let answer = with(running, stalled).get("/api/v1/workers").await;
        assert_eq!(answer.header("content-range"), "workers 0-0/1", "{answer:?}");
        let worker = &answer.body["data"][0];
        assert_eq!(
            (&worker["status"], &worker["slots"], &worker["runningJobs"]),
            (&json!(status), &json!(4), &json!(running))
        );
        assert_eq!(worker["jobs"].as_array().unwrap().len(), running);
        assert_eq!(worker["jobsFinished"], json!(7 - running));
    }
    let beyond = with(0, None).get("/api/v1/workers?page=2").await;
    assert_eq!(beyond.body["data"], json!([]));
}

#[tokio::test]
async fn numbers_about_workers_are_of_this_process() {
    let answer = with(3, None).get("/api/v1/workers/stats").await;
    assert_eq!(
        answer.body["stats"],
        json!({
            "totalWorkers": 1, "activeWorkers": 1, "idleWorkers": 0, "stalledWorkers": 0, "totalSlots": 4,
            "runningJobs": 3, "jobsStarted": 7, "jobsFinished": 4
        })
    );
}
