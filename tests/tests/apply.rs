//! Schedules as code: from files into the database and the running engine, and back into files.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ratchet_tests::{ServerProcess, on_each_database, ratchet_binary};
use rustix::process::Signal;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
const WAIT: &str = "00000000-0000-0000-0000-000000000002";

struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn ratchet_with(folder: &Path, arguments: &[&str], input: &str) -> Said {
    let mut child = Command::new(ratchet_binary())
        .args(arguments)
        .current_dir(folder)
        .env("TOKEN", "s3cret")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said {
        code: status.code(),
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

fn ratchet(folder: &Path, arguments: &[&str]) -> Said {
    ratchet_with(folder, arguments, "")
}

fn done(folder: &Path, arguments: &[&str]) -> String {
    let said = ratchet(folder, arguments);
    assert_eq!(
        said.code,
        Some(0),
        "{arguments:?}: {}{}",
        said.stdout,
        said.stderr
    );
    said.stdout
}

fn id_of(server: &ServerProcess, name: &str) -> Value {
    let (status, list) = server.get(&format!("/api/v1/schedules?name={name}"));
    assert_eq!(status, 200, "{list}");
    list["data"][0]["id"].clone()
}

const FILE: &str = "
schedules:
  pulse:
    task: heartbeat
    cron: '* * * * * *'
    outputs:
      - {destinationType: stdio, stdio: {includeMetadata: true}}
  echo:
    task: wait
    after: pulse succeeded
    input: {seconds: 0}
    outputs:
      - {destinationType: stdio, stdio: {includeMetadata: true}}
  hooked:
    task: heartbeat
    cron: '@yearly'
    outputs:
      - destinationType: webhook
        webhook:
          url: https://example.org/hook
          authentication: {authType: bearer, bearer: {token: {env: TOKEN}}}
";

#[test]
fn files_become_schedules_that_run_and_are_exported_as_files_again() {
    on_each_database(applies_and_exports);
}

fn applies_and_exports(folder: &Path) {
    fs::write(folder.join("all.yaml"), FILE).unwrap();
    let said = ratchet(folder, &["apply", "all.yaml", "--dry-run", "--exit-code"]);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(
        said.stdout.contains("+ echo") && said.stdout.contains("3 to create"),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains("s3cret"), "{}", said.stdout);
    let said = done(folder, &["apply", "all.yaml"]);
    assert!(said.contains("3 created"), "{said}");
    let said = done(folder, &["apply", "all.yaml", "--prune"]);
    assert!(said.contains("nothing to do: 3 unchanged"), "{said}");

    let mut server = ServerProcess::start(folder, &[]).ready();
    for name in ["pulse", "echo"] {
        let id = id_of(&server, name);
        server.wait_for_result(PATIENCE, |result| result["schedule"] == id);
    }
    let by_hand =
        json!({"taskId": WAIT, "name": "by-hand", "cronExpression": "@yearly", "input": {"seconds": 0}});
    let created = server.send("POST", "/api/v1/schedules", &[], Some(&by_hand));
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));

    for (form, file) in [("yaml", "export.yaml"), ("toml", "export.toml")] {
        let exported = done(folder, &["export", "-o", form]);
        assert!(
            exported.contains("********") && !exported.contains("s3cret"),
            "{exported}"
        );
        fs::write(folder.join(file), exported).unwrap();
        let said = done(folder, &["apply", file, "--dry-run", "--exit-code"]);
        assert!(said.contains("nothing to do: 4 unchanged"), "{said}");
    }
    let one = done(folder, &["export", "--schedule", "pulse"]);
    assert!(one.contains("pulse") && !one.contains("hooked"), "{one}");

    // What was made by hand is in no file, and is not surplus.
    let rest = ratchet_with(folder, &["apply", "-", "--prune"], &one);
    assert_eq!(rest.code, Some(2), "who deletes is asked: {}", rest.stderr);
    assert!(
        rest.stdout.contains("- echo") && rest.stderr.contains("--yes"),
        "{}",
        rest.stderr
    );
    let rest = ratchet_with(folder, &["apply", "-", "--prune", "--yes", "-o", "json"], &one);
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    let applied: Value = serde_json::from_str(&rest.stdout).unwrap();
    assert_eq!(
        (&applied["delete"], &applied["applied"]),
        (&json!(2), &json!(true))
    );
    let left = done(folder, &["export"]);
    assert!(left.contains("by-hand") && !left.contains("echo"), "{left}");
}

