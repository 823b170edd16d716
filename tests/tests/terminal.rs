//! The log, and answers of commands, on a terminal.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use ratchet_tests::{ServerProcess, ratchet_binary};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// What a server that cannot start says on a terminal.
fn said_on_a_terminal(no_color: &str) -> String {
    let arguments = [
        "serve",
        "--bind",
        "127.0.0.1:0",
        "--database",
        "sqlite://no/such/folder.db",
    ];
    on_a_terminal(&arguments, no_color, Command::stderr)
}

/// What a command that must fail writes to the one of its streams that is a terminal.
fn on_a_terminal(arguments: &[&str], no_color: &str, give: fn(&mut Command, File) -> &mut Command) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (terminal, end_of_process) = terminal();
    // The command keeps its end open, so it must be gone before the other end is read to its end.
    let mut command = Command::new(ratchet_binary());
    command
        .current_dir(folder.path())
        .args(arguments)
        .env("NO_COLOR", no_color)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    give(&mut command, end_of_process);
    let status = command.status().unwrap();
    drop(command);
    assert_eq!(status.code(), Some(1));
    read_to_end(terminal)
}

/// A terminal: the end of who sits at it, and that of a process.
fn terminal() -> (File, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let end_of_process = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    (File::from(terminal), end_of_process)
}

/// What a terminal shows that no process has any more.
fn read_to_end(mut terminal: File) -> String {
    let mut said = Vec::new();
    let mut buffer = [0; 4_096];
    // The end of a terminal whose other end is closed is an error of its own.
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        said.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(said).unwrap()
}

#[test]
fn a_terminal_gets_colours_unless_its_user_wants_none() {
    let coloured = said_on_a_terminal("");
    assert!(
        coloured.contains("the server starts") && coloured.contains('\u{1b}'),
        "{coloured}"
    );
    let plain = said_on_a_terminal("1");
    assert!(
        plain.contains("the server starts") && !plain.contains('\u{1b}'),
        "{plain}"
    );
}

#[test]
fn the_findings_of_the_doctor_are_in_colours_on_a_terminal_unless_its_user_wants_none() {
    let arguments = ["doctor", "--database", "sqlite://no/such/folder.db"];
    let coloured = on_a_terminal(&arguments, "", Command::stdout);
    assert!(
        coloured.contains("\u{1b}[31merror") && coloured.contains("\u{1b}[32mok"),
        "{coloured}"
    );
    let plain = on_a_terminal(&arguments, "1", Command::stdout);
    assert!(plain.contains("error ") && !plain.contains('\u{1b}'), "{plain}");
}

/// Runs a command with all of its streams on a terminal at which somebody types a line. Returns its exit code and what was
/// to be seen.
fn at_a_terminal(folder: &std::path::Path, arguments: &[&str], typed: &str) -> (Option<i32>, String) {
    let (mut terminal, end_of_process) = terminal();
    terminal.write_all(typed.as_bytes()).unwrap();
    let mut command = Command::new(ratchet_binary());
    command
        .current_dir(folder)
        .args(arguments)
        .env("NO_COLOR", "")
        .stdin(end_of_process.try_clone().unwrap())
        .stdout(end_of_process.try_clone().unwrap())
        .stderr(end_of_process);
    let status = command.status().unwrap();
    drop(command);
    (status.code(), read_to_end(terminal))
}

#[test]
fn who_sits_at_a_terminal_is_asked_before_a_schedule_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    let list = ["schedule", "list"];
    let (code, listed) = at_a_terminal(folder.path(), &list, "");
    assert_eq!(code, Some(0));
    assert!(
        listed.contains("system_heartbeat") && listed.contains("\u{1b}["),
        "{listed}"
    );

    let delete = ["schedule", "delete", "system_heartbeat"];
    let (code, said) = at_a_terminal(folder.path(), &delete, "n\n");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("[y/N]") && said.contains("nothing was done"),
        "{said}"
    );
    assert!(
        at_a_terminal(folder.path(), &list, "")
            .1
            .contains("system_heartbeat")
    );

    let (code, said) = at_a_terminal(folder.path(), &delete, "yes\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        !at_a_terminal(folder.path(), &list, "")
            .1
            .contains("system_heartbeat")
    );
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}
