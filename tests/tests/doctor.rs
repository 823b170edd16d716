//! `ratchet doctor`, beside running servers, on databases that are well and on such that are not.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::{ServerProcess, ratchet_binary};
use rustix::process::Signal;
use serde_json::Value;

struct Report {
    code: Option<i32>,
    json: Value,
}

impl Report {
    /// The verdicts on what was looked at under this name.
    fn verdicts(&self, check: &str) -> Vec<&str> {
        let checks = self.json["checks"].as_array().unwrap().iter();
        checks
            .filter(|found| found["check"] == check)
            .map(|found| found["verdict"].as_str().unwrap())
            .collect()
    }
}

fn doctor(folder: &Path, arguments: &[&str]) -> Report {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(ratchet_binary())
        .current_dir(folder)
        .args(["doctor", "-o", "json"])
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8(stderr).unwrap();
    let json = serde_json::from_slice(&stdout).unwrap_or_else(|_| panic!("{error}"));
    let report = Report {
        code: status.code(),
        json,
    };
    // The exit code and standard error are as bad as the worst finding.
    let has_error = report.json["worst"] == "error";
    assert_eq!(report.code, Some(i32::from(has_error)), "{error}");
    assert_eq!(error.starts_with("error: there "), has_error, "{error}");
    report
}

fn files(folder: &Path) -> BTreeMap<OsString, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn beside_a_running_server_everything_of_the_database_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    let report = doctor(folder.path(), &[]);
    for check in [
        "configuration",
        "database",
        "tables",
        "integrity",
        "durability",
        "database folder",
        "output folder",
        "task folder",
        "time-zone data",
        "clock",
    ] {
        let verdicts = report.verdicts(check);
        assert_eq!(verdicts.len(), 1, "{check}: {}", report.json);
        let warns_of_zones = check == "time-zone data" && verdicts == ["warning"];
        assert!(verdicts == ["ok"] || warns_of_zones, "{check}: {}", report.json);
    }
    assert_eq!(server.get("/health/detailed").0, 200);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn a_look_at_a_database_that_nobody_uses_changes_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    let before = files(folder.path());
    let report = doctor(folder.path(), &[]);
    assert_eq!(report.verdicts("integrity"), ["ok"]);
    assert!(files(folder.path()) == before);
}

#[test]
fn what_a_killed_server_left_in_the_log_is_looked_at_and_left_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    server.kill();
    let kept = || {
        let mut files = files(folder.path());
        // The index of the log is a cache, which whoever comes first after a crash makes anew.
        files.retain(|name, _| name != "ratchet.db-shm");
        files
    };
    let before = kept();
    assert!(before.contains_key(&OsString::from("ratchet.db-wal")));
    let report = doctor(folder.path(), &[]);
    for check in ["tables", "integrity", "durability"] {
        assert_eq!(report.verdicts(check), ["ok"], "{}", report.json);
    }
    assert!(kept() == before);
    let server = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn where_there_is_nothing_yet_nothing_is_made_and_the_missing_database_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let report = doctor(folder.path(), &[]);
    assert_eq!(report.code, Some(0), "{}", report.json);
    assert_eq!(report.verdicts("database"), ["warning"]);
    assert!(files(folder.path()).is_empty());
}

#[test]
fn each_mistake_in_the_settings_is_an_error_and_the_rest_is_looked_at_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("ratchet.toml"),
        "[scheduler]\nenabled = 1\n[log]\nformat = \"xml\"\n[database]\nurl = \"mysql://me:secret@db\"\n",
    )
    .unwrap();
    let report = doctor(folder.path(), &[]);
    assert_eq!(report.verdicts("configuration"), ["error"; 3]);
    assert_eq!(report.verdicts("database"), ["warning"]);
    assert_eq!(report.verdicts("output folder"), ["ok"]);
    assert!(!report.json.to_string().contains("secret"));
}

#[test]
fn a_file_that_is_no_database_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("ratchet.db"),
        "not a database at all\n".repeat(99),
    )
    .unwrap();
    let before = files(folder.path());
    let report = doctor(folder.path(), &[]);
    assert_eq!(report.verdicts("database"), ["error"]);
    assert!(files(folder.path()) == before);
}

#[test]
fn tables_that_are_not_there_yet_are_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["up"][..], &["down", "-n", "1000", "--yes"]] {
        let status = Command::new(ratchet_binary())
            .current_dir(folder.path())
            .arg("migrate")
            .args(arguments)
            .output()
            .unwrap()
            .status;
        assert!(status.success());
    }
    assert_eq!(doctor(folder.path(), &[]).verdicts("tables"), ["warning"]);
}

#[test]
fn folders_that_cannot_be_used_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::write(
        folder.path().join("ratchet.toml"),
        "[output]\nfolder = \"file/output\"\n[tasks]\nfolder = \"file\"\n[database]\nurl = \"sqlite://no/such/a.db\"\n",
    )
    .unwrap();
    let report = doctor(folder.path(), &[]);
    for check in ["output folder", "task folder", "database folder"] {
        assert_eq!(report.verdicts(check), ["error"], "{}", report.json);
    }
}

#[test]
fn a_postgresql_server_is_examined_and_one_that_is_away_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let closed = doctor(folder.path(), &["--database", "postgres://me@127.0.0.1:1/jobs"]);
    assert_eq!(closed.verdicts("database"), ["error"]);
    let Some(database) = runtime.block_on(TestDatabase::postgres()) else {
        return;
    };
    let report = doctor(folder.path(), &["--database", database.url()]);
    for check in ["database", "tables", "database's clock"] {
        assert_eq!(report.verdicts(check), ["ok"], "{}", report.json);
    }
    for check in ["connections", "durability"] {
        assert_eq!(report.verdicts(check).len(), 1, "{}", report.json);
    }
}

#[test]
fn a_person_reads_a_line_for_each_finding_and_what_to_do_below_it_without_colours_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(ratchet_binary())
        .current_dir(folder.path())
        .arg("doctor")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("ok      configuration "), "{text}");
    assert!(
        text.contains("warning database ")
            && text.contains("-> `ratchet serve` and `ratchet migrate up` make it"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
}
