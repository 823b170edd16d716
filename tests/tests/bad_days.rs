//! What an operator may meet: a database of the future, a disk that is full or cannot be written to, broken rows.

use std::path::Path;
use std::time::{Duration, Instant};

use ratchet_tests::{EverySecond, Exit, PrivateDisk, ServerProcess, execute_sql, set_back_heartbeat};
use rustix::process::Signal;

fn said(exit: &Exit) -> String {
    exit.log.iter().map(|line| format!("{line}\n")).collect()
}

/// A folder with the database of a server that has stopped.
fn folder_with_database() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    folder
}

#[test]
fn a_database_that_a_newer_ratchet_migrated_is_refused_and_left_as_it_is() {
    let folder = folder_with_database();
    execute_sql(
        folder.path(),
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_fly', 0)",
    );
    let before = std::fs::read(folder.path().join("ratchet.db")).unwrap();
    let exit = ServerProcess::start(folder.path(), &[]).ended();
    assert_eq!(exit.code, Some(1));
    assert!(said(&exit).contains("m20991231_000001_fly"), "{}", said(&exit));
    assert_eq!(std::fs::read(folder.path().join("ratchet.db")).unwrap(), before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_makes_the_server_unhealthy_until_there_is_room_and_no_tick_is_lost_or_doubled() {
    let folder = folder_with_database();
    if !PrivateDisk::is_permitted(folder.path()) {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = |folder: &Path| format!("sqlite://{}", folder.join("ratchet.db").display());
    let schedules = runtime.block_on(EverySecond::create(&url(folder.path()), 3));

    let mut server = PrivateDisk::start(folder.path(), "").ready();
    let disk = PrivateDisk::of(&server);
    server.wait_for_result(Duration::from_secs(30), |_| true);
    disk.fill();
    server.wait_for_log("ticks cannot be made durable; trying until they can");
    let (status, health) = server.get("/health/detailed");
    assert_eq!(
        (status, health["status"].as_str()),
        (503, Some("unhealthy")),
        "{health}"
    );
    let reason = health["checks"]["scheduler"]["message"].as_str().unwrap();
    assert!(reason.contains("full"), "{reason}");

    disk.make_room();
    server.wait_for_log("ticks are durable again");
    let deadline = Instant::now() + Duration::from_secs(30);
    while server.get("/health/detailed").0 != 200 {
        assert!(Instant::now() < deadline, "{}", server.get("/health/detailed").1);
        server.watch(Instant::now() + Duration::from_millis(50), |_| false);
    }
    let before = server.results().len();
    server.watch(deadline, |results| results.len() > before + 3);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));

    let saved = tempfile::tempdir().unwrap();
    disk.save(saved.path());
    let (seconds, jobs) = runtime.block_on(schedules.audit(&url(saved.path())));
    println!("{seconds} nominal seconds, {jobs} of them became jobs");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_cannot_be_written_to_is_named_with_or_without_a_database_on_it() {
    for folder in [tempfile::tempdir().unwrap(), folder_with_database()] {
        if !PrivateDisk::is_permitted(folder.path()) {
            return;
        }
        let exit = PrivateDisk::start(folder.path(), "mount -o remount,ro \"$0/disk\"").ended();
        assert_eq!(exit.code, Some(1));
        let said = said(&exit);
        assert!(
            said.contains("ratchet.db") && said.contains("Read-only file system"),
            "{said}"
        );
    }
}

#[test]
fn an_unreadable_row_of_the_heartbeat_s_task_is_told_and_mended_and_stops_nothing() {
    let folder = folder_with_database();
    execute_sql(
        folder.path(),
        "UPDATE tasks SET metadata = '{' WHERE name = 'heartbeat'",
    );
    set_back_heartbeat(folder.path());
    let mut server = ServerProcess::start(folder.path(), &[]).ready();
    server.wait_for_result(Duration::from_secs(30), |result| result["status"] == "ok");
    let exit = server.end_by(Signal::TERM);
    assert_eq!(exit.code, Some(0));
    let told = exit.log.iter().filter(|line| line["field"] == "metadata").count();
    assert_eq!(told, 1, "{}", said(&exit));

    let exit = ServerProcess::start(folder.path(), &[])
        .ready()
        .end_by(Signal::TERM);
    assert!(
        exit.log.iter().all(|line| line["field"].is_null()),
        "{}",
        said(&exit)
    );
}

#[test]
fn an_unreadable_row_of_the_heartbeat_s_schedule_does_not_stop_the_start() {
    let folder = folder_with_database();
    execute_sql(folder.path(), "UPDATE schedules SET input = '{'");
    let server = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(server.get("/ready").0, 200);
    let exit = server.end_by(Signal::TERM);
    assert_eq!(exit.code, Some(0));
    assert!(
        !said(&exit).contains("a schedule was added"),
        "there is one: {}",
        said(&exit)
    );
}
