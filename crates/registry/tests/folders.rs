//! What is in a folder of tasks.

#![allow(clippy::unwrap_used, reason = "what a test unwraps, it asserts")]

use std::fs;
use std::path::Path;

use ratchet_interfaces::{TaskLimits, TaskListing, TaskRegistry, ValidationIssue};
use ratchet_registry::{FileSystemRegistry, MockAnswer, read_task_folder, read_test_cases, task_id_of};
use serde_json::{Value, json};
use tempfile::TempDir;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn task(root: &Path, folder: &str, metadata: &Value) {
    write(
        &root.join(folder),
        &[
            ("metadata.json", &metadata.to_string()),
            ("main.js", "() => ({})"),
        ],
    );
}

/// What is told, without the folder that the test lies in.
fn told(root: &Path, issues: &[ValidationIssue]) -> Vec<String> {
    let root = format!("{}/", root.display());
    issues
        .iter()
        .map(|issue| issue.to_string().replace(&root, ""))
        .collect()
}

fn scan(root: &TempDir) -> TaskListing {
    FileSystemRegistry::new("files", [root.path()]).scan()
}

fn names(listing: &TaskListing) -> Vec<&str> {
    listing.tasks.iter().map(|task| task.name.as_str()).collect()
}

/// What is wrong with a task of which this is the metadata.
fn faults(metadata: &str) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    write(
        &root.path().join("t"),
        &[("metadata.json", metadata), ("main.js", "() => 1")],
    );
    match read_task_folder(&root.path().join("t")) {
        Ok(_) => Vec::new(),
        Err(issues) => told(root.path(), &issues),
    }
}

#[test]
fn everything_that_a_folder_says_is_read() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("hello");
    let metadata = json!({
        "name": "hello", "version": "1.2.0", "uuid": "7f6a2e8c-4c1d-4b8e-9a34-1c3f0d5b6e7a",
        "label": "Hello", "description": "Greets", "tags": ["demo"], "timeout": 30, "memory_limit": "64MB",
        "retry": {"max_retries": 3}, "concurrency": {"limit": 2, "per_key": 1},
        "author": {"name": "A."},
    });
    write(
        &folder,
        &[
            ("metadata.json", &format!("\u{feff}{metadata}")),
            ("main.js", "() => 1"),
            ("input.schema.json", "{\"type\": \"object\"}"),
            ("output.schema.json", "true"),
        ],
    );
    let task = read_task_folder(&folder).unwrap();
    assert_eq!(task.id.to_string(), "7f6a2e8c-4c1d-4b8e-9a34-1c3f0d5b6e7a");
    assert_eq!((task.name.as_str(), task.version.as_str()), ("hello", "1.2.0"));
    assert_eq!(task.label.as_deref(), Some("Hello"));
    assert_eq!(task.description.as_deref(), Some("Greets"));
    assert_eq!(task.tags, ["demo"]);
    assert_eq!(task.runtime, "javascript");
    assert_eq!(task.source.as_deref(), Some("() => 1"));
    assert_eq!(task.input_schema, Some(json!({"type": "object"})));
    assert_eq!(task.output_schema, Some(json!(true)));
    let limits = TaskLimits {
        timeout_seconds: Some(30),
        memory_bytes: Some(64 << 20),
        max_concurrent: Some(2),
        max_per_key: Some(1),
    };
    assert_eq!(task.limits, limits);
    assert_eq!(task.retry.as_ref().unwrap().max_retries, 3);
    assert_eq!(task.folder(), folder.to_str());
    assert_eq!(task.metadata.unwrap()["author"], json!({"name": "A."}));
}

#[test]
fn a_task_without_a_uuid_has_the_same_id_everywhere_and_another_one_a_version() {
    let root = tempfile::tempdir().unwrap();
    task(root.path(), "a", &json!({"name": "hello", "version": "1.0.0"}));
    let read = read_task_folder(&root.path().join("a")).unwrap();
    assert_eq!(read.id, task_id_of("hello", "1.0.0"));
    // Stored rows depend on it.
    assert_eq!(read.id.to_string(), "1946c32e-378d-5f5e-9a3f-8053e4d01d88");
    assert_ne!(read.id, task_id_of("hello", "1.0.1"));
}

