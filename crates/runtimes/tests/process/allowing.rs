use std::os::unix::fs::symlink;

use ratchet_interfaces::{TaskErrorKind, TaskExecutor};
use ratchet_runtimes::ProcessConfig;
use serde_json::{Value, json};

use crate::world::{World, write_script};

fn command(command: &str) -> Value {
    json!({"command": command})
}

#[tokio::test]
async fn while_it_is_off_nothing_is_run_and_the_setting_is_named() {
    let world = World::with(|config| *config = ProcessConfig::default());
    let told = "the runtime \"process\" is off: process.enabled is false in the server's settings";
    assert_eq!(world.check(&command("sh")).as_deref(), Some(told));
    let failure = world.run(&command("sh"), Value::Null).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (TaskErrorKind::Permission, told)
    );
    assert_eq!(world.runtime.runtime(), "process");
}

#[tokio::test]
async fn a_command_that_is_not_allowed_is_refused_beforehand_and_when_it_is_run() {
    let world = World::new();
    for name in [
        "ls",
        "/bin/ls",
        "/bin/sh",
        "echo",
        "/bin/../bin/echo",
        "./sh",
        "",
        "sh -c ls",
    ] {
        let told =
            format!("command is \"{name}\": it may not be run: process.allowed_commands does not have it");
        assert_eq!(world.check(&command(name)), Some(told.clone()));
        let failure = world.run(&command(name), Value::Null).await.unwrap_err();
        assert_eq!((failure.kind, failure.message), (TaskErrorKind::Permission, told));
    }
    assert_eq!(world.check(&command("sh")), None);
    assert_eq!(world.check(&command("/bin/echo")), None);
    assert!(
        world
            .check(&json!({"comand": "sh"}))
            .unwrap()
            .contains("unknown field `comand`")
    );
}

#[tokio::test]
async fn an_allowed_command_that_is_not_there_or_not_executable_is_told() {
    let world = World::with(|config| {
        let commands = ["/no/such/file", "no-such-program", "/etc/passwd", "/etc"].map(str::to_owned);
        config.allowed_commands = commands.to_vec();
    });
    for (name, kind, told) in [
        (
            "/no/such/file",
            TaskErrorKind::Definition,
            "No such file or directory",
        ),
        (
            "no-such-program",
            TaskErrorKind::Definition,
            "no folder of process.path has such a program",
        ),
        (
            "/etc/passwd",
            TaskErrorKind::Permission,
            "its file is not executable",
        ),
        ("/etc", TaskErrorKind::Definition, "it is no file"),
    ] {
        let failure = world.run(&command(name), Value::Null).await.unwrap_err();
        assert_eq!(failure.kind, kind);
        assert!(!failure.retryable);
        assert!(failure.message.contains(told), "{failure}");
        assert_eq!(world.check(&command(name)), Some(failure.message));
    }
}

#[tokio::test]
async fn a_folder_s_scripts_may_be_run_and_nothing_outside_of_it() {
    let scripts = tempfile::tempdir().unwrap();
    let folder = scripts.path().join("scripts");
    std::fs::create_dir_all(folder.join("daily")).unwrap();
    write_script(&folder.join("hello"), "#!/bin/sh\necho hello\n");
    write_script(&folder.join("daily/report.sh"), "#!/bin/sh\necho report\n");
    write_script(&folder.join("plain"), "echo no first line\n");
    write_script(&folder.join("lost"), "#!/no/such/interpreter\n");
    write_script(&scripts.path().join("outside"), "#!/bin/sh\necho outside\n");
    std::fs::write(folder.join("data"), "").unwrap();
    symlink("../outside", folder.join("link")).unwrap();
    symlink("/bin", folder.join("bin")).unwrap();
    symlink("hello", folder.join("alias")).unwrap();
    let world = World::with(|config| {
        config.allowed_commands.clear();
        config.folder = Some(folder);
    });
    let run = async |name: &str| world.run(&command(name), Value::Null).await;
    for (name, output) in [
        ("hello", "hello"),
        ("daily/report.sh", "report"),
        ("alias", "hello"),
    ] {
        assert_eq!(world.check(&command(name)), None);
        assert_eq!(run(name).await, Ok(json!(output)));
    }
    for (name, told) in [
        ("../outside", "nor the folder process.folder has it"),
        ("daily/../hello", "nor the folder process.folder has it"),
        ("/bin/sh", "nor the folder process.folder has it"),
        ("link", "it leads out of the folder process.folder"),
        ("bin/sh", "it leads out of the folder process.folder"),
        ("data", "its file is not executable"),
    ] {
        let failure = run(name).await.unwrap_err();
        assert_eq!(failure.kind, TaskErrorKind::Permission, "{failure}");
        assert!(failure.message.contains(told), "{failure}");
        assert_eq!(world.check(&command(name)), Some(failure.message));
    }
    for (name, told) in [
        ("missing", "No such file or directory"),
        ("daily", "it is no file"),
        ("plain", "a script begins with #! and its interpreter"),
        ("lost", "the interpreter in its first line (#!)"),
    ] {
        let failure = run(name).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.retryable),
            (TaskErrorKind::Definition, false),
            "{failure}"
        );
        assert!(failure.message.contains(told), "{failure}");
    }
}
