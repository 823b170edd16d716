//! Backups beside a running server, and what becomes of them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use ratchet_tests::{ServerProcess, ratchet_binary};
use rustix::process::Signal;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
const SCHEDULES: usize = 5;

fn ratchet(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(ratchet_binary())
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [stdout, stderr].concat();
    (status.code(), String::from_utf8(said).unwrap())
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let (code, said) = ratchet(folder, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    said
}

/// Jobs of all schedules came to a result.
fn all_ran(server: &mut ServerProcess) {
    for number in 0..SCHEDULES {
        let (_, list) = server.get(&format!("/api/v1/schedules?name=every-second-{number}"));
        let id = list["data"][0]["id"].clone();
        server.wait_for_result(PATIENCE, |result| result["schedule"] == id);
    }
}

#[test]
fn a_backup_of_a_server_that_is_killed_later_is_restored_elsewhere_and_goes_on() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut server = ServerProcess::start(old.path(), &[]).ready();
    let schedules: Vec<_> = (0..SCHEDULES)
        .map(|number| {
            json!({
                "name": format!("every-second-{number}"), "task": "heartbeat", "cronExpression": "* * * * * *",
                "policies": {"overlap": "ALLOW"},
                "outputDestinations": [{"destinationType": "stdio", "stdio": {"includeMetadata": true}}],
            })
        })
        .collect();
    let body = json!({"schedules": schedules});
    let answer = server.send("POST", "/api/v1/schedules/apply", &[], Some(&body));
    assert_eq!(
        (answer.status, &answer.body["data"]["create"]),
        (200, &json!(SCHEDULES)),
        "{answer:?}"
    );
    all_ran(&mut server);

    let copy = new.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    let said = done(old.path(), &["backup", copy]);
    assert!(
        said.contains("sound, schema m2026") && said.contains("6 schedules"),
        "{said}"
    );
    let (code, said) = ratchet(old.path(), &["backup", copy]);
    assert_eq!((code, said.contains("--force")), (Some(2), true), "{said}");
    done(old.path(), &["backup", copy, "--force"]);
    let (code, said) = ratchet(old.path(), &["restore", copy, "--force"]);
    assert_eq!(
        (code, said.contains("another ratchet server")),
        (Some(1), true),
        "{said}"
    );
    let seen = server.results().len();
    server.watch(std::time::Instant::now() + PATIENCE, |results| {
        results.len() > seen + SCHEDULES
    });
    server.kill();

    let said = done(new.path(), &["restore", copy]);
    assert!(said.contains("6 schedules"), "{said}");
    let said = done(new.path(), &["verify"]);
    assert!(said.contains("every one accounted for"), "{said}");
    let mut server = ServerProcess::start(new.path(), &[]).ready();
    all_ran(&mut server);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    let said = done(new.path(), &["verify"]);
    assert!(said.contains("every one accounted for"), "{said}");
}
