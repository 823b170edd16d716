//! What the ledger can be asked from the command line, beside a running server and after somebody tampered with it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use ratchet_tests::{ServerProcess, execute_sql, ratchet_binary, set_back_heartbeat};
use rustix::process::Signal;
use serde_json::{Value, json};

fn ratchet(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(ratchet_binary())
        .args(arguments)
        .current_dir(folder)
        .env_remove("RATCHET_SERVER")
        .env_remove("RATCHET_TOKEN")
        .output()
        .unwrap();
    let said = [stdout, stderr].concat();
    (status.code(), String::from_utf8(said).unwrap())
}

/// A folder whose server was down when the heartbeat was due, and has made up for it.
fn folder_with_a_tick() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    set_back_heartbeat(folder.path());
    // As if it had been made before that tick, too.
    execute_sql(
        folder.path(),
        "UPDATE schedules SET effective_from = next_run - 1",
    );
    let mut server = ServerProcess::start(folder.path(), &[]).ready();
    server.wait_for_result(Duration::from_secs(30), |result| result["status"] == "ok");
    let (code, said) = ratchet(folder.path(), &["verify"]);
    assert_eq!((code, said.contains("schedules: 1")), (Some(0), true), "{said}");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    folder
}

#[test]
fn a_ledger_that_somebody_tampered_with_is_found_out() {
    let folder = folder_with_a_tick();
    let (code, said) = ratchet(folder.path(), &["verify"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("fired 1"), "{said}");
    let (code, said) = ratchet(folder.path(), &["verify", "--from", "2100-01-01T00:00:00Z"]);
    assert_eq!(
        (code, said.contains("ticks: 0, every one")),
        (Some(0), true),
        "{said}"
    );

    let report = || {
        let (_, said) = ratchet(folder.path(), &["verify", "-o", "json"]);
        // What is wrong is also said on standard error.
        let report = said.split("error: ").next().unwrap();
        serde_json::from_str::<Value>(report).unwrap()
    };
    assert_eq!(
        (&report()["isSound"], &report()["outcomes"]["FIRED"]),
        (&json!(true), &json!(1))
    );

    execute_sql(folder.path(), "UPDATE ticks SET tick_count = 2");
    assert_eq!(report()["faults"][0]["name"], "system_heartbeat");
    let (code, said) = ratchet(folder.path(), &["verify"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("system_heartbeat"), "{said}");

    execute_sql(folder.path(), "DELETE FROM ticks");
    let (code, said) = ratchet(folder.path(), &["verify"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("system_heartbeat") && said.contains("fault"),
        "{said}"
    );
    assert!(said.contains("not every one accounted for"), "{said}");
    let backwards = [
        "verify",
        "--from",
        "2026-02-01T00:00:00Z",
        "--to",
        "2026-01-01T00:00:00Z",
    ];
    let (code, said) = ratchet(folder.path(), &backwards);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--to") && said.contains("--from"), "{said}");
}

#[test]
fn an_instant_is_accounted_for_whether_it_was_a_tick_or_not() {
    let folder = folder_with_a_tick();
    let why = |instant: &str| ratchet(folder.path(), &["why", "system_heartbeat", instant]);
    let (code, said) = why("2100-01-01T00:00:00Z");
    assert_eq!((code, said.starts_with("expected")), (Some(0), true), "{said}");
    let (code, said) = why("2100-01-01T00:00:01Z");
    assert_eq!((code, said.starts_with("not due")), (Some(0), true), "{said}");
    assert_eq!(why("yesterday").0, Some(2));
    let (code, said) = ratchet(folder.path(), &["why", "nobody", "now"]);
    assert_eq!((code, said.contains("nobody")), (Some(1), true), "{said}");
}

#[test]
fn the_ticks_to_come_are_listed_counted_and_tried_out() {
    let folder = folder_with_a_tick();
    let forecast = |more: &[&str]| {
        let day = [
            "forecast",
            "--from",
            "2100-01-01T00:00:00Z",
            "--to",
            "2100-01-01T01:00:00Z",
        ];
        ratchet(folder.path(), &[&day, more].concat())
    };
    let (code, said) = forecast(&[]);
    assert_eq!((code, said.lines().count()), (Some(0), 12), "{said}");
    assert!(
        said.starts_with("2100-01-01T00:00:00Z system_heartbeat\n"),
        "{said}"
    );
    let (_, said) = forecast(&["--bucket", "30m"]);
    assert_eq!(said, "2100-01-01T00:00:00Z 6\n2100-01-01T00:30:00Z 6\n");
    let (_, said) = forecast(&["--busiest", "1", "--what-if", "other=every 30 minutes"]);
    assert_eq!(said, "2100-01-01T00:00:00Z 2\n");
    let (_, said) = forecast(&["--without", "system_heartbeat"]);
    assert_eq!(said, "");
    for wrong in [
        ["--bucket", "7x"],
        ["--bucket", "0s"],
        ["--busiest", "0"],
        ["--without", "nobody"],
        ["--what-if", "=every hour"],
        ["--tz", "Mars/X"],
        ["--spread", "3d"],
    ] {
        let (code, said) = forecast(&wrong);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(wrong[0]), "{wrong:?}: {said}");
    }
    let (code, said) = ratchet(folder.path(), &["forecast", "--to", "2000-01-01T00:00:00Z"]);
    assert_eq!((code, said.contains("--to is")), (Some(2), true), "{said}");
    let (code, said) = forecast(&["--what-if", "x=every hour", "--spread", "3d"]);
    assert_eq!(
        (code, said.contains("--spread is \"3d\"")),
        (Some(2), true),
        "{said}"
    );
    let (code, said) = forecast(&["--what-if", "x=every blue moon"]);
    assert_eq!((code, said.contains("blue")), (Some(2), true), "{said}");
}

#[test]
fn a_database_that_does_not_exist_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["verify"][..], &["forecast"], &["why", "x", "now"]] {
        let (code, said) = ratchet(folder.path(), arguments);
        assert_eq!((code, said.contains("does not exist")), (Some(1), true), "{said}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_server_that_is_named_is_asked_and_no_database_is_looked_at_in_its_place() {
    let theirs = folder_with_a_tick();
    let server = ServerProcess::start(theirs.path(), &[]).ready();
    let url = format!("http://{}", server.address().unwrap());
    // Whatever is said here of the heartbeat is told by the server: there is no database.
    let here = tempfile::tempdir().unwrap();
    let asked = |words: &[&str]| {
        let over = ratchet(here.path(), &[words, &["--server", &url]].concat());
        let beside = ratchet(theirs.path(), words);
        assert_eq!(over, beside, "{words:?}");
        over.1
    };
    let hour = [
        "forecast",
        "--from",
        "2100-01-01T00:00:00Z",
        "--to",
        "2100-01-01T01:00:00Z",
    ];
    let forecast = |more: &[&str]| asked(&[&hour[..], more].concat());
    assert!(asked(&["why", "system_heart", "2100-01-01T00:00:00Z"]).starts_with("expected"));
    assert!(asked(&["why", "nobody", "now"]).contains("nobody"));
    assert_eq!(forecast(&[]).lines().count(), 12);
    assert_eq!(forecast(&["--bucket", "30m"]).lines().count(), 2);
    let idea = "other=every 30 minutes";
    assert!(forecast(&["--busiest", "1", "--what-if", idea]).ends_with(" 2\n"));
    assert_eq!(forecast(&["--without", "system_heartbeat"]), "");
    for more in [&[][..], &["--bucket", "30m"], &["--busiest", "2"]] {
        let rows = |form| forecast(&[more, &["-o", form]].concat());
        let json: Value = serde_json::from_str(&rows("json")).unwrap();
        assert!(json.as_array().is_some_and(|rows| rows.len() > 1), "{json}");
        assert_eq!(rows("yaml").matches("- ").count(), json.as_array().unwrap().len());
    }
    // Within two seconds, and not within one: a server is asked for the milliseconds too.
    let spread = |spread| forecast(&["--what-if", idea, "--spread", spread]);
    assert_ne!(spread("1500ms"), spread("1s"));
    let (code, said) = ratchet(
        here.path(),
        &[&hour[..], &["--bucket", "0s", "--server", &url]].concat(),
    );
    assert_eq!((code, said.contains("--bucket: ")), (Some(2), true), "{said}");

    let backup = ["backup", "copy.db"];
    let works_on_databases: [&[&str]; 5] = [
        &["verify"],
        &["doctor"],
        &["migrate", "status"],
        &["migrate", "fresh", "--yes"],
        &backup,
    ];
    for words in works_on_databases {
        let (code, said) = ratchet(here.path(), &[words, &["--server", &url]].concat());
        assert_eq!(
            (code, said.contains("--server")),
            (Some(2), true),
            "{words:?}: {said}"
        );
        let by_variable = Command::new(ratchet_binary())
            .args(words)
            .current_dir(here.path())
            .env("RATCHET_SERVER", &url)
            .output()
            .unwrap();
        let said = String::from_utf8(by_variable.stderr).unwrap();
        assert_eq!(by_variable.status.code(), Some(2), "{words:?}: {said}");
        assert!(
            said.contains(&format!("RATCHET_SERVER is \"{url}\"")),
            "{words:?}: {said}"
        );
    }
    // A database that is named counts before the variable.
    let database = format!("sqlite://{}", theirs.path().join("ratchet.db").display());
    let verified = Command::new(ratchet_binary())
        .args(["verify", "--database", &database])
        .current_dir(here.path())
        .env("RATCHET_SERVER", &url)
        .status()
        .unwrap();
    assert_eq!(verified.code(), Some(0));
    assert_eq!(here.path().read_dir().unwrap().count(), 0);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}
