//! `ratchet schedule` and `ratchet job`: over the server that uses the database, over one that is named, and without one.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::mpsc::channel;
use std::time::Duration;

use ratchet_interfaces::Fact;
use ratchet_storage::Database;
use ratchet_tests::{ServerProcess, WebAnswer, WebServer, on_each_database, ratchet_binary};
use rustix::process::Signal;
use serde_json::{Value, json};

const HEARTBEAT: &str = "00000000-0000-0000-0000-000000000001";
const WAIT: &str = "00000000-0000-0000-0000-000000000002";
const PATIENCE: Duration = Duration::from_secs(60);

/// A command in a folder, whose database is the one there.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(ratchet_binary());
    command
        .current_dir(folder)
        .args(arguments)
        .env_remove("RATCHET_SERVER")
        .env_remove("RATCHET_TOKEN");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a command answers that must do what it is asked.
fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    text(&output.stdout)
}

fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["-o", "json"]].concat();
    serde_json::from_str(&done(folder, &arguments)).unwrap()
}

/// What a command says that must end with this exit code.
fn refused(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    text(&output.stderr)
}

#[test]
fn a_schedule_is_made_changed_shown_and_deleted_over_the_server_that_uses_the_database() {
    on_each_database(schedule_from_creation_to_deletion);
}

