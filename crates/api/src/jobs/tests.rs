mod announcing;
mod cancelling;
mod changing;
mod creating;
mod delivering;
mod reading;
mod retrying;

use ratchet_interfaces::{JobId, Signal, TaskId, UnifiedJob};
use serde_json::json;

use crate::test_support::{Mocks, now};

const ALL: &str = "/api/v1/jobs";
const TASK: &str = "00000000-0000-0000-0000-0000000000aa";
const ID: &str = "00000000-0000-0000-0000-000000000001";
const OTHER: &str = "00000000-0000-0000-0000-000000000002";

fn path() -> String {
    format!("{ALL}/{ID}")
}

fn path_to(what: &str) -> String {
    format!("{ALL}/{ID}/{what}")
}

fn task_id() -> TaskId {
    TASK.parse().unwrap()
}

fn id() -> JobId {
    ID.parse().unwrap()
}

fn stored() -> UnifiedJob {
    UnifiedJob {
        id: id(),
        ..UnifiedJob::new(task_id(), json!({"size": 1}), now())
    }
}

/// Mocks in which the job is stored.
fn with(job: UnifiedJob) -> Mocks {
    let mut mocks = Mocks::default();
    mocks
        .jobs
        .expect_job_find()
        .returning(move |id| Ok((id == job.id).then(|| job.clone())));
    mocks
}

/// The signals of the mocks: that jobs are available, and that some are to stop.
fn signals(mocks: &Mocks) -> (Signal, Signal) {
    (mocks.jobs_available.clone(), mocks.jobs_stopping.clone())
}

/// Whether the signal was raised since it was asked last.
async fn is_raised(signal: &Signal) -> bool {
    tokio::select! {
        biased;
        () = signal.arm() => true,
        () = std::future::ready(()) => false,
    }
}
