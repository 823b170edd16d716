//! `ratchet serve` as a person meets it: on an empty folder, on a bad day, and at its end.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use ratchet_interfaces::{ScheduleState, UnifiedSchedule};
use ratchet_tests::{ServerProcess, ratchet_binary, set_back_heartbeat, with_repositories};
use rustix::process::{Pid, Signal, kill_process};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn said(log: &[serde_json::Value]) -> String {
    log.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn on_an_empty_folder_it_is_healthy_and_has_the_heartbeat_scheduled() {
    let folder = folder();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    assert!(folder.path().join("ratchet.db").exists());
    let (status, health) = server.get("/health");
    assert_eq!((status, health["status"].as_str()), (200, Some("healthy")));
    let (status, detailed) = server.get("/health/detailed");
    assert_eq!(
        (status, detailed["status"].as_str()),
        (200, Some("healthy")),
        "{detailed}"
    );
    let scheduler = detailed["checks"]["scheduler"]["message"].as_str().unwrap();
    assert!(scheduler.starts_with("1 schedules"), "{scheduler}");
    assert_eq!(server.get("/ready").0, 200);
    assert_eq!(server.get("/live").0, 200);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn both_stop_signals_end_it_with_code_zero() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = folder();
        let exit = ServerProcess::start(folder.path(), &[]).ready().end_by(signal);
        assert_eq!(exit.code, Some(0), "{}", said(&exit.log));
        assert!(
            said(&exit.log).contains("the server has stopped"),
            "{}",
            said(&exit.log)
        );
    }
}

/// A database that takes connections and never says a word.
fn silent_database() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://ratchet@{}/ratchet", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn while_it_waits_for_its_database_it_answers_and_either_stop_signal_ends_it() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = folder();
        let (_listener, url) = silent_database();
        let server = ServerProcess::start(folder.path(), &["--database", &url]).listening();
        assert_eq!(server.get("/live").0, 200);
        assert_eq!(server.get("/ready").0, 503);
        let (status, health) = server.get("/health");
        assert_eq!((status, health["status"].as_str()), (503, Some("starting")));
        let exit = server.end_by(signal);
        assert_eq!(exit.code, Some(0), "{}", said(&exit.log));
        assert!(said(&exit.log).contains("broken off"), "{}", said(&exit.log));
    }
}

#[test]
fn a_second_server_on_the_same_file_is_refused() {
    let folder = folder();
    let first = ServerProcess::start(folder.path(), &[]).ready();
    let second = ServerProcess::start(folder.path(), &[]).ended();
    assert_eq!(second.code, Some(1));
    assert!(said(&second.log).contains("another"), "{}", said(&second.log));
    assert_eq!(first.get("/health").0, 200);
    assert_eq!(first.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = folder();
    let output = Command::new(ratchet_binary())
        .current_dir(folder.path())
        .args(["serve", "--bind", &address])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("server.bind") && error.contains(&address),
        "{error}"
    );
    assert!(
        !folder.path().join("ratchet.db").exists(),
        "nothing was half done"
    );
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let folder = folder();
    std::fs::write(
        folder.path().join("ratchet.db"),
        "this is a shopping list, and a long one\n".repeat(200),
    )
    .unwrap();
    let exit = ServerProcess::start(folder.path(), &[]).ended();
    assert_eq!(exit.code, Some(1));
    assert!(said(&exit.log).contains("ratchet.db"), "{}", said(&exit.log));
    assert!(said(&exit.log).contains("not a database"), "{}", said(&exit.log));
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let folder = folder();
    let exit = ServerProcess::start(folder.path(), &["--database", "sqlite://nowhere/at/all.db"]).ended();
    assert_eq!(exit.code, Some(1));
    assert!(
        said(&exit.log).contains("nowhere/at/all.db"),
        "{}",
        said(&exit.log)
    );
}

#[test]
fn a_setting_that_is_wrong_is_named_with_its_value() {
    let folder = folder();
    let exit = ServerProcess::start(folder.path(), &["--max-concurrent-jobs", "0"]).ended();
    assert_eq!(exit.code, Some(2));
    assert!(
        said(&exit.log).contains("max_concurrent_jobs is 0"),
        "{}",
        said(&exit.log)
    );
}

