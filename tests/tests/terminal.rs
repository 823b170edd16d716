//! The log on a terminal.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Read;
use std::process::Command;

use ratchet_tests::ratchet_binary;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// What a server that cannot start says on a terminal.
fn said_on_a_terminal(no_color: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let end_of_process = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    // The command keeps its end open, so it must be gone before the other end is read to its end.
    let status = Command::new(ratchet_binary())
        .current_dir(folder.path())
        .args([
            "serve",
            "--bind",
            "127.0.0.1:0",
            "--database",
            "sqlite://no/such/folder.db",
        ])
        .env("NO_COLOR", no_color)
        .stderr(end_of_process)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let mut said = Vec::new();
    let mut terminal = File::from(terminal);
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