#[test]
fn each_wrong_value_is_told_with_file_field_value_and_rule() {
    let wrong = json!({
        "name": "a@b", "version": 1, "uuid": "x", "tags": "a", "timeout": 0, "memory_limit": "64XB",
        "retry": {"max_retries": -1}, "concurrency": {"limit": 0, "per_kye": 1}, "runtime": "", "lable": "A",
        "folder": "b", "label": "",
    });
    let faults = faults(&wrong.to_string());
    let expected = [
        "task t: metadata.json: name: is \"a@b\": allowed is a text of 1 through 200 characters, without @, control \
         characters, and white space at its ends",
        "task t: metadata.json: version: is 1: allowed is a text of 1 through 100 characters",
        "task t: metadata.json: uuid: is \"x\": allowed is a UUID such as ",
        "task t: metadata.json: label: is \"\": a text of 1 through 200 characters is allowed",
        "task t: metadata.json: tags: is \"a\": allowed is a list of up to 100 texts",
        "task t: metadata.json: runtime: is \"\": a text of 1 through 200 characters is allowed",
        "task t: metadata.json: timeout: is 0: allowed is a whole number, 1 through 604800 seconds",
        "task t: metadata.json: memory_limit: is \"64XB\": allowed is a number of bytes or a text such as \"64MB\"",
        "task t: metadata.json: retry: is {\"max_retries\":-1}: invalid value",
        "task t: metadata.json: concurrency.limit: is 0: allowed is a whole number, 1 through 1000000 jobs",
        "task t: metadata.json: concurrency.per_kye: is 1: allowed is an object such as",
        "task t: metadata.json: folder: is \"b\": the registry itself says by this key",
        "task t: metadata.json: lable: is \"A\": there is no such key; did you mean label?",
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}");
    }
}

#[test]
fn a_file_that_is_missing_too_long_or_not_what_it_must_be_is_told() {
    assert_eq!(
        faults("{\"version\": null}"),
        [
            "task t: metadata.json: name: is missing: every task has one",
            "task t: metadata.json: version: is missing: every task has one"
        ]
    );
    assert_eq!(
        faults("{\"name\": "),
        ["task t: metadata.json: is not JSON: EOF while parsing a value at line 1 column 9"]
    );
    assert_eq!(
        faults("[1]"),
        ["task t: metadata.json: is [1]: a JSON object is needed"]
    );
    assert_eq!(
        faults(&" ".repeat(70_000)),
        ["task t: metadata.json: is too long: at most 65536 bytes are allowed"]
    );
    let deep = "[".repeat(1_000);
    assert!(
        faults(&deep)[0].contains("recursion limit"),
        "{:?}",
        faults(&deep)
    );

    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("t");
    write(
        &folder,
        &[("metadata.json", "{\"name\": \"t\", \"version\": \"1\"}")],
    );
    let faults_of_folder = || told(root.path(), &read_task_folder(&folder).unwrap_err());
    assert_eq!(
        faults_of_folder(),
        ["task t: main.js: does not exist: a task of runtime javascript is in this file"]
    );
    fs::create_dir(folder.join("main.js")).unwrap();
    fs::write(folder.join("input.schema.json"), [0xff, 0xfe]).unwrap();
    fs::write(folder.join("output.schema.json"), "{").unwrap();
    let faults = faults_of_folder();
    assert!(
        faults[0].starts_with("task t: input.schema.json: is not UTF-8"),
        "{faults:?}"
    );
    assert!(
        faults[1].starts_with("task t: output.schema.json: is not JSON"),
        "{faults:?}"
    );
    assert_eq!(faults[2..], ["task t: main.js: is not a file"]);
    fs::remove_dir(folder.join("main.js")).unwrap();
    fs::write(folder.join("main.js"), " \n").unwrap();
    assert!(faults_of_folder()[2].starts_with("task t: main.js: is empty"));
    let missing = told(
        root.path(),
        &read_task_folder(&root.path().join("u")).unwrap_err(),
    );
    assert!(
        missing[0].starts_with("task u: .: the folder cannot be read"),
        "{missing:?}"
    );
}

#[test]
fn a_runtime_has_a_file_of_its_own_or_needs_none() {
    let root = tempfile::tempdir().unwrap();
    for (runtime, file) in [
        ("http", Some("request.json")),
        ("process", Some("process.json")),
        ("wasm", None),
    ] {
        let folder = root.path().join(runtime);
        let metadata = json!({"name": runtime, "version": "1", "runtime": runtime}).to_string();
        write(&folder, &[("metadata.json", &metadata)]);
        if let Some(file) = file {
            let issues = read_task_folder(&folder).unwrap_err();
            assert_eq!(issues[0].field, file);
            write(&folder, &[(file, "{}")]);
        }
        let task = read_task_folder(&folder).unwrap();
        assert_eq!(task.source.as_deref(), file.map(|_| "{}"));
    }
}

