//! What an operator may meet: a database of the future, a disk that is full or cannot be written to, broken rows.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ratchet_tests::{
    EverySecond, Exit, PrivateDisk, ServerProcess, all_executions, execute_sql, ratchet_binary,
    set_back_heartbeat, with_repositories,
};
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

/// The exit code of a command, and what it says on standard error.
fn command(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(ratchet_binary())
        .args(arguments)
        .current_dir(folder)
        .env_remove("RATCHET_SERVER")
        .env_remove("RATCHET_TOKEN")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_damaged_schedule_job_and_execution_are_named_to_who_asks_for_them_with_a_server_and_without() {
    let folder = folder_with_database();
    let folder = folder.path();
    set_back_heartbeat(folder);
    let mut server = ServerProcess::start(folder, &[]).ready();
    server.wait_for_result(Duration::from_secs(30), |result| result["status"] == "ok");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    let (schedule, execution, job) = with_repositories(folder, async |repositories| {
        let heartbeat = repositories
            .schedules()
            .schedule_find_by_name("system_heartbeat")
            .await;
        let execution = all_executions(repositories).await.remove(0);
        let schedule = heartbeat.unwrap().unwrap().id;
        (
            schedule.to_string(),
            execution.id.to_string(),
            execution.job_id.to_string(),
        )
    });
    for damage in [
        "UPDATE schedules SET timeout_seconds = -1",
        "UPDATE jobs SET timeout_seconds = -1",
        "UPDATE executions SET output = '{'",
    ] {
        execute_sql(folder, damage);
    }
    let of_schedule = format!("the stored timeout_seconds of schedule {schedule} cannot be read");
    let of_job = format!("the stored timeout_seconds of job {job} cannot be read");
    let of_execution = format!("the stored output of execution {execution} cannot be read");

    let says = || {
        for (arguments, expected) in [
            (vec!["schedule", "show", "system_heartbeat"], &of_schedule),
            (vec!["schedule", "show", &schedule], &of_schedule),
            (vec!["schedule", "trigger", "system_heartbeat"], &of_schedule),
            (vec!["export"], &of_schedule),
            (vec!["job", "show", &job], &of_job),
        ] {
            let (code, said) = command(folder, &arguments);
            let error = format!("error: {expected}, and nothing was done: mend ");
            assert!(
                code == Some(1) && said.contains(&error),
                "{arguments:?} {code:?}: {said}"
            );
        }
    };
    says();

    let server = ServerProcess::start(folder, &[]).ready();
    says();
    for (path, expected) in [
        (format!("schedules/{schedule}"), &of_schedule),
        (format!("schedules/{schedule}/next"), &of_schedule),
        (format!("schedules/{schedule}/ticks"), &of_schedule),
        (
            format!("schedules/{schedule}/why?at=2026-01-01T00:00:00Z"),
            &of_schedule,
        ),
        ("schedules/export".to_owned(), &of_schedule),
        ("forecast".to_owned(), &of_schedule),
        (format!("jobs/{job}"), &of_job),
        (format!("jobs/{job}/deliveries"), &of_job),
        (format!("executions/{execution}"), &of_execution),
        (format!("executions/{execution}/logs"), &of_execution),
    ] {
        let (status, answer) = server.get(&format!("/api/v1/{path}"));
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(
            status == 409 && message.starts_with(expected.as_str()),
            "{path} {status}: {answer}"
        );
    }
    for list in ["schedules", "jobs", "executions"] {
        let (status, answer) = server.get(&format!("/api/v1/{list}"));
        assert_eq!(
            (status, answer["meta"]["unreadable"].is_array()),
            (200, true),
            "{answer}"
        );
    }
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}
