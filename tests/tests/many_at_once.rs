//! Many jobs that really run at the same instant: each asks a server that answers none before all have asked.

#![cfg(target_os = "linux")]

use std::sync::Barrier;
use std::time::{Duration, Instant};

use ratchet_interfaces::{Clock, ExecutionStatus, OutputDestination, UnifiedJob};
use ratchet_scheduler::SystemClock;
use ratchet_tests::{
    ServerProcess, WebAnswer, WebServer, all_executions, memory_peak, task_named, with_repositories,
    write_task,
};
use rustix::process::{Resource, Signal, getrlimit, setrlimit};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(100);

#[test]
fn a_hundred_javascript_jobs_run_at_once_as_the_server_is_set_by_default() {
    run_at_once("javascript", 100, &[]);
}

#[test]
fn a_thousand_javascript_jobs_run_at_once_where_the_limit_is_raised() {
    run_at_once("javascript", 1_000, &["--max-concurrent-jobs", "1000"]);
}

#[test]
fn a_thousand_http_jobs_run_at_once_where_the_limit_is_raised() {
    run_at_once("http", 1_000, &["--max-concurrent-jobs", "1000"]);
}

fn run_at_once(runtime: &str, count: usize, arguments: &[&str]) {
    // This process has a connection for each job, as the server has.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).unwrap();

    let all_are_there = Barrier::new(count);
    let web = WebServer::start(move |_| {
        all_are_there.wait();
        WebAnswer::Status(200, "{\"all\": \"there\"}".to_owned())
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("ratchet.toml"),
        "[outbound]\nallowed_networks = [\"127.0.0.1\"]\n",
    )
    .unwrap();
    let request = json!({"url": web.url("/"), "extract": {"all": "/all"}, "timeout_seconds": 100});
    let source = "async (input) => (await fetch(input.url, {timeout: 100000})).json()";
    let files = [("main.js", source), ("request.json", &request.to_string())];
    write_task(folder.path(), "meets", json!({"runtime": runtime}), &files);
    let server = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    with_repositories(folder.path(), async |repositories| {
        let task = task_named(repositories, "meets").await;
        let now = SystemClock::new().now();
        let jobs: Vec<_> = (0..count)
            .map(|_| UnifiedJob {
                output_destinations: vec![OutputDestination::stdout_json()],
                ..UnifiedJob::new(task, json!({"url": web.url("/")}), now)
            })
            .collect();
        repositories.jobs().job_create_many(&jobs, &[]).await.unwrap();
    });

    let began = Instant::now();
    // As most systems have it. The server asks for more by itself.
    let mut server = ServerProcess::start_with_open_files(folder.path(), 1_024, arguments).ready();
    let idle = memory_peak(server.id());
    let met =
        |results: &[serde_json::Value]| results.iter().filter(|result| result["all"] == "there").count();
    server.watch(began + PATIENCE, |results| met(results) == count);
    let (took, peak) = (began.elapsed(), memory_peak(server.id()));
    assert_eq!(met(server.results()), count, "after {took:?}");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    with_repositories(folder.path(), async |repositories| {
        let executions = all_executions(repositories).await;
        assert!(executions.len() >= count);
        for execution in executions {
            assert_eq!(execution.status, ExecutionStatus::Completed, "{execution:#?}");
            assert_eq!(execution.attempt, 1);
        }
    });
    println!(
        "{count} {runtime} jobs at once: {} KiB at the most, {} KiB when it was ready; {took:?} from the start of the server",
        peak, idle
    );
}