fn schedule_from_creation_to_deletion(folder: &Path) {
    let server = ServerProcess::start(folder, &[]).ready();
    let create = [
        "schedule",
        "create",
        "backup",
        "--every",
        "weekday at 9am",
        "--tz",
        "Europe/Berlin",
        "--task",
        WAIT,
        "--input",
        "{\"seconds\": 0}",
        "--overlap",
        "skip",
        "--spread",
        "30s",
    ];
    let tried = run(folder, &[&create[..], &["--dry-run"]].concat());
    assert!(text(&tried.stdout).contains("0 9 * * 1-5"), "{tried:?}");
    assert_eq!(json_of(folder, &["schedule", "list", "backup"]), json!([]));

    let created = done(folder, &create);
    for part in ["0 9 * * 1-5", "Monday through Friday", "Europe/Berlin", "NEXT IN"] {
        assert!(created.contains(part) && !created.contains('\u{1b}'), "{created}");
    }
    let (status, over_http) = server.get("/api/v1/schedules?name=backup");
    assert_eq!(
        (status, &over_http["data"][0]["policies"]["overlap"]),
        (200, &json!("SKIP"))
    );
    let shown = json_of(folder, &["schedule", "show", "back"]);
    assert_eq!(shown, over_http["data"][0]);
    let id = shown["id"].as_str().unwrap();

    done(
        folder,
        &[
            "schedule",
            "edit",
            id,
            "--cron",
            "@daily",
            "--description",
            "at night",
        ],
    );
    let changed = json_of(folder, &["schedule", "show", "backup"]);
    assert_eq!(
        (
            &changed["cronExpression"],
            &changed["description"],
            &changed["policies"]["spreadSeconds"]
        ),
        (&json!("0 0 * * *"), &json!("at night"), &json!(30.0))
    );
    assert!(done(folder, &["schedule", "disable", "backup"]).contains("disabled"));
    assert!(done(folder, &["schedule", "list", "--disabled"]).contains("backup"));
    assert!(done(folder, &["schedule", "enable", "backup"]).contains("next run"));
    assert!(done(folder, &["schedule", "list", "-o", "yaml"]).contains("name: backup"));
    let next = json_of(
        folder,
        &[
            "schedule",
            "next",
            "backup",
            "-n",
            "2",
            "--from",
            "2026-03-28T12:00:00Z",
        ],
    );
    assert_eq!(next["instants"][0]["local"], "2026-03-29T00:00:00+01:00");

    let whole = refused(folder, &["schedule", "delete", "back", "--yes"], 1);
    assert!(whole.contains("backup"), "{whole}");
    let unasked = refused(folder, &["schedule", "delete", "backup"], 2);
    assert!(unasked.contains("--yes"), "{unasked}");
    done(folder, &["schedule", "delete", "backup", "--yes"]);
    let gone = refused(folder, &["schedule", "show", "backup"], 1);
    assert!(gone.contains("\"backup\""), "{gone}");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn jobs_are_made_watched_cancelled_and_retried_and_the_exit_code_says_what_they_came_to() {
    on_each_database(jobs_come_to_their_ends);
}

fn jobs_come_to_their_ends(folder: &Path) {
    let server = ServerProcess::start(folder, &[]).ready();
    let create = |input: &str, more: &[&str]| {
        let arguments = [&["job", "create", "--task", WAIT, "--input", input], more].concat();
        let job = json_of(folder, &arguments);
        job["id"].as_str().unwrap().to_owned()
    };
    let completes = create("{\"seconds\": 0}", &[]);
    let fails = create("{\"seconds\": 0, \"fail\": true}", &["--max-retries", "0"]);
    let waits = create("{\"seconds\": 0}", &["--at", "+1d"]);
    let ended = done(folder, &["job", "wait", &completes]);
    assert!(ended.contains("completed"), "{ended}");
    let failed = refused(folder, &["job", "wait", &completes, &fails], 1);
    assert!(failed.contains("1 of 2"), "{failed}");
    let late = refused(folder, &["job", "wait", &waits, "--timeout", "10ms"], 124);
    assert!(late.contains("1 have not ended"), "{late}");

    let attempts = done(folder, &["job", "show", &fails]);
    assert!(
        attempts.contains("TRY") && attempts.contains("failed"),
        "{attempts}"
    );
    done(folder, &["job", "logs", &completes, "--follow"]);
    assert!(done(folder, &["job", "retry", &fails]).contains("put back"));
    refused(folder, &["job", "wait", &fails], 1);
    assert!(done(folder, &["job", "retry", "--failed"]).starts_with("1 jobs"));
    assert!(done(folder, &["job", "cancel", &waits, "--reason", "no need"]).contains("cancelled"));
    let cancelled = json_of(folder, &["job", "list", "--status", "cancelled"]);
    assert_eq!(cancelled[0]["errorMessage"], "no need");
    let ended = refused(folder, &["job", "cancel", &waits], 1);
    assert!(ended.contains("CANCELLED"), "{ended}");

    let heartbeat = done(folder, &["schedule", "trigger", "system_heartbeat", "--wait"]);
    assert!(heartbeat.contains("completed"), "{heartbeat}");
    assert!(done(folder, &["schedule", "ticks", "system_heartbeat"]).contains("triggered"));
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn without_a_server_the_database_is_changed_and_the_next_server_does_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let none = refused(folder, &["schedule", "list"], 1);
    assert!(none.contains("ratchet serve"), "{none}");
    assert!(!folder.join("ratchet.db").exists());
    done(folder, &["migrate", "up"]);
    let lacking = refused(folder, &["job", "create", "--task", HEARTBEAT], 2);
    assert!(lacking.contains(HEARTBEAT), "{lacking}");
    let first = ServerProcess::start(folder, &[]).ready();
    assert_eq!(first.end_by(Signal::TERM).code, Some(0));

    let to_stdout =
        "{\"destinationType\": \"stdio\", \"stdio\": {\"format\": \"JSON\", \"includeMetadata\": true}}";
    let created = json_of(
        folder,
        &[
            "schedule",
            "create",
            "often",
            "--every",
            "second",
            "--task",
            WAIT,
            "--input",
            "{\"seconds\": 0}",
            "--destination",
            to_stdout,
        ],
    );
    assert!(created["nextRun"].is_string(), "{created}");
    let queued = run(
        folder,
        &[
            "job",
            "create",
            "--task",
            WAIT,
            "--input",
            "{\"seconds\": 0.002}",
            "--destination",
            to_stdout,
        ],
    );
    assert_eq!(queued.status.code(), Some(0), "{queued:?}");
    assert!(text(&queued.stderr).contains("no server runs"), "{queued:?}");
    let nobody = refused(folder, &["schedule", "trigger", "often", "--wait"], 1);
    assert!(nobody.contains("no server runs"), "{nobody}");

    let mut second = ServerProcess::start(folder, &[]).ready();
    second.wait_for_result(PATIENCE, |result| result["output"]["waitedSeconds"] == 0.002);
    second.wait_for_result(PATIENCE, |result| {
        result["schedule"] == created["id"] && result["origin"] != "trigger"
    });
    assert_eq!(second.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn whoever_has_the_database_needs_no_token_and_the_audit_log_says_that_it_was_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["token", "create", "admin", "--scope", "admin"]);
    assert_eq!(json_of(folder, &["schedule", "list"]), json!([]));
    done(
        folder,
        &["schedule", "create", "a", "--every", "day", "--task", "heartbeat"],
    );
    let log = json_of(folder, &["audit", "--action", "schedules_create"]);
    assert_eq!(
        (&log[0]["actor"], &log[0]["status"], &log[1]),
        (&json!("command line"), &json!(201), &Value::Null)
    );
}

/// Each step with the tasks and schedules of a database, whoever does it.
fn pauses_explains_and_keeps_tasks(folder: &Path) {
    let created = json_of(
        folder,
        &[
            "schedule",
            "create",
            "held",
            "--every",
            "day",
            "--task",
            "wait@1.0.0",
            "--input",
            "{\"seconds\": 0}",
        ],
    );
    assert_eq!(created["taskId"], WAIT);
    let paused = json_of(
        folder,
        &[
            "schedule", "pause", "held", "--note", "full", "--until", "+2h", "--by", "ada",
        ],
    );
    assert_eq!(
        (&paused["pause"]["by"], &paused["pause"]["note"]),
        (&json!("ada"), &json!("full"))
    );
    assert!(paused["pause"]["resumeAt"].is_string(), "{paused}");
    assert!(done(folder, &["schedule", "list", "--paused"]).contains("held"));
    let account = json_of(folder, &["schedule", "why", "held", "+1d"]);
    assert_eq!(account["verdict"], "NOT_DUE", "{account}");
    assert!(done(folder, &["schedule", "why", "held"]).contains("tick after"));
    let resumed = json_of(folder, &["schedule", "resume", "held", "--skip-missed"]);
    assert_eq!(resumed["pause"], Value::Null);

    std::fs::write(folder.join("sum.js"), "(input) => input.a + input.b").unwrap();
    let create = |version| ["task", "create", "sum.js", "--name", "sum", "--version", version];
    let sum = json_of(folder, &create("1.0.0"));
    assert_eq!(sum["runtime"], "javascript");
    done(folder, &create("1.1.0"));
    assert!(refused(folder, &create("1.1.0"), 1).contains("sum"));
    let several = refused(folder, &["task", "disable", "sum"], 2);
    assert!(several.contains("1.0.0, 1.1.0"), "{several}");
    let disabled = json_of(folder, &["task", "disable", "sum@1.0.0"]);
    assert_eq!(
        (&disabled["id"], &disabled["enabled"]),
        (&sum["id"], &json!(false))
    );
    assert!(done(folder, &["task", "enable", "sum@1.0.0"]).contains("enabled"));
    std::fs::write(folder.join("product.js"), "(input) => input.a * input.b").unwrap();
    let edit = ["task", "edit", "sum@1.0.0", "product.js", "--version", "1.0.1"];
    let edited = json_of(folder, &[&edit[..], &["--description", "multiplies"]].concat());
    assert_eq!(
        (&edited["id"], &edited["version"], &edited["description"]),
        (&sum["id"], &json!("1.0.1"), &json!("multiplies"))
    );
    let source = edited["sourceCode"].as_str().unwrap();
    assert!(source.contains('*'), "{source}");
    let taken = ["task", "edit", "sum@1.0.1", "--version", "1.1.0"];
    assert!(refused(folder, &taken, 1).contains("1.1.0"));
    let nothing = refused(folder, &["task", "edit", "sum@1.1.0"], 2);
    assert!(nothing.contains("--help"), "{nothing}");
    let elsewhere = refused(folder, &["task", "edit", "wait", "--rename", "w"], 1);
    assert!(elsewhere.contains("embedded"), "{elsewhere}");
    done(folder, &["task", "delete", "sum@1.0.1", "--yes"]);
    let embedded = refused(folder, &["task", "delete", "wait", "--yes"], 1);
    assert!(embedded.contains("embedded"), "{embedded}");
    let synchronized = json_of(folder, &["task", "sync"]);
    assert_eq!(synchronized["issues"], json!([]));
    done(folder, &["schedule", "delete", "held", "--yes"]);
    done(folder, &["task", "delete", "sum", "--yes"]);
}

/// From a folder that has no database and no tasks.
fn lists_tasks_of_a_server(folder: &Path, server: &str) {
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path();
    let create = ["task", "create", "sum.js", "--name", "sum", "--version", "1.0.0"];
    let sum = json_of(folder, &create);
    let here = json_of(folder, &["task", "list"]);
    assert_eq!(json_of(elsewhere, &["task", "list", "--server", server]), here);
    assert_eq!(here["tasks"].as_array().unwrap().len(), 3, "{here}");
    let shown = json_of(elsewhere, &["task", "show", "sum", "--server", server]);
    assert_eq!(
        (&shown["id"], &shown["state"], &shown["source"]),
        (&sum["id"], &json!("stored"), &sum["sourceCode"])
    );
    let unknown = refused(elsewhere, &["task", "show", "som", "--server", server], 1);
    assert!(unknown.contains("heartbeat, sum, wait"), "{unknown}");
    done(elsewhere, &["task", "delete", "sum", "--yes", "--server", server]);
}

#[test]
fn schedules_are_paused_and_explained_and_tasks_are_kept_with_a_server_and_without() {
    on_each_database(with_a_server_and_without);
}

fn with_a_server_and_without(folder: &Path) {
    done(folder, &["migrate", "up"]);
    pauses_explains_and_keeps_tasks(folder);
    let server = ServerProcess::start(folder, &[]).ready();
    pauses_explains_and_keeps_tasks(folder);
    lists_tasks_of_a_server(folder, &format!("http://{}", server.address().unwrap()));
    let (status, list) = server.get("/api/v1/audit?actor=local&action=tasks_disable");
    assert_eq!(
        (status, &list["meta"]["pagination"]["total"]),
        (200, &json!(1)),
        "{list}"
    );
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn a_server_that_is_named_gets_the_token_and_one_that_is_none_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (sender, seen) = channel();
    let named = WebServer::start(move |request| {
        let token = request.headers.get("authorization").cloned();
        sender.send((request.path, token)).unwrap();
        let page = json!({"data": [], "meta": {"pagination": {"total": 0}}});
        WebAnswer::Status(200, page.to_string())
    });
    let list = |server: &str| command(folder, &["job", "list", "--server", server]);
    let output = list(&named.url("/behind/"))
        .env("RATCHET_TOKEN", "s3cret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (path, token) = seen.recv_timeout(PATIENCE).unwrap();
    assert!(path.starts_with("/behind/api/v1/jobs?"), "{path}");
    assert_eq!(token.unwrap(), "Bearer s3cret");
    std::fs::write(folder.join("token"), "from-file\n").unwrap();
    let by_variable = command(folder, &["job", "list", "--token-file", "token"])
        .env("RATCHET_SERVER", named.url(""))
        .output()
        .unwrap();
    assert_eq!(by_variable.status.code(), Some(0), "{by_variable:?}");
    assert_eq!(
        seen.recv_timeout(PATIENCE).unwrap().1.unwrap(),
        "Bearer from-file"
    );

    let page = WebServer::start(|_| WebAnswer::Status(502, "<html>".to_owned()));
    let told = refused(folder, &["job", "list", "--server", &page.url("")], 1);
    assert!(told.contains("502") && told.contains(&page.url("")), "{told}");
    let hung_up = WebServer::start(|_| WebAnswer::HangUp);
    let told = refused(folder, &["job", "list", "--server", &hung_up.url("")], 1);
    assert!(told.contains("--server"), "{told}");
    let told = refused(folder, &["job", "list", "--server", "ftp://host"], 2);
    assert!(told.contains("http://"), "{told}");
    let login = WebServer::start(|_| WebAnswer::Status(200, "{\"login\": true}".to_owned()));
    let told = refused(folder, &["why", "nightly", "--server", &login.url("")], 1);
    assert!(
        told.contains("200 OK and other JSON") && told.contains(&login.url("")),
        "{told}"
    );
    let told = refused(folder, &["doctor", "--server", &page.url("")], 2);
    assert!(
        told.contains("asks no server") && told.contains("--database"),
        "{told}"
    );
    let told = refused(folder, &["cron", "next", "@daily", "--server", &page.url("")], 2);
    assert!(told.contains("`schedule`, `job`"), "{told}");
    refused(
        folder,
        &["job", "list", "--server", &page.url(""), "--database", "a.db"],
        2,
    );
}

#[tokio::test]
async fn another_server_at_the_address_is_not_mistaken_for_the_one_that_uses_the_database() {
    let (folder, other_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(own.end_by(Signal::TERM).code, Some(0));
    let other = ServerProcess::start(other_folder.path(), &[]).ready();
    done(other_folder.path(), &["schedule", "disable", "system_heartbeat"]);

    let file = folder.path().join("ratchet.db");
    let database = Database::connect(&file.display().to_string()).await.unwrap();
    let facts = database.repositories().facts();
    let address = other.address().unwrap().to_string();
    facts.fact_store(&[(Fact::ServerAddress, address)]).await.unwrap();
    let lock = database.lock_exclusively().await.unwrap();

    let own = json_of(folder.path(), &["schedule", "show", "system_heartbeat"]);
    assert_eq!(own["enabled"], true, "it was read from the other server: {own}");
    let told = refused(
        folder.path(),
        &["schedule", "delete", "system_heartbeat", "--yes"],
        1,
    );
    assert!(
        told.contains("--server") && told.contains("cannot be reached"),
        "{told}"
    );
    drop(lock);
    database.close().await.unwrap();
    let left = json_of(other_folder.path(), &["schedule", "list"]);
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(other.end_by(Signal::TERM).code, Some(0));
}
