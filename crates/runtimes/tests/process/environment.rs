use std::collections::BTreeMap;
use std::path::Path;

use ratchet_interfaces::TaskErrorKind;
use serde_json::{Value, json};

use crate::world::{World, shell};

async fn environment(world: &World, source: &Value) -> BTreeMap<String, String> {
    let output = world.run(source, json!({"city": "Köln"})).await.unwrap();
    let lines = output.as_str().unwrap().lines();
    lines
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[tokio::test]
async fn the_environment_is_the_run_s_and_the_task_s_and_nothing_of_the_server_s() {
    let world = World::with(|config| config.path = "/usr/bin:/bin".to_owned());
    let mut source = shell("env");
    source["output"] = json!("text");
    source["env"] = json!({"CITY": "{{ input.city }}", "TZ": "Europe/Berlin"});
    let mut found = environment(&world, &source).await;
    // The shell's own.
    for name in ["PWD", "OLDPWD", "SHLVL", "_"] {
        found.remove(name);
    }
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    let expected = [
        "CITY",
        "HOME",
        "LANG",
        "PATH",
        "RATCHET_ATTEMPT",
        "RATCHET_EXECUTION_ID",
        "RATCHET_INPUT_FILE",
        "RATCHET_JOB_ID",
        "RATCHET_SCHEDULED_FOR",
        "RATCHET_TASK",
        "RATCHET_TASK_VERSION",
        "TMPDIR",
        "TZ",
    ];
    assert_eq!(names, expected);
    for (name, value) in [
        ("CITY", "Köln"),
        ("TZ", "Europe/Berlin"),
        ("PATH", "/usr/bin:/bin"),
        ("RATCHET_TASK", "backup"),
        ("RATCHET_TASK_VERSION", "1.2.0"),
        ("RATCHET_ATTEMPT", "2"),
        ("RATCHET_SCHEDULED_FOR", "2026-03-01T06:00:00Z"),
    ] {
        assert_eq!(found[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_run_works_in_a_folder_of_its_own_that_goes_with_it() {
    let world = World::new();
    let script = "echo x > a; mkdir -p deep/er; touch deep/er/b; \
                  stat -c %a \"$RATCHET_INPUT_FILE\" \"$(dirname \"$RATCHET_INPUT_FILE\")\"; pwd";
    let mut source = shell(script);
    source["output"] = json!("text");
    let output = world.run(&source, Value::Null).await.unwrap();
    let lines: Vec<&str> = output.as_str().unwrap().lines().collect();
    assert_eq!(lines[..2], ["600", "700"]);
    let folder = Path::new(lines[2]);
    assert!(folder.ends_with("work"), "{}", folder.display());
    assert!(!folder.parent().unwrap().exists());
}

#[tokio::test]
async fn a_working_folder_is_one_that_is_allowed_or_below_one() {
    let allowed = tempfile::tempdir().unwrap();
    let real = allowed.path().canonicalize().unwrap();
    std::fs::create_dir_all(real.join("a/b")).unwrap();
    std::os::unix::fs::symlink("/etc", real.join("out")).unwrap();
    std::fs::write(real.join("file"), "").unwrap();
    let world = World::with(|config| config.working_folders.push(allowed.path().to_owned()));
    let source = |folder: &Path| {
        let mut source = shell("pwd");
        source["working_folder"] = json!(folder);
        source
    };
    for folder in [real.clone(), real.join("a/b")] {
        assert_eq!(world.check(&source(&folder)), None);
        assert_eq!(world.run(&source(&folder), Value::Null).await, Ok(json!(folder)));
    }
    for (folder, kind, told) in [
        (
            real.join("out"),
            TaskErrorKind::Permission,
            "it is not below a folder of process.working_folders",
        ),
        (
            "/etc".into(),
            TaskErrorKind::Permission,
            "it is not below a folder of process.working_folders",
        ),
        (real.join("file"), TaskErrorKind::Definition, "it is no folder"),
        (
            real.join("none"),
            TaskErrorKind::Definition,
            "No such file or directory",
        ),
    ] {
        let source = source(&folder);
        let failure = world.run(&source, Value::Null).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        let beginning = format!("working_folder is \"{}\": {told}", folder.display());
        assert!(failure.message.starts_with(&beginning), "{failure}");
        assert_eq!(world.check(&source), Some(failure.message));
    }
}