#[test]
fn what_is_wrong_with_files_is_told_at_once_and_nothing_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = "schedules: {good: {task: heartbeat, cron: '@daily'}}";
    fs::write(folder.join("good.yaml"), good).unwrap();
    fs::write(
        folder.join("bad.toml"),
        "[schedules.one]\ntask = 'heartbeat'\ncron = '@daily'\nmaxRetry = 3\n\
         [schedules.two]\ntask = 'heartbeat'\ncron = '@daily'\n\
         outputs = [{ destinationType = 'stdio', stdio = { prefix = { env = 'NOBODY' } } }]\n",
    )
    .unwrap();
    let said = ratchet(folder, &["apply", "good.yaml", "bad.toml"]);
    assert_eq!(said.code, Some(2), "{}", said.stdout);
    for words in [
        "bad.toml: schedule \"one\": maxRetry: there is no such field: did you mean maxRetries?",
        "bad.toml: schedule \"two\": outputs[0].stdio.prefix: the environment variable NOBODY is not set",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    let wrong = "schedules: {a: {task: heartbeat, cron: 99 * * * *}, b: {task: nobody, every: 5m}, \
                 c: {task: heartbeat, cron: '@daily'}}";
    let said = ratchet_with(folder, &["apply", "-"], wrong);
    assert_eq!(said.code, Some(2), "{}", said.stdout);
    assert!(
        said.stderr.contains("\"a\": cronExpression: ")
            && said.stderr.contains("\"b\": task: there is no task \"nobody\""),
        "{}",
        said.stderr
    );
    assert!(!done(folder, &["export"]).contains("good"), "nothing was applied");
}

#[test]
fn an_apply_beside_a_running_server_changes_what_that_fires() {
    on_each_database(applies_beside_a_server);
}

fn applies_beside_a_server(folder: &Path) {
    let mut server = ServerProcess::start(folder, &[]).ready();
    fs::write(folder.join("all.yaml"), FILE).unwrap();
    assert!(done(folder, &["apply", "all.yaml"]).contains("3 created"));
    let pulse = id_of(&server, "pulse");
    server.wait_for_result(PATIENCE, |result| result["schedule"] == pulse);

    // Over a server that is named as well.
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("http://{}", server.address().unwrap());
    let named = |arguments: &[&str], input: &str| {
        ratchet_with(
            elsewhere.path(),
            &[arguments, &["--server", &url]].concat(),
            input,
        )
    };
    let wrong = "schedules: {a: {task: heartbeat, cron: 99 * * * *}, b: {task: nobody, every: 5m}}";
    let said = named(&["apply", "-"], wrong);
    assert_eq!(said.code, Some(2), "{}", said.stdout);
    assert!(
        said.stderr.contains("\n  schedules[1] \"b\": task: "),
        "{}",
        said.stderr
    );
    let seldom = FILE.replace("'* * * * * *'", "'@yearly'");
    let said = named(&["apply", "-", "-o", "json"], &seldom);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let applied: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        (&applied["update"], &applied["applied"]),
        (&json!(1), &json!(true))
    );
    let (_, list) = server.get("/api/v1/schedules?name=pulse");
    assert!(
        list["data"][0]["nextRun"]
            .as_str()
            .unwrap()
            .ends_with("-01-01T00:00:00Z"),
        "{list}"
    );
    let exported = named(&["export", "--schedule", "pulse"], "");
    assert!(exported.stdout.contains("0 0 1 1 *"), "{}", exported.stdout);
    assert!(!elsewhere.path().join("ratchet.db").exists());
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn a_crontab_becomes_schedules_whose_commands_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let out = folder.join("out");
    let crontab = format!(
        "GREETING=it's me\n# Says who it is.\n0 0 1 1 * printf '\\%s ' \"$GREETING\" >{0}; cat >>{0}%and\n@reboot never\n",
        out.display()
    );
    let said = ratchet_with(
        folder,
        &["import", "crontab", "-", "--task-folder", "tasks"],
        &crontab,
    );
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("line 4: not imported: "), "{}", said.stderr);
    fs::write(folder.join("imported.yaml"), said.stdout).unwrap();
    fs::write(
        folder.join("ratchet.toml"),
        "[process]\nenabled = true\nallowed_commands = [\"/bin/sh\"]\n",
    )
    .unwrap();
    let said = done(folder, &["apply", "imported.yaml"]);
    assert!(said.contains("1 created"), "{said}");

    let mut server = ServerProcess::start(folder, &[]).ready();
    let (_, list) = server.get("/api/v1/schedules?name=printf");
    let schedule = &list["data"][0];
    assert_eq!(schedule["description"], "Says who it is.");
    let follower = json!({
        "schedules": [{
            "name": "told", "task": "wait", "cronExpression": "after printf finished", "input": {"seconds": 0},
            "outputDestinations": [{"destinationType": "stdio", "stdio": {"includeMetadata": true}}],
        }],
    });
    let answer = server.send("POST", "/api/v1/schedules/apply", &[], Some(&follower));
    assert_eq!(answer.status, 200, "{answer:?}");
    let path = format!("/api/v1/schedules/{}/trigger", schedule["id"].as_str().unwrap());
    assert_eq!(server.send("POST", &path, &[], None).status, 200);
    let told = id_of(&server, "told");
    server.wait_for_result(PATIENCE, |result| result["schedule"] == told);
    assert_eq!(fs::read_to_string(&out).unwrap(), "it's me and\n");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}
