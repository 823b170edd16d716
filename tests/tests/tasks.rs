//! `ratchet task`, typed as a person types it, and the tasks that come as examples.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ratchet_tests::{ServerProcess, ratchet_binary, write_task};
use rustix::process::Signal;
use serde_json::{Value, json};

/// What the example that is a process runs.
const ALLOWED: [&str; 2] = ["--allow-command", "df"];

fn task_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(ratchet_binary().canonicalize().unwrap())
        .current_dir(folder)
        .arg("task")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What a command prints that must succeed.
fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = task_in(folder, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}{}",
        out(&output),
        err(&output)
    );
    out(&output)
}

/// What a command prints that must end with this exit code: on standard output and on standard error.
fn refused(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = task_in(folder, arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}{}",
        out(&output),
        err(&output)
    );
    (out(&output), err(&output))
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn every_example_is_valid_and_passes_its_tests() {
    let folders = std::fs::read_dir(examples().join("tasks"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .count();
    assert!(folders >= 8, "there are {folders} examples");
    let told = done(&examples(), &[&["validate", "tasks"][..], &ALLOWED].concat());
    assert_eq!(
        told.lines().filter(|line| line.starts_with("ok ")).count(),
        folders
    );
    let told = done(&examples(), &[&["test", "tasks"][..], &ALLOWED].concat());
    assert!(
        told.contains(" passed, 0 failed ("),
        "no task is untested or broken: {told}"
    );
}

#[test]
fn every_example_stands_in_their_table_and_has_schemas() {
    let table = std::fs::read_to_string(examples().join("tasks/README.md")).unwrap();
    for entry in std::fs::read_dir(examples().join("tasks")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(table.contains(&format!("| [`{name}`]({name}) |")), "{name}");
        for file in ["input.schema.json", "output.schema.json"] {
            assert!(folder.join(file).exists(), "{name}/{file}");
        }
    }
}

#[test]
fn a_new_task_of_each_runtime_is_valid_passes_its_tests_and_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    for runtime in ["javascript", "http", "process"] {
        let name = format!("my-{runtime}");
        let made = done(folder.path(), &["new", &name, "--runtime", runtime]);
        // What it says comes next is what is done next.
        for command in ["validate", "test"] {
            let begin = format!("  ratchet task {command} tasks/{name}");
            let next = made.lines().find(|line| line.starts_with(&begin)).unwrap();
            let arguments: Vec<&str> = next.split_whitespace().skip(2).collect();
            done(folder.path(), &arguments);
        }
        let main = folder.path().join("tasks").join(&name).join("metadata.json");
        std::fs::write(&main, "mine").unwrap();
        let (_, error) = refused(folder.path(), &["new", &name], 1);
        assert!(error.contains("exists already"), "{error}");
        assert_eq!(std::fs::read_to_string(&main).unwrap(), "mine");
    }
    for name in ["", "../up", "a/b", "-x", "a b"] {
        let (_, error) = refused(folder.path(), &["new", "--", name], 2);
        assert!(error.contains(&format!("NAME is \"{name}\"")), "{error}");
    }
    done(folder.path(), &["new", "other", "--in", "deep/down"]);
    assert!(folder.path().join("deep/down/other/main.js").exists());
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_file_field_and_rule() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            (
                "t/a/metadata.json",
                "{\"name\": \"a\", \"timeout\": -1, \"tgas\": []}",
            ),
            ("t/a/input.schema.json", "{"),
            ("t/a/main.js", "() => 1"),
            ("t/b/metadata.json", "{\"name\": \"b\", \"version\": \"1\"}"),
            ("t/b/main.js", "(input) => {\n  return input.;\n}"),
            ("t/b/output.schema.json", "{\"type\": \"sting\"}"),
            ("t/b/tests/x.json", "{\"expect\": 1}"),
            (
                "t/c/metadata.json",
                "{\"name\": \"c\", \"version\": \"1\", \"runtime\": \"wasm\"}",
            ),
            ("t/d/metadata.json", "{\"name\": \"d\", \"version\": \"1\"}"),
            ("t/d/main.js", "() => 1"),
        ],
    );
    let (told, error) = refused(folder.path(), &["validate", "t"], 1);
    let lines: Vec<&str> = told.lines().collect();
    let begins = [
        "ok   d 1",
        "FAIL t/a/metadata.json: version: is missing",
        "FAIL t/a/metadata.json: timeout: is -1: allowed is a whole number, 1 through 604800 seconds",
        "FAIL t/a/metadata.json: tgas: is []: there is no such key; did you mean tags?",
        "FAIL t/a/input.schema.json: is not JSON",
        "FAIL t/b/output.schema.json: it is not a valid JSON Schema at /type",
        "FAIL t/b/main.js: 2:16: ",
        "FAIL t/b/tests/x.json: expect: is 1: there is no such key; did you mean expected?",
        "FAIL t/c/runtime: is \"wasm\": the runtimes here are builtin, http, javascript, process",
    ];
    assert_eq!(lines.len(), begins.len(), "{told}");
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}\n{begin}");
    }
    assert_eq!(error, "error: 8 things are wrong\n");
    let (_, error) = refused(folder.path(), &["validate", "nowhere"], 2);
    assert!(
        error.starts_with("error: DIR is \"nowhere\": it is no folder"),
        "{error}"
    );
    let (_, error) = refused(folder.path(), &["validate", "t/b/tests"], 2);
    assert!(error.contains("metadata.json"), "{error}");
}

