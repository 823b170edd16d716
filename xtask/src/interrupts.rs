use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::Error;

/// Runs programs so that Ctrl-C, a hang-up and a request to terminate end *them*, and leave this program the time
/// to clean up what it started.
///
/// Each program gets a process group of its own: the terminal's Ctrl-C reaches this program alone, and this program
/// ends the whole group, with the servers that tests have started. A second signal kills it.
pub(crate) struct Interrupts {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    signal: Option<i32>,
    group: Option<Pid>,
}

impl Interrupts {
    pub(crate) fn listen() -> Result<Self, Error> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(Error::Signals)?;
        let state = Arc::new(Mutex::new(State::default()));
        let interrupts = Self {
            state: Arc::clone(&state),
        };
        thread::spawn(move || {
            for signal in signals.forever() {
                interrupt(&mut lock(&state), signal);
            }
        });
        Ok(interrupts)
    }

    /// Fails if a signal has come.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match lock(&self.state).signal {
            Some(signal) => Err(Error::Interrupted { signal }),
            None => Ok(()),
        }
    }

    /// Runs a program to its end, successful if it says so.
    pub(crate) fn run(&self, command: &mut Command) -> Result<(), Error> {
        self.supervise(command).map(|_| ())
    }

    /// Runs a program to its end and reads what it prints to standard output.
    pub(crate) fn run_and_read(&self, command: &mut Command) -> Result<Vec<u8>, Error> {
        self.supervise(command.stdout(Stdio::piped()))
    }

    fn supervise(&self, command: &mut Command) -> Result<Vec<u8>, Error> {
        let program = name(command);
        let outcome = self.run_in_a_group(command.stdin(Stdio::null()).process_group(0));
        self.check()?;
        match outcome {
            Ok((status, output)) if status.success() => Ok(output),
            Ok((status, _)) => Err(Error::Failed { program, status }),
            Err(source) => Err(Error::Start { program, source }),
        }
    }

    fn run_in_a_group(&self, command: &mut Command) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut child = {
            // Held over the start, so that a signal finds either no program or a group that it can end.
            let mut state = lock(&self.state);
            if state.signal.is_some() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let child = command.spawn()?;
            state.group = Some(Pid::from_child(&child));
            child
        };
        let mut output = Vec::new();
        let read = match child.stdout.take() {
            Some(mut stdout) => stdout.read_to_end(&mut output).map(|_| ()),
            None => Ok(()),
        };
        let status = child.wait();
        lock(&self.state).group = None;
        read?;
        Ok((status?, output))
    }
}

/// How a message names the command: `cargo test`, without the place of the program and without its options.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let words = program.file_name().into_iter().chain(command.get_args().take(1));
    let words: Vec<_> = words
        .map(OsStr::to_string_lossy)
        .filter(|word| !word.starts_with('-'))
        .collect();
    words.join(" ")
}

fn interrupt(state: &mut State, signal: i32) {
    let how = if state.signal.replace(signal).is_none() {
        Signal::TERM
    } else {
        Signal::KILL
    };
    if let Some(group) = state.group
        && let Err(error) = kill_process_group(group, how)
    {
        eprintln!(
            "xtask: cannot end process group {}: {error}",
            group.as_raw_nonzero()
        );
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Every statement that changes the state leaves it valid.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_passes_its_exit_code_on() {
        let interrupts = Interrupts::listen().unwrap();
        let error = interrupts
            .run(Command::new("sh").args(["-c", "exit 7"]))
            .unwrap_err();
        assert_eq!(error.exit_code(), std::process::ExitCode::from(7));
    }

    #[test]
    fn a_failure_names_the_command_without_its_place_and_options() {
        assert_eq!(
            name(Command::new("/opt/bin/cargo").args(["test", "-q"])),
            "cargo test"
        );
        assert_eq!(name(Command::new("initdb").arg("--no-sync")), "initdb");
    }

    #[test]
    fn nothing_is_started_after_a_signal() {
        let interrupts = Interrupts::listen().unwrap();
        interrupt(&mut lock(&interrupts.state), SIGTERM);
        let error = interrupts.run(&mut Command::new("true")).unwrap_err();
        assert!(matches!(error, Error::Interrupted { signal: SIGTERM }));
    }

    #[test]
    fn a_signal_ends_the_running_program_and_its_children() {
        let interrupts = Interrupts::listen().unwrap();
        let state = Arc::clone(&interrupts.state);
        // The reader sees the end of the pipe only when the grandchild, which inherited it, is gone too.
        let (output, ()) = thread::scope(|scope| {
            let run = scope
                .spawn(|| interrupts.run_and_read(Command::new("sh").args(["-c", "sleep 600 & sleep 600"])));
            loop {
                let mut state = lock(&state);
                if state.group.is_some() {
                    interrupt(&mut state, SIGINT);
                    break;
                }
                drop(state);
                thread::yield_now();
            }
            (run.join().unwrap(), ())
        });
        assert!(matches!(
            output.unwrap_err(),
            Error::Interrupted { signal: SIGINT }
        ));
    }
}
