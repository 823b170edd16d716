//! `ratchet cron`, typed as a person types it.

use std::process::{Command, Output};

use ratchet_tests::ratchet_binary;

fn cron(arguments: &[&str]) -> Output {
    Command::new(ratchet_binary())
        .arg("cron")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn the_next_instants_are_printed_in_the_offset_of_the_zone() {
    let output = cron(&[
        "next",
        "0 9 * * mon-fri",
        "--tz",
        "Europe/Berlin",
        "--from",
        "2026-03-27T12:00:00Z",
        "-n",
        "2",
        "--json",
    ]);
    assert!(output.status.success());
    let instants: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        instants,
        ["2026-03-30T09:00:00+02:00", "2026-03-31T09:00:00+02:00"]
    );
}

#[test]
fn an_expression_is_said_in_words() {
    let output = cron(&["explain", "*/5 * * * *"]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "Every 5 minutes\n");
}

#[test]
fn a_wrong_expression_ends_with_code_two_and_names_field_text_and_rule() {
    let output = cron(&["next", "0 25 * * *"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("hour") && error.contains("25") && error.contains("0-23"),
        "{error}"
    );
}

#[test]
fn an_expression_that_begins_with_a_hyphen_is_an_expression() {
    for command in ["next", "explain"] {
        let output = cron(&[command, "-1 * * * *"]);
        assert_eq!(output.status.code(), Some(2));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.starts_with("error: minute: ") && error.contains("0-59"),
            "{error}"
        );
    }
    assert!(cron(&["next", "@daily", "-n", "1", "--json"]).status.success());
    assert!(cron(&["next", "-n", "1", "@daily"]).status.success());
}

#[test]
fn an_unknown_zone_ends_with_code_two_and_names_its_neighbours() {
    let output = cron(&["next", "@daily", "--tz", "Europe/Berlim"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("Europe/Berlin")
    );
}