#[test]
fn a_failed_test_is_told_with_what_differs_and_what_the_task_said() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("t/metadata.json", "{\"name\": \"t\", \"version\": \"1\"}"),
            (
                "t/main.js",
                "async (input) => { console.warn('I saw', input.a); \
                 if (input.url) { try { await fetch(input.url); } catch (error) {} } \
                 if (input.loop) { for (;;) {} } \
                 return { a: input.a, b: [1, 2] }; }",
            ),
            (
                "t/tests/a.json",
                "{\"name\": \"differs\", \"input\": {\"a\": 7}, \"expected\": {\"a\": 8, \"b\": [1]}}",
            ),
            (
                "t/tests/b.json",
                "{\"name\": \"passes\", \"input\": {\"a\": 7}, \"expected\": {\"a\": 7, \"b\": [1, 2.0]}}",
            ),
            (
                "t/tests/c.json",
                "{\"name\": \"asks\", \"input\": {\"url\": \"https://example.com/x\"}, \"mocks\": [{\"url\": \"*/y\"}]}",
            ),
            (
                "t/tests/d.json",
                "{\"name\": \"must fail\", \"should_fail\": true}",
            ),
        ],
    );
    let (told, error) = refused(folder.path(), &["test", "t"], 1);
    for part in [
        "t 1 (t)\n",
        "  FAIL differs",
        "t/tests/a.json",
        "/a: expected 8, got 7",
        "/b/1: 2 is there, and not expected",
        "[warn] I saw 7",
        "  ok   passes",
        "GET https://example.com/x: no mock answers this request",
        "it must fail, and returned {",
        "1 passed, 3 failed",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains('\u{1b}'), "colours are for terminals");
    assert_eq!(error, "error: not all tests passed\n");
    let told = done(folder.path(), &["test", "t", "--filter", "passes"]);
    assert!(told.contains("1 passed, 0 failed"), "{told}");
    let (_, error) = refused(folder.path(), &["test", "t", "--filter", "nothing"], 2);
    assert!(error.contains("--filter is \"nothing\""), "{error}");

    // A task that loops is stopped, and the tests go on.
    write(
        folder.path(),
        &[
            (
                "t/metadata.json",
                "{\"name\": \"t\", \"version\": \"1\", \"timeout\": 1}",
            ),
            (
                "t/tests/a.json",
                "{\"name\": \"loops\", \"input\": {\"loop\": true}}",
            ),
        ],
    );
    let (told, _) = refused(folder.path(), &["test", "t"], 1);
    assert!(told.contains("it failed (timeout): "), "{told}");
    assert!(told.contains("1 passed, 3 failed"), "{told}");
}

#[test]
fn a_task_is_run_once_with_its_log_beside_its_output() {
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), &["new", "hello"]);
    write(folder.path(), &[("input.json", "{\"name\": \"Ada\"}")]);
    for (task, input) in [
        ("tasks/hello", "{\"name\": \"Ada\"}"),
        ("hello", "@input.json"),
        ("hello@0.1.0", "@input.json"),
    ] {
        let output = task_in(folder.path(), &["run", task, "--input", input]);
        assert!(output.status.success(), "{}", err(&output));
        let result: Value = serde_json::from_str(&out(&output)).unwrap();
        assert_eq!(result, json!({"greeting": "Hello, Ada!"}));
        assert!(err(&output).contains("greeting Ada"), "{}", err(&output));
    }
    for (arguments, code, told) in [
        (vec!["run", "hello"], 2, "\"name\" is a required property"),
        (
            vec!["run", "hello", "--input", "{\"name\": \" \"}"],
            1,
            "name is empty",
        ),
        (vec!["run", "hello", "--input", "{name"], 2, "it is not JSON"),
        (vec!["run", "hello", "--input", "@none.json"], 2, "none.json"),
        (
            vec!["run", "helo"],
            1,
            "no task is named \"helo\"; there are heartbeat, hello, wait",
        ),
        (vec!["run", "hello@9"], 1, "no task is named \"hello@9\""),
        (
            vec!["run", "wait", "--input", "{\"seconds\": 3600}", "--timeout", "1"],
            1,
            "longer than its timeout of 1 s",
        ),
    ] {
        let (printed, error) = refused(folder.path(), &arguments, code);
        assert!(error.contains(told), "{arguments:?}: {error}");
        assert_eq!(printed, "");
    }
    assert!(
        !folder.path().join("ratchet.db").exists(),
        "a task is run without a database"
    );
}

