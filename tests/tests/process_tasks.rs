//! Tasks that are processes, in the real server.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::{Duration, Instant};

use ratchet_interfaces::{Clock, OutputDestination, Task, TaskDefinition, TaskId, UnifiedJob};
use ratchet_scheduler::SystemClock;
use ratchet_tests::{ServerProcess, with_repositories};
use rustix::process::Signal;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with the settings and the database of a server that may run `sh`, and a job that runs this script.
fn folder_with_job(script: impl Fn(&Path) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("ratchet.toml"),
        "[process]\nenabled = true\nallowed_commands = [\"sh\"]\n[server]\nshutdown_grace_seconds = 0\n",
    )
    .unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    with_repositories(folder.path(), async |repositories| {
        let now = SystemClock::new().now();
        let mut definition = TaskDefinition::new(TaskId::new(), "work", "1.0.0", "process");
        let source = json!({"command": "sh", "args": ["-c", script(folder.path())]});
        definition.source = Some(source.to_string());
        let task = Task::new(definition, "test", now);
        let tasks = repositories.tasks();
        tasks.task_upsert_many(std::slice::from_ref(&task)).await.unwrap();
        let job = UnifiedJob {
            output_destinations: vec![OutputDestination::stdout_json()],
            ..UnifiedJob::new(task.definition.id, Value::Null, now)
        };
        repositories.jobs().job_create_many(&[job], &[]).await.unwrap();
    });
    folder
}

/// Says its number; runs for ever the first time, and comes to its end another time.
fn once_for_ever(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "trap '' TERM; echo $$ >> {folder}/pids; if [ -e {folder}/again ]; then echo '\"done\"'; \
         else touch {folder}/again; while :; do sleep 1000; done; fi"
    )
}

fn pids(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("pids")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Whether a process with this number runs, and is no mere zombie.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with('Z'))
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: it did not come");
        std::thread::yield_now();
    }
}

fn ends_in_the_next_server(end: impl FnOnce(ServerProcess)) {
    let folder = folder_with_job(once_for_ever);
    let server = ServerProcess::start(folder.path(), &[]).ready();
    until("the process", || folder.path().join("again").exists());
    let first = pids(folder.path()).remove(0);
    assert!(runs(&first));
    end(server);
    until("the end of the process", || !runs(&first));

    let mut server = ServerProcess::start(folder.path(), &[]).ready();
    server.wait_for_result(PATIENCE, |result| result.to_string().contains("\"done\""));
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    assert_eq!(pids(folder.path()).len(), 2);
}

#[test]
fn a_process_of_a_server_that_is_killed_dies_with_it_and_its_job_runs_again() {
    ends_in_the_next_server(|server| {
        server.kill();
    });
}

#[test]
fn a_process_of_a_server_that_stops_is_ended_and_its_job_runs_again() {
    ends_in_the_next_server(|server| {
        assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    });
}