#[test]
fn tasks_are_found_below_a_root_and_not_below_a_task() {
    let root = tempfile::tempdir().unwrap();
    let of = |name: &str| json!({"name": name, "version": "1"});
    for (folder, name) in [
        ("b", "two"),
        ("a/deep/down", "one"),
        ("b/inner", "of a task"),
        (".git/hook", "hidden"),
        ("node_modules/left-pad", "of a package"),
        ("c/node_modules/x", "of another package"),
    ] {
        task(root.path(), folder, &of(name));
    }
    write(root.path(), &[("README.md", "# Tasks")]);
    let listing = scan(&root);
    assert_eq!(names(&listing), ["one", "two"]);
    assert_eq!((listing.issues, listing.unreadable), (vec![], vec![]));
}

#[test]
fn a_broken_folder_is_an_entry_and_the_others_are_found() {
    let root = tempfile::tempdir().unwrap();
    task(root.path(), "fine", &json!({"name": "fine", "version": "1"}));
    task(root.path(), "broken", &json!({"name": "broken"}));
    let listing = scan(&root);
    assert_eq!(names(&listing), ["fine"]);
    assert_eq!(
        told(root.path(), &listing.issues),
        ["task broken: metadata.json: version: is missing: every task has one"]
    );
    assert!(listing.is_unreadable(root.path().join("broken").to_str().unwrap()));
    assert!(!listing.is_unreadable(root.path().join("fine").to_str().unwrap()));
}

#[test]
fn of_two_folders_with_the_same_task_the_first_has_it() {
    let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let uuid = "7f6a2e8c-4c1d-4b8e-9a34-1c3f0d5b6e7a";
    task(
        root.path(),
        "a",
        &json!({"name": "t", "version": "1", "uuid": uuid}),
    );
    task(
        root.path(),
        "b",
        &json!({"name": "t", "version": "2", "uuid": uuid}),
    );
    task(other.path(), "c", &json!({"name": "t", "version": "1"}));
    let listing = FileSystemRegistry::new("files", [root.path(), other.path()]).scan();
    assert_eq!(listing.tasks.len(), 1);
    let issues = told(root.path(), &listing.issues);
    assert_eq!(
        issues[0],
        format!(
            "task b: metadata.json: uuid: is \"{uuid}\": that is the uuid of the task in a, and each version has one of \
             its own"
        )
    );
    assert!(
        issues[1].ends_with("metadata.json: version: is \"1\": a has task t in this version already"),
        "{issues:?}"
    );
}

#[tokio::test]
async fn a_root_that_does_not_exist_is_an_entry_and_everything_below_it_is_unknown() {
    let root = tempfile::tempdir().unwrap();
    task(root.path(), "a", &json!({"name": "t", "version": "1"}));
    let missing = root.path().join("none");
    let registry = FileSystemRegistry::new("files", [missing.as_path(), root.path()]);
    let listing = registry.list_tasks().await.unwrap();
    assert_eq!(names(&listing), ["t"]);
    assert!(
        listing.issues[0]
            .message
            .starts_with("the folder cannot be read: "),
        "{:?}",
        listing.issues
    );
    assert!(listing.is_unreadable(missing.join("x/y").to_str().unwrap()));
    let id = listing.tasks[0].id;
    assert_eq!(
        registry.get_task_by_id(id).await.unwrap().as_ref(),
        listing.tasks.first()
    );
}

