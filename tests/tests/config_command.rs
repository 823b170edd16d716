//! `ratchet config` and `ratchet completions`, typed as a person types them.

use std::path::Path;
use std::process::{Command, Output};

use ratchet_tests::ratchet_binary;
use serde_json::Value;

fn ratchet(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(ratchet_binary())
        .current_dir(folder)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    (
        status.code(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

#[test]
fn every_mistake_of_file_environment_and_flags_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("ratchet.toml"),
        "[scheduler]\nenabled = 1\n[database]\nurll = \"postgres://me:secret@db/jobs\"\n",
    )
    .unwrap();
    let arguments = ["config", "check", "--max-concurrent-jobs", "0"];
    let (code, answer, error) = ratchet(folder.path(), &arguments, &[("RATCHET_LOG_FORMAT", "xml")]);
    assert_eq!((code, answer.as_str()), (Some(2), ""));
    assert_eq!(
        error,
        "error: there are 4 mistakes in the settings\n  \
         scheduler.enabled is 1 (file ratchet.toml): allowed are true and false\n  \
         scheduler.max_concurrent_jobs is 0 (flag --max-concurrent-jobs): 1 to 10000 jobs are allowed\n  \
         log.format is \"xml\" (environment variable RATCHET_LOG_FORMAT): allowed are text and json\n  \
         database.urll is \"postgres://…\" (file ratchet.toml): there is no such key; did you mean database.url?\n"
    );
    let (code, answer, again) = ratchet(
        folder.path(),
        &["config", "print", "--max-concurrent-jobs", "0"],
        &[("RATCHET_LOG_FORMAT", "xml")],
    );
    assert_eq!((code, answer.as_str(), again), (Some(2), "", error));
}

#[test]
fn settings_in_order_are_told_with_their_sources_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (code, answer, error) = ratchet(
        folder.path(),
        &["config", "check", "--bind", "[::1]:80"],
        &[("RATCHET_LOG_LEVEL", "warn")],
    );
    assert_eq!(code, Some(0), "{error}");
    assert!(answer.starts_with("the settings are in order\n"), "{answer}");
    for line in [
        "  1 by flag --bind\n",
        "  1 by environment variable RATCHET_LOG_LEVEL\n",
    ] {
        assert!(answer.contains(line), "{answer}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_printed_is_a_file_of_the_same_settings_with_the_source_of_each() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("ratchet.toml"),
        "process.allowed_commands = [\"rsync\"]\n",
    )
    .unwrap();
    let (code, printed, error) = ratchet(folder.path(), &["config", "print", "--bind", "[::1]:80"], &[]);
    assert_eq!(code, Some(0), "{error}");
    assert!(
        printed.contains("allowed_commands = [\"rsync\"]  # file ratchet.toml\n"),
        "{printed}"
    );
    std::fs::write(folder.path().join("printed.toml"), &printed).unwrap();
    let json = |arguments: &[&str]| {
        let (code, answer, error) = ratchet(folder.path(), arguments, &[]);
        assert_eq!(code, Some(0), "{error}");
        serde_json::from_str::<Value>(&answer).unwrap()
    };
    let first = json(&["config", "print", "-o", "json", "--bind", "[::1]:80"]);
    let again = json(&["config", "print", "-o", "json", "--config", "printed.toml"]);
    assert_eq!(first["server"]["bind"]["source"], "flag --bind");
    assert_eq!(again["server"]["bind"]["source"], "file printed.toml");
    for (section, keys) in first.as_object().unwrap() {
        for (key, setting) in keys.as_object().unwrap() {
            assert_eq!(setting["value"], again[section][key]["value"], "{section}.{key}");
        }
    }
}

#[test]
fn a_password_is_printed_in_no_form() {
    let folder = tempfile::tempdir().unwrap();
    for form in ["toml", "json", "yaml"] {
        let arguments = [
            "config",
            "print",
            "-o",
            form,
            "--database",
            "postgres://me:secret@db/jobs?password=secret",
        ];
        let (code, printed, error) = ratchet(folder.path(), &arguments, &[]);
        assert_eq!(code, Some(0), "{error}");
        assert!(
            printed.contains("postgres://me:***@db/jobs?password=***") && !printed.contains("secret"),
            "{printed}"
        );
    }
}

#[test]
fn the_reference_in_the_documentation_is_what_the_binary_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (code, written, _) = ratchet(folder.path(), &["config", "reference"], &[]);
    assert_eq!(code, Some(0));
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    assert!(std::fs::read_to_string(committed).unwrap() == written);
}

#[test]
fn a_shell_that_is_there_reads_its_completions_without_complaint() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, error) = ratchet(folder.path(), &["completions", shell], &[]);
        assert_eq!((code, error.as_str()), (Some(0), ""));
        assert!(script.contains("doctor"), "{shell}");
        let file = folder.path().join(shell);
        std::fs::write(&file, script).unwrap();
        if !["bash", "zsh", "fish"].contains(&shell) {
            continue;
        }
        // Only looks at the syntax. A shell that is not installed cannot.
        if let Ok(output) = Command::new(shell).arg("-n").arg(&file).output() {
            assert!(output.status.success(), "{shell}: {output:?}");
        }
    }
    let (code, _, error) = ratchet(folder.path(), &["completions", "dos"], &[]);
    assert_eq!(code, Some(2));
    assert!(error.contains("bash"), "{error}");
}
