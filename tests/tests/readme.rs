//! What the README shows is what happens.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ratchet_tests::{ServerProcess, ratchet_binary, set_back_heartbeat};
use rustix::process::Signal;
use serde_json::Value;

const MARK: &str = "<!-- executed -->\n```sh\n";
const ADDRESS: &str = "127.0.0.1:8080";

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap()
}

/// The first block in this language that begins like this.
fn block(language: &str, beginning: &str) -> String {
    let readme = readme();
    let begin = format!("```{language}\n{beginning}");
    let rest = readme.split_once(&begin).unwrap_or_else(|| panic!("{begin}")).1;
    format!("{beginning}{}", rest.split_once("```").unwrap().0)
}

/// A folder in which cargo has built a release, as far as a shell can tell.
fn clone() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("target/release");
    std::fs::create_dir_all(&release).unwrap();
    let binary = ratchet_binary().canonicalize().unwrap();
    std::os::unix::fs::symlink(binary, release.join("ratchet")).unwrap();
    folder
}

fn shell(folder: &Path, script: &str) -> String {
    let output = Command::new("sh")
        .current_dir(folder)
        .args(["-c", script])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What differs from one day to the next is left out: numbers, ids, what stands in brackets, and how wide a column is for
/// it.
fn lasting(text: &str) -> String {
    let mut lasting = String::new();
    let mut in_brackets = false;
    for word in text.split_inclusive([' ', '\n']) {
        let ends_line = word.ends_with('\n');
        let word = word.trim_end();
        let opens = word.starts_with('(') && !word.starts_with("(Europe");
        in_brackets |= opens;
        if !in_brackets && !word.is_empty() {
            let varies = word.chars().filter(char::is_ascii_digit).count() > 2;
            lasting.push_str(if varies { "#" } else { word });
            lasting.push(' ');
        }
        in_brackets &= !word.ends_with(')');
        if ends_line {
            lasting.push('\n');
        }
    }
    lasting
}

#[test]
fn the_commands_of_the_readme_answer_as_printed() {
    let readme = readme();
    let setup = block("sh", "export PATH=");
    assert!(
        readme.find(&setup) < readme.find("$ ratchet"),
        "the shell is told where ratchet is before it is used"
    );
    let clone = clone();
    let server = ServerProcess::start(clone.path(), &[]).ready();
    let mut commands = 0;
    for block in readme.split(MARK).skip(1) {
        let block = block.split_once("```").expect("the block ends").0;
        for transcript in block.split("$ ").skip(1) {
            let (command, printed) = transcript.split_once('\n').unwrap();
            let answer = shell(clone.path(), &format!("{setup}\n{{ {command}\n}} 2>&1"));
            // Where nothing can differ, nothing does.
            if command.starts_with("ratchet cron") || command.contains("config") {
                assert_eq!(answer, printed, "$ {command}");
            }
            assert_eq!(lasting(&answer), lasting(printed), "$ {command}");
            commands += 1;
        }
    }
    assert!(commands >= 20, "the README shows commands");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn the_server_of_the_readme_prints_such_a_heartbeat_and_is_well() {
    let serve = block("sh", "git clone");
    assert!(serve.ends_with("cargo run --release -- serve\n"), "{serve}");
    let folder = tempfile::tempdir().unwrap();
    let first = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(first.end_by(Signal::TERM).code, Some(0));
    set_back_heartbeat(folder.path());
    let mut server = ServerProcess::start(folder.path(), &[]).ready();

    let beat = server.wait_for_result(Duration::from_secs(30), |result| result["status"].is_string());
    let printed: Value = serde_json::from_str(&block("json", "{")).unwrap();
    assert_eq!(shape(&beat), shape(&printed));
    for same in ["message", "status"] {
        assert_eq!(beat[same], printed[same]);
    }

    let curl = block("sh", "curl ");
    assert!(curl.contains(ADDRESS));
    let address = server.address().unwrap().to_string();
    let installed = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let answer: Value = if installed {
        let answer = shell(folder.path(), &curl.replace(ADDRESS, &address));
        serde_json::from_str(&answer).unwrap()
    } else {
        server.get(curl.split_once(ADDRESS).unwrap().1.trim()).1
    };
    assert_eq!(answer["status"], "healthy");
    let readme = readme();
    for check in answer["checks"].as_object().unwrap().keys() {
        assert!(readme.contains(check), "{check}");
    }
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

/// The names of the fields, at every depth.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        _ => Value::Null,
    }
}

#[test]
fn the_settings_of_the_readme_are_the_defaults() {
    let toml = block("toml", "[server]");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ratchet.toml");
    std::fs::write(&file, toml).unwrap();
    let sources = ratchet_server::SettingsSources::new().with_file(Some(&file));
    let settings = ratchet_server::Settings::load(sources).unwrap();
    assert_eq!(settings, ratchet_server::Settings::default());
}
