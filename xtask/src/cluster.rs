use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::error::Error;
use crate::installation::Installation;
use crate::interrupts::Interrupts;

const START_LIMIT: Duration = Duration::from_secs(60);
const START_POLL: Duration = Duration::from_millis(50);
/// How often another port is tried when somebody took the first one between choosing and using it.
const PORTS: u32 = 3;

/// The superuser of the cluster, whom every connection from the loopback interface may be.
const SUPERUSER: &str = "ratchet";
/// The users of the operating system that root lends the server to, by preference.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// A private PostgreSQL server that is gone, with its directory, when this value is dropped.
///
/// ```text
/// start ──► initdb ──► postgres on a free loopback port ──► pg_isready ──► tests
///                            │                                              │
///                            └─ dies with this process (Linux, setpriv) ◄───┴─ drop: SIGQUIT, wait, remove
/// ```
#[derive(Debug)]
pub(crate) struct Cluster {
    // Dropped in this order: the server must not write to a directory that is being removed.
    server: Server,
    _directory: TempDir,
    port: u16,
}

#[derive(Debug)]
struct Server {
    process: Child,
    directory: PathBuf,
}

/// What a crash of the whole machine may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Everything: with the machine goes the test run. Commits are made as in production all the same.
    None,
    /// Nothing, as in production.
    Full,
}

/// User and group that the server runs as, where they are not ours.
#[derive(Clone, Copy)]
struct Identity {
    user: u32,
    group: u32,
}

impl Cluster {
    pub(crate) fn start(
        installation: &Installation,
        interrupts: &Interrupts,
        durability: Durability,
    ) -> Result<Self, Error> {
        let directory = tempfile::Builder::new()
            .prefix("ratchet-postgres-")
            .tempdir()
            .map_err(Error::TemporaryDirectory)?;
        let identity = Identity::find(interrupts)?;
        if let Some(Identity { user, group }) = identity {
            chown(directory.path(), Some(user), Some(group)).map_err(|source| Error::File {
                doing: "give away",
                path: directory.path().to_path_buf(),
                source,
            })?;
        }
        interrupts.run(&mut initdb(installation, identity, directory.path()))?;

        let mut attempts = 1..=PORTS;
        loop {
            let last = attempts.next() == Some(PORTS);
            let port = free_port().map_err(Error::Port)?;
            let server = Server::start(installation, identity, directory.path(), port, durability)?;
            match server.until_ready(installation, interrupts, port) {
                Ok(server) => {
                    return Ok(Self {
                        server,
                        _directory: directory,
                        port,
                    });
                }
                Err(Error::PostgresStart { log, .. }) if !last && log.contains("could not bind") => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the tests connect to.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/postgres", self.port)
    }
}

impl Server {
    fn start(
        installation: &Installation,
        identity: Option<Identity>,
        directory: &Path,
        port: u16,
        durability: Durability,
    ) -> Result<Self, Error> {
        let path = directory.join("log");
        let file = |source| Error::File {
            doing: "write",
            path: path.clone(),
            source,
        };
        let log = File::create(&path).map_err(file)?;
        let errors = log.try_clone().map_err(file)?;
        let mut command = dying_with_us(&installation.program("postgres"));
        become_user(&mut command, identity, directory)
            .arg("-D")
            .arg(directory.join("data"))
            .args(settings(directory, port, durability))
            // Its own group: Ctrl-C is for us, and we stop the server when nobody uses it any more.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        let process = command.spawn().map_err(|source| Error::Start {
            program: "postgres".to_owned(),
            source,
        })?;
        Ok(Self {
            process,
            directory: directory.to_path_buf(),
        })
    }