#[tokio::test]
async fn nothing_is_wrong_with_a_root_that_need_not_exist_and_what_was_below_it_is_unknown() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("tasks");
    let registry = FileSystemRegistry::new("files", [folder.as_path()]).where_present();
    let listing = registry.list_tasks().await.unwrap();
    assert!(
        listing.tasks.is_empty() && listing.issues.is_empty(),
        "{listing:?}"
    );
    assert!(listing.is_unreadable(folder.join("x/y").to_str().unwrap()));

    task(&folder, "a", &json!({"name": "t", "version": "1"}));
    let listing = registry.list_tasks().await.unwrap();
    assert_eq!(names(&listing), ["t"]);
    assert!(listing.unreadable.is_empty(), "{listing:?}");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_is_not_followed_and_one_that_stays_within_is() {
    use std::os::unix::fs::symlink;
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    task(
        outside.path(),
        "secret",
        &json!({"name": "secret", "version": "1"}),
    );
    symlink(outside.path().join("secret"), root.path().join("link")).unwrap();
    task(root.path(), "real", &json!({"name": "real", "version": "1"}));
    symlink(root.path().join("real"), root.path().join("zlink")).unwrap();
    symlink(root.path(), root.path().join("loop")).unwrap();

    let program = root.path().join("program");
    write(
        &program,
        &[("metadata.json", "{\"name\": \"p\", \"version\": \"1\"}")],
    );
    symlink("/etc/hostname", program.join("main.js")).unwrap();

    let mounted = root.path().join("mounted");
    write(
        &mounted,
        &[
            (
                "..data/metadata.json",
                "{\"name\": \"mounted\", \"version\": \"1\"}",
            ),
            ("..data/main.js", "() => 1"),
        ],
    );
    symlink("..data/metadata.json", mounted.join("metadata.json")).unwrap();
    symlink("..data/main.js", mounted.join("main.js")).unwrap();

    let listing = scan(&root);
    assert_eq!(names(&listing), ["mounted", "real"]);
    let mut issues = told(root.path(), &listing.issues);
    issues.sort();
    assert!(
        issues[0].starts_with("task link: .: the folder is a symbolic link that leads out"),
        "{issues:?}"
    );
    assert_eq!(
        issues[1..],
        ["task program: main.js: is a symbolic link that leads out of the task's folder: it is not followed"]
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_holds_nobody_up() {
    let root = tempfile::tempdir().unwrap();
    write(
        &root.path().join("t"),
        &[("metadata.json", "{\"name\": \"t\", \"version\": \"1\"}")],
    );
    let made = std::process::Command::new("mkfifo")
        .arg(root.path().join("t/main.js"))
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(
        told(root.path(), &scan(&root).issues),
        ["task t: main.js: is not a file"]
    );
}

#[test]
fn tests_are_read_in_the_order_of_their_files() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            (
                "tests/b.json",
                "{\"name\": \"second\", \"input\": 1, \"expected_output\": null}",
            ),
            (
                "tests/a.json",
                "{\"should_fail\": true, \"expected_output\": null}",
            ),
            (
                "tests/c.json",
                "{\"expected_error\": \"no\", \"mocks\": [{\"url\": \"https://x/*\", \"json\": {\"a\": 1}}, \
                 {\"url\": \"y\", \"method\": \"POST\", \"error\": \"away\"}]}",
            ),
            ("tests/notes.txt", "no test"),
        ],
    );
    let cases = read_test_cases(root.path()).unwrap();
    let named: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(named, ["a", "second", "c"]);
    assert_eq!((cases[0].should_fail, &cases[0].expected), (true, &None));
    assert_eq!(
        (cases[1].should_fail, &cases[1].expected),
        (false, &Some(Value::Null))
    );
    assert_eq!(cases[1].input, json!(1));
    assert!(cases[2].should_fail);
    let json = MockAnswer::Response {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: "{\"a\":1}".to_owned(),
    };
    assert_eq!(cases[2].mocks[0].answer, json);
    assert_eq!(cases[2].mocks[1].answer, MockAnswer::Error("away".to_owned()));
    assert_eq!(read_test_cases(&root.path().join("tests")).unwrap(), []);
}

#[test]
fn what_is_wrong_with_a_test_is_told_by_its_file() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        &[
            ("tests/a.json", "[]"),
            (
                "tests/b.json",
                "{\"expceted\": 1, \"expected\": 1, \"expected_output\": 2, \"should_fail\": \"yes\", \
                 \"mocks\": [1, {\"method\": \"GET\"}, {\"url\": \"x\", \"status\": 99, \"bdoy\": \"\"}]}",
            ),
            ("tests/c.json", "{\"should_fail\": true, \"expected\": {}}"),
        ],
    );
    let issues = read_test_cases(root.path()).unwrap_err();
    let fields: Vec<_> = issues.iter().map(|issue| issue.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "tests/a.json",
            "tests/b.json: expected_output",
            "tests/b.json: should_fail",
            "tests/b.json: mocks[0]",
            "tests/b.json: mocks[1]: url",
            "tests/b.json: mocks[2]: status",
            "tests/b.json: mocks[2]: bdoy",
            "tests/b.json: expceted",
            "tests/c.json: expected",
        ]
    );
}
