//! `ratchet job wait` and `job logs --follow` listen to a server, and to the one that comes after it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ratchet_tests::{ServerProcess, ratchet_binary};
use rustix::process::Signal;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(ratchet_binary());
    command
        .current_dir(folder)
        .args(arguments)
        .env_remove("RATCHET_SERVER")
        .env_remove("RATCHET_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(folder: &Path, arguments: &[&str]) -> Child {
    command(folder, arguments).spawn().unwrap()
}

/// What a command said that must have ended with this exit code.
fn ended(child: Child, code: i32) -> String {
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Until so many clients watch the events of a server.
fn until_watched(server: &ServerProcess, clients: f64) {
    let patience = Instant::now() + PATIENCE;
    loop {
        let (status, metrics) = server.get("/metrics");
        assert_eq!(status, 200, "{metrics}");
        let all = metrics["metrics"].as_array().unwrap().iter();
        let mut watching = all.filter(|metric| metric["name"] == "ratchet_event_clients");
        let watching = watching.next().map(|metric| &metric["samples"][0]["value"]);
        if watching.and_then(Value::as_f64) == Some(clients) {
            return;
        }
        assert!(Instant::now() < patience, "{watching:?} watch");
    }
}

#[test]
fn who_waits_for_a_job_is_told_of_its_end_by_the_server_that_was_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = ServerProcess::start(folder, &[]).ready();
    let address = first.address().unwrap().to_string();
    let create = ["job", "create", "--task", "wait", "--at", "+1d", "-o", "json"];
    let create = [&create[..], &["--input", "{\"seconds\": 0}"]].concat();
    let job: Value = serde_json::from_str(&ended(start(folder, &create), 0)).unwrap();
    let id = job["id"].as_str().unwrap();

    let waits = start(folder, &["job", "wait", id]);
    let follows = start(folder, &["job", "logs", id, "--follow"]);
    until_watched(&first, 2.0);
    assert_eq!(first.end_by(Signal::TERM).code, Some(0));
    let second = ServerProcess::start(folder, &["--bind", &address]).ready();
    until_watched(&second, 2.0);
    ended(start(folder, &["job", "cancel", id, "--reason", "no need"]), 0);
    assert_eq!(ended(waits, 1), format!("{id} cancelled: no need\n"));
    assert_eq!(ended(follows, 0), "");
    assert_eq!(second.end_by(Signal::TERM).code, Some(0));
}
