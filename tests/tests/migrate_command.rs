//! `ratchet migrate`, typed as a person types it.

use std::path::Path;
use std::process::{Command, Output};

use ratchet_tests::{ServerProcess, ratchet_binary};

fn migrate(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(ratchet_binary())
        .current_dir(folder)
        .arg("migrate")
        .args(arguments)
        .output()
        .unwrap();
    (
        status.code(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

#[test]
fn the_tables_go_up_and_down_and_up_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(migrate(folder.path(), &["up"]).0, Some(0));
    assert_eq!(migrate(folder.path(), &["up"]).1, "nothing is pending\n");
    let (_, after, _) = migrate(folder.path(), &["status"]);
    assert!(after.lines().all(|line| line.starts_with("applied ")), "{after}");
    assert_eq!(
        migrate(folder.path(), &["down", "-n", "1000", "--yes"]).0,
        Some(0)
    );
    let (_, before, _) = migrate(folder.path(), &["status"]);
    assert_eq!(before, after.replace("applied ", "pending "));
    assert_eq!(migrate(folder.path(), &["fresh", "--yes"]).0, Some(0));
    assert_eq!(migrate(folder.path(), &["status"]).1, after);
}

#[test]
fn what_was_really_rolled_back_is_told() {
    let folder = tempfile::tempdir().unwrap();
    migrate(folder.path(), &["up"]);
    let applied = migrate(folder.path(), &["status"]).1.lines().count();
    let down = |steps: &str| migrate(folder.path(), &["down", "-n", steps, "--yes"]);
    assert_eq!(down("1").1, "1 rolled back\n");
    let rest = match applied - 1 {
        0 => "nothing is applied\n".to_owned(),
        rest => format!("{rest} rolled back\n"),
    };
    assert_eq!(down("1000").1, rest);
    assert_eq!(down("5").1, "nothing is applied\n");
    let (code, _, error) = down("0");
    assert_eq!(code, Some(2));
    assert!(error.contains("'0'") && error.contains("1.."), "{error}");
}

#[test]
fn a_look_at_a_database_that_does_not_exist_makes_none() {
    for command in [&["status"][..], &["down", "--yes"]] {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = command.to_vec();
        arguments.extend(["--database", "sqlite://typo.db"]);
        let (code, _, error) = migrate(folder.path(), &arguments);
        assert_eq!(code, Some(1));
        assert!(error.contains("typo.db does not exist"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn an_answer_that_nobody_reads_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    migrate(folder.path(), &["up"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(ratchet_binary())
        .current_dir(folder.path())
        .args(["migrate", "status"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_error_that_nobody_reads_is_still_in_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = Command::new(ratchet_binary())
        .current_dir(folder.path())
        .args(["migrate", "status"])
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn what_destroys_data_asks_first() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["down", "fresh"] {
        let (code, _, error) = migrate(folder.path(), &[command]);
        assert_eq!(code, Some(2));
        assert!(error.contains("--yes"), "{error}");
    }
}

#[test]
fn the_tables_of_a_running_server_cannot_be_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    let (code, _, error) = migrate(folder.path(), &["fresh", "--yes"]);
    assert_eq!(code, Some(1), "{error}");
    assert_eq!(server.get("/health/detailed").0, 200);
}
