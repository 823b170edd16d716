//! What the README shows is what happens.

use std::path::Path;
use std::process::Command;

use ratchet_tests::ratchet_binary;

const MARK: &str = "<!-- executed -->\n```sh\n";

#[test]
fn the_commands_of_the_readme_answer_as_printed() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut commands = 0;
    for block in readme.split(MARK).skip(1) {
        let block = block.split_once("```").expect("the block ends").0;
        for transcript in block.split("$ ").skip(1) {
            let (command, printed) = transcript.split_once('\n').unwrap();
            let binary = ratchet_binary();
            let output = Command::new("sh")
                .current_dir(folder.path())
                .args([
                    "-c",
                    &format!("ratchet() {{ '{}' \"$@\"; }}; {command} 2>&1", binary.display()),
                ])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), printed, "$ {command}");
            commands += 1;
        }
    }
    assert!(commands >= 4, "the README shows commands");
}

#[test]
fn the_settings_of_the_readme_are_the_defaults() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let toml = readme
        .split_once("```toml\n")
        .unwrap()
        .1
        .split_once("```")
        .unwrap()
        .0;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ratchet.toml");
    std::fs::write(&file, toml).unwrap();
    let sources = ratchet_server::SettingsSources::new().with_file(Some(&file));
    let settings = ratchet_server::Settings::load(sources).unwrap();
    assert_eq!(settings, ratchet_server::Settings::default());
}