    /// Waits until the server takes connections.
    fn until_ready(
        mut self,
        installation: &Installation,
        interrupts: &Interrupts,
        port: u16,
    ) -> Result<Self, Error> {
        let begun = Instant::now();
        let mut ask = Command::new(installation.program("pg_isready"));
        ask.args(["-q", "-h", "127.0.0.1", "-U", SUPERUSER, "-p"])
            .arg(port.to_string());
        loop {
            interrupts.check()?;
            let failed = |program: &str| {
                let program = program.to_owned();
                move |source| Error::Start { program, source }
            };
            let ended = self.process.try_wait().map_err(failed("postgres"))?.is_some();
            if ended || begun.elapsed() > START_LIMIT {
                let log =
                    fs::read_to_string(self.directory.join("log")).unwrap_or_else(|error| error.to_string());
                let seconds = START_LIMIT.as_secs();
                return Err(Error::PostgresStart { seconds, log });
            }
            if ask.status().map_err(failed("pg_isready"))?.success() {
                return Ok(self);
            }
            thread::sleep(START_POLL);
        }
    }

    fn stop(&mut self) -> io::Result<()> {
        if self.process.try_wait()?.is_none() {
            // "Immediate" shutdown: nobody will ever read the data again.
            kill_process(Pid::from_child(&self.process), Signal::QUIT)?;
            self.process.wait()?;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!(
                "xtask: cannot stop PostgreSQL (process {}): {error}",
                self.process.id()
            );
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Stopped here and not by the field's own drop, so that a directory that cannot be removed is told of.
        let stopped = self.server.stop();
        if let Err(error) = stopped.and_then(|()| fs::remove_dir_all(&self.server.directory)) {
            eprintln!(
                "xtask: cannot remove {}: {error}",
                self.server.directory.display()
            );
        }
    }
}

impl Identity {
    /// `None` unless we are root, as which PostgreSQL refuses to run.
    fn find(interrupts: &Interrupts) -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        for name in USERS {
            let id = |flag| {
                let output =
                    interrupts.run_and_read(Command::new("id").args([flag, name]).stderr(Stdio::null()))?;
                Ok(String::from_utf8_lossy(&output).trim().parse().ok())
            };
            match (id("-u"), id("-g")) {
                (Ok(Some(user)), Ok(Some(group))) => return Ok(Some(Self { user, group })),
                (Err(error @ Error::Interrupted { .. }), _) => return Err(error),
                // There is no such user.
                _ => {}
            }
        }
        Err(Error::NoUser {
            candidates: "postgres or nobody",
        })
    }
}

fn initdb(installation: &Installation, identity: Option<Identity>, directory: &Path) -> Command {
    let mut command = Command::new(installation.program("initdb"));
    become_user(&mut command, identity, directory)
        .args(["--username", SUPERUSER])
        .args([
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--pgdata",
        ])
        .arg(directory.join("data"))
        .stdout(Stdio::null());
    command
}

fn become_user<'a>(
    command: &'a mut Command,
    identity: Option<Identity>,
    directory: &Path,
) -> &'a mut Command {
    // The directory that we are in need not be open to that user.
    command.current_dir(directory);
    if let Some(Identity { user, group }) = identity {
        command.uid(user).gid(group);
    }
    command
}

/// The server's program, ended by the kernel should this process be killed without a chance to clean up.
fn dying_with_us(program: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if cfg!(target_os = "linux") && setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "QUIT", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn settings(directory: &Path, port: u16, durability: Durability) -> Vec<String> {
    let fsync = match durability {
        Durability::None => "off",
        Durability::Full => "on",
    };
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", directory.display()),
        "max_connections=200".to_owned(),
        "synchronous_commit=on".to_owned(),
        format!("fsync={fsync}"),
        format!("full_page_writes={fsync}"),
        // Every test makes a database of its own, and a checkpoint in the midst would only cost time.
        "max_wal_size=4GB".to_owned(),
        "log_min_messages=warning".to_owned(),
    ];
    settings
        .into_iter()
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_cluster_leaves_neither_process_nor_directory() {
        let Some(installation) = Installation::find() else {
            eprintln!("left out: there is no PostgreSQL here");
            return;
        };
        let interrupts = Interrupts::listen().unwrap();
        let cluster = Cluster::start(&installation, &interrupts, Durability::None).unwrap();
        let directory = cluster.server.directory.clone();
        let process = Pid::from_child(&cluster.server.process);
        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, cluster.port)).is_ok());
        drop(cluster);
        assert!(!directory.exists());
        assert!(rustix::process::test_kill_process(process).is_err());
    }
}
