//! The real binary does not run a task on an input that its schema does not allow.

use std::time::{Duration, Instant};

use ratchet_interfaces::{
    Choice, Clock, JobCondition, JobFilter, JobSort, JobStatus, PageRequest, SortOrder, TaskId, UnifiedJob,
};
use ratchet_scheduler::SystemClock;
use ratchet_storage::Database;
use ratchet_tests::ServerProcess;
use rustix::process::Signal;

const HEARTBEAT: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn a_heartbeat_with_a_number_for_input_fails_with_the_place_and_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("ratchet.db").display());
    let start = || ServerProcess::start(folder.path(), &["--database", &url]);
    // The first server makes the tables and the task.
    assert_eq!(start().ready().end_by(Signal::TERM).code, Some(0));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let task: TaskId = HEARTBEAT.parse().unwrap();
    let mut job = UnifiedJob::new(task, serde_json::json!(7), SystemClock::new().now());
    job.max_retries = Some(3);
    runtime.block_on(async {
        let database = Database::connect(&url).await.unwrap();
        let jobs = database.repositories().jobs();
        jobs.job_create_many(std::slice::from_ref(&job), &[])
            .await
            .unwrap();
        database.close().await.unwrap();
    });

    let mut server = start().ready();
    let failed = || {
        runtime.block_on(async {
            let database = Database::connect(&url).await.unwrap();
            let page = PageRequest::new(0, 10).unwrap();
            let sort = JobSort::QueuedAt(SortOrder::Ascending);
            let filter = JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Failed))]);
            let found = database
                .repositories()
                .jobs()
                .job_list(&filter, sort, page)
                .await
                .unwrap();
            database.close().await.unwrap();
            found.items
        })
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    let found = loop {
        let found = failed();
        if !found.is_empty() {
            break found;
        }
        assert!(Instant::now() < deadline, "the job did not fail");
        server.watch(Instant::now() + Duration::from_millis(50), |_| false);
    };
    assert_eq!((found[0].id, found[0].attempts), (job.id, 1));
    let error = found[0].error.as_deref().unwrap();
    assert!(
        error.contains("/input") && error.contains("\"object\""),
        "{error}"
    );
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}
