//! Wrong settings, met by the real binary: each ends the start with exit code 2, says what is wrong where, and
//! nothing is half done.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use ratchet_tests::ratchet_binary;

/// Starts a server that must refuse to start, and returns what it says.
fn refusal(folder: &Path, arguments: &[&str], variable: Option<(&str, &OsStr)>) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(ratchet_binary())
        .current_dir(folder)
        .args(["serve", "--bind", "127.0.0.1:0"])
        .args(arguments)
        .envs(variable)
        .output()
        .unwrap();
    let error = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{error}");
    assert!(stdout.is_empty());
    let made: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != "ratchet.toml")
        .collect();
    assert!(made.is_empty(), "{made:?}");
    error
}

#[test]
fn a_value_of_the_wrong_type_in_the_file_is_refused() {
    for (key, value) in [
        ("scheduler.enabled", "\"yes\""),
        ("scheduler.enabled", "1"),
        ("scheduler.max_concurrent_jobs", "1.5"),
        ("database.url", "5"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ratchet.toml"), format!("{key} = {value}\n")).unwrap();
        let error = refusal(folder.path(), &[], None);
        let expected = format!("error: {key} is {value} (file ratchet.toml): ");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_wrong_flag_is_refused_in_the_words_of_its_key() {
    for (flag, value, expected) in [
        (
            "--log-level",
            "verbose",
            "log.level is \"verbose\" (flag --log-level): ",
        ),
        (
            "--log-format",
            "xml",
            "log.format is \"xml\" (flag --log-format): allowed are text and json",
        ),
        (
            "--database",
            "mysql://host/db",
            "database.url is \"mysql://host/db\" (flag --database): ",
        ),
        (
            "--max-concurrent-jobs",
            "0",
            "scheduler.max_concurrent_jobs is 0 (flag --max-concurrent-jobs): ",
        ),
        (
            "--max-concurrent-jobs",
            "-1",
            "scheduler.max_concurrent_jobs is \"-1\" (flag --max-concurrent-jobs): ",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let error = refusal(folder.path(), &[flag, value], None);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_mistyped_variable_is_refused_and_the_default_database_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(
        folder.path(),
        &[],
        Some(("RATCHET_DATABSE_URL", OsStr::new("sqlite://mine.db"))),
    );
    assert!(error.contains("did you mean RATCHET_DATABASE_URL?"), "{error}");
}

#[test]
fn a_settings_file_that_is_a_folder_is_named_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("ratchet.toml")).unwrap();
    let error = refusal(folder.path(), &[], None);
    assert!(
        error.contains("ratchet.toml cannot be read") && error.contains("directory"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_refused_if_it_is_ours_and_ignored_if_not() {
    use std::os::unix::ffi::OsStrExt;
    let broken = OsStr::from_bytes(b"in\xfffo");
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(folder.path(), &[], Some(("RATCHET_LOG_LEVEL", broken)));
    assert_eq!(
        error,
        "error: the environment variable RATCHET_LOG_LEVEL is not Unicode\n"
    );
    let status = Command::new(ratchet_binary())
        .current_dir(folder.path())
        .args(["migrate", "up"])
        .env("SOMEBODY_S", broken)
        .status()
        .unwrap();
    assert!(status.success());
}