#[test]
fn an_interrupt_stops_a_task_that_is_run() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("t/metadata.json", "{\"name\": \"t\", \"version\": \"1\"}"),
            ("t/main.js", "() => { console.log('begun'); for (;;) {} }"),
        ],
    );
    let mut child = Command::new(ratchet_binary().canonicalize().unwrap())
        .current_dir(folder.path())
        .args(["task", "run", "t"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "[info] begun");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "error: it was stopped (task)");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// The state of each task, by name.
fn states(folder: &Path) -> Value {
    let listed: Value = serde_json::from_str(&done(folder, &["list", "--json"])).unwrap();
    let tasks = listed["tasks"].as_array().unwrap().iter();
    tasks
        .map(|task| (task["name"].as_str().unwrap().to_owned(), task["state"].clone()))
        .collect()
}

#[test]
fn a_running_server_takes_in_what_changes_in_its_folder_of_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let synchronized = "the stored tasks are synchronized with their registries";
    done(folder.path(), &["new", "first", "--runtime", "http"]);
    assert_eq!(states(folder.path())["first"], "new");
    let mut server = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(states(folder.path())["first"], "ready");

    done(folder.path(), &["new", "second", "--runtime", "http"]);
    server.wait_for_logs(synchronized, 2);
    let patience = std::time::Instant::now() + Duration::from_secs(30);
    // A new folder is several changes, and may be several synchronizations.
    while states(folder.path())["second"] != "ready" {
        assert!(std::time::Instant::now() < patience, "{}", states(folder.path()));
    }
    write(
        folder.path(),
        &[("tasks/second/metadata.json", "{\"name\": \"second\"}")],
    );
    server.wait_for_log("a task is not in order: is missing: every task has one");
    assert_eq!(states(folder.path())["second"], "broken");

    std::fs::remove_dir_all(folder.path().join("tasks/first")).unwrap();
    while states(folder.path()).get("first").is_some() {
        assert!(std::time::Instant::now() < patience, "{}", states(folder.path()));
    }
    let (_, error) = refused(folder.path(), &["show", "first"], 1);
    assert!(error.contains("there are heartbeat, second, wait"), "{error}");
    let shown: Value =
        serde_json::from_str(&done(folder.path(), &["show", "second@0.1.0", "--json"])).unwrap();
    assert_eq!(
        (&shown["state"], &shown["runtime"], &shown["metadata"]["folder"]),
        (&json!("broken"), &json!("http"), &json!("tasks/second"))
    );
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn a_folder_of_tasks_that_was_named_and_does_not_exist_is_told_of_and_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("ratchet.toml", "[tasks]\nfolder = \"work\"\n")]);
    let mut server = ServerProcess::start(folder.path(), &[]).ready();
    server.wait_for_log(
        "a task is not in order: the folder cannot be read: No such file or directory (os error 2)",
    );
    done(folder.path(), &["new", "late", "--runtime", "http"]);
    let patience = std::time::Instant::now() + Duration::from_secs(30);
    while states(folder.path())["late"] != "ready" {
        assert!(std::time::Instant::now() < patience, "{}", states(folder.path()));
    }
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn a_task_is_shown_over_a_server_with_all_that_is_shown_of_it_beside_its_folder() {
    let theirs = tempfile::tempdir().unwrap();
    let metadata = json!({
        "runtime": "javascript", "label": "Sums", "description": "Adds", "tags": ["math", "example"],
        "timeout": 60, "concurrency": {"limit": 2},
        "retry": {"max_retries": 3, "backoff": {"type": "list", "delays_seconds": [1.5, 60.0]}, "never_on": ["input"]},
    });
    write_task(
        theirs.path(),
        "sum",
        metadata,
        &[("main.js", "(input) => input.a + input.b")],
    );
    let server = ServerProcess::start(theirs.path(), &[]).ready();
    let url = format!("http://{}", server.address().unwrap());
    let shown = |words: &[&str]| {
        let output = task_in(theirs.path(), &[&["show", "sum"], words].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (beside, over) = (shown(&[]), shown(&["--server", &url]));
    // A program that lies in a folder is for its owner.
    let without_program = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("  program"))
            .map(str::to_owned)
            .collect()
    };
    let (beside, over): (Vec<String>, Vec<String>) = (without_program(&beside), without_program(&over));
    assert_eq!(beside, over);
    for part in [
        "Sums",
        "math, example",
        "60 s",
        "runs at once",
        "\"max_retries\":3",
    ] {
        assert!(over.iter().any(|line| line.contains(part)), "{part}: {over:?}");
    }
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}
