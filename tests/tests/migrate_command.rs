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
    let (code, before, error) = migrate(folder.path(), &["status"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(
        before.lines().all(|line| line.starts_with("pending ")),
        "{before}"
    );
    assert_eq!(migrate(folder.path(), &["up"]).0, Some(0));
    assert_eq!(migrate(folder.path(), &["up"]).1, "nothing is pending\n");
    let (_, after, _) = migrate(folder.path(), &["status"]);
    assert!(after.lines().all(|line| line.starts_with("applied ")), "{after}");
    assert_eq!(migrate(folder.path(), &["down", "--yes"]).0, Some(0));
    assert_eq!(migrate(folder.path(), &["fresh", "--yes"]).0, Some(0));
    assert_eq!(migrate(folder.path(), &["status"]).1, after);
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