#[test]
fn a_heartbeat_that_was_missed_runs_at_the_start_and_prints_one_line() {
    let folder = folder();
    assert_eq!(
        ServerProcess::start(folder.path(), &[])
            .ready()
            .end_by(Signal::TERM)
            .code,
        Some(0)
    );
    set_back_heartbeat(folder.path());
    let mut server = ServerProcess::start(folder.path(), &[]).ready();
    let beat = server.wait_for_result(Duration::from_secs(30), |result| result["status"].is_string());
    assert_eq!(beat["status"], "ok");
    assert!(
        beat["timestamp"].is_string() && beat["message"].is_string(),
        "{beat}"
    );
    assert_eq!(beat["system_info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(beat["system_info"]["active_jobs"], 1, "the heartbeat itself");
    assert!(beat["system_info"]["uptime_seconds"].is_number(), "{beat}");
    let exit = server.end_by(Signal::TERM);
    assert_eq!((exit.code, exit.results.len()), (Some(0), 1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_whose_log_cannot_be_written_runs_on() {
    let folder = folder();
    let first = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(first.end_by(Signal::TERM).code, Some(0));
    set_back_heartbeat(folder.path());
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut server = Command::new(ratchet_binary())
        .current_dir(folder.path())
        .args(["serve", "--bind", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(full)
        .spawn()
        .unwrap();
    let mut result = String::new();
    let mut results = BufReader::new(server.stdout.take().unwrap());
    results.read_line(&mut result).unwrap();
    assert!(result.contains("\"status\":\"ok\""), "{result}");
    let pid = Pid::from_raw(i32::try_from(server.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn a_stored_schedule_that_cannot_be_understood_is_disabled_with_its_reason_and_the_others_run() {
    let folder = folder();
    assert_eq!(
        ServerProcess::start(folder.path(), &[])
            .ready()
            .end_by(Signal::TERM)
            .code,
        Some(0)
    );
    set_back_heartbeat(folder.path());
    with_repositories(folder.path(), async |repositories| {
        let schedules = repositories.schedules();
        let heartbeat = schedules
            .schedule_find_by_name("system_heartbeat")
            .await
            .unwrap()
            .unwrap();
        let broken = UnifiedSchedule::new("nightly", heartbeat.task_id, "61 * * * *", heartbeat.created_at);
        schedules.schedule_create(&broken).await.unwrap();
    });
    let mut server = ServerProcess::start(folder.path(), &[]).ready();
    let (status, detailed) = server.get("/health/detailed");
    assert_eq!(
        (status, detailed["status"].as_str()),
        (200, Some("degraded")),
        "{detailed}"
    );
    let message = detailed["checks"]["scheduler"]["message"].as_str().unwrap();
    assert!(message.contains("nightly") && message.contains("61"), "{message}");
    server.wait_for_result(Duration::from_secs(30), |result| result["status"].is_string());
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    with_repositories(folder.path(), async |repositories| {
        let schedules = repositories.schedules();
        let row = schedules.schedule_find_by_name("nightly").await.unwrap().unwrap();
        assert!(!row.enabled);
        assert_eq!(row.state, ScheduleState::Invalid);
        assert!(row.state_reason.unwrap().contains("minute"));
    });
}

#[test]
fn the_default_schedule_is_not_made_again_once_somebody_disabled_it() {
    let folder = folder();
    assert_eq!(
        ServerProcess::start(folder.path(), &[])
            .ready()
            .end_by(Signal::TERM)
            .code,
        Some(0)
    );
    with_repositories(folder.path(), async |repositories| {
        let schedules = repositories.schedules();
        let mut heartbeat = schedules
            .schedule_find_by_name("system_heartbeat")
            .await
            .unwrap()
            .unwrap();
        heartbeat.enabled = false;
        heartbeat.name = "mine now".to_owned();
        schedules.schedule_update(&heartbeat).await.unwrap();
    });
    assert_eq!(
        ServerProcess::start(folder.path(), &[])
            .ready()
            .end_by(Signal::TERM)
            .code,
        Some(0)
    );
    with_repositories(folder.path(), async |repositories| {
        let schedules = repositories.schedules();
        assert!(
            schedules
                .schedule_find_by_name("system_heartbeat")
                .await
                .unwrap()
                .is_none()
        );
    });
}
