use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;
use crate::interrupts::Interrupts;

const POLL: Duration = Duration::from_millis(50);

/// A program in the background that is gone when this value is dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: &'static str,
    process: Child,
    log: PathBuf,
    /// What ends it.
    end: Signal,
}

impl Daemon {
    /// Starts the program; all that it prints goes to the log.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        log: PathBuf,
        end: Signal,
    ) -> Result<Self, Error> {
        let file = |source| Error::File {
            doing: "write",
            path: log.clone(),
            source,
        };
        let output = File::create(&log).map_err(file)?;
        let errors = output.try_clone().map_err(file)?;
        let process = command
            // Its own group: Ctrl-C is for us, and we stop it when nobody uses it any more.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|source| Error::Start {
                program: name.to_owned(),
                source,
            })?;
        Ok(Self {
            name,
            process,
            log,
            end,
        })
    }

    /// Waits until it is ready. One that has ended, or is not ready in time, is an error with its log.
    pub(crate) fn until(
        &mut self,
        interrupts: &Interrupts,
        limit: Duration,
        mut is_ready: impl FnMut() -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            interrupts.check()?;
            let ended = self.process.try_wait().map_err(|source| Error::Start {
                program: self.name.to_owned(),
                source,
            })?;
            if ended.is_some() || begun.elapsed() > limit {
                return Err(Error::DaemonStart {
                    program: self.name,
                    seconds: limit.as_secs(),
                    log: self.log(),
                });
            }
            if is_ready()? {
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }

    /// What it has printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_else(|error| error.to_string())
    }

    /// Ends it, and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        if let Err(error) = self.try_stop() {
            eprintln!(
                "xtask: cannot stop {} (process {}): {error}",
                self.name,
                self.process.id()
            );
        }
    }

    fn try_stop(&mut self) -> io::Result<()> {
        if self.process.try_wait()?.is_none() {
            kill_process(Pid::from_child(&self.process), self.end)?;
            self.process.wait()?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn id(&self) -> Pid {
        Pid::from_child(&self.process)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A program that the kernel ends by the signal of this name should this process be killed without a chance to clean up.
pub(crate) fn dying_with_us(program: &Path, signal: &str) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if cfg!(target_os = "linux") && setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", signal, "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// A port of the loopback interface that nobody used a moment ago.
pub(crate) fn free_port() -> Result<u16, Error> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(bound.map_err(Error::Port)?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_ends_before_it_is_ready_is_an_error_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let interrupts = Interrupts::listen().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no room; exit 1"]);
        let log = folder.path().join("log");
        let mut daemon = Daemon::start("sh", command, log, Signal::TERM).unwrap();
        let error = daemon
            .until(&interrupts, Duration::from_secs(60), || Ok(false))
            .unwrap_err();
        assert!(matches!(error, Error::DaemonStart { log, .. } if log == "no room\n"));
    }

    #[test]
    fn a_dropped_one_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = dying_with_us(Path::new("/bin/sleep"), "TERM");
        command.arg("600");
        let daemon = Daemon::start("sleep", command, folder.path().join("log"), Signal::TERM).unwrap();
        let id = daemon.id();
        drop(daemon);
        assert!(rustix::process::test_kill_process(id).is_err());
    }
}
