use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::daemon::{Daemon, dying_with_us, free_port};
use crate::error::Error;
use crate::installation::Installation;
use crate::interrupts::Interrupts;

const START_LIMIT: Duration = Duration::from_secs(60);
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
    server: Daemon,
    directory: TempDir,
    port: u16,
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
            let port = free_port()?;
            match serve(
                installation,
                interrupts,
                identity,
                directory.path(),
                port,
                durability,
            ) {
                Ok(server) => {
                    return Ok(Self {
                        server,
                        directory,
                        port,
                    });
                }
                Err(Error::DaemonStart { log, .. }) if !last && log.contains("could not bind") => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the tests connect to.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/postgres", self.port)
    }
}

/// Starts the server, and waits until it takes connections.
fn serve(
    installation: &Installation,
    interrupts: &Interrupts,
    identity: Option<Identity>,
    directory: &Path,
    port: u16,
    durability: Durability,
) -> Result<Daemon, Error> {
    let mut command = dying_with_us(&installation.program("postgres"), "QUIT");
    become_user(&mut command, identity, directory)
        .arg("-D")
        .arg(directory.join("data"))
        .args(settings(directory, port, durability));
    // "Immediate" shutdown: nobody will ever read the data again.
    let mut server = Daemon::start("PostgreSQL", command, log_of(directory), Signal::QUIT)?;
    let mut ask = Command::new(installation.program("pg_isready"));
    ask.args(["-q", "-h", "127.0.0.1", "-U", SUPERUSER, "-p"])
        .arg(port.to_string());
    server.until(interrupts, START_LIMIT, || match ask.status() {
        Ok(status) => Ok(status.success()),
        Err(source) => Err(Error::Start {
            program: "pg_isready".to_owned(),
            source,
        }),
    })?;
    Ok(server)
}

fn log_of(directory: &Path) -> PathBuf {
    directory.join("log")
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Stopped here and not by the field's own drop, so that a directory that cannot be removed is told of.
        self.server.stop();
        if let Err(error) = fs::remove_dir_all(self.directory.path()) {
            eprintln!(
                "xtask: cannot remove {}: {error}",
                self.directory.path().display()
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use rustix::process::test_kill_process;

    use super::*;

    #[test]
    fn a_dropped_cluster_leaves_neither_process_nor_directory() {
        let Some(installation) = Installation::find() else {
            eprintln!("left out: there is no PostgreSQL here");
            return;
        };
        let interrupts = Interrupts::listen().unwrap();
        let cluster = Cluster::start(&installation, &interrupts, Durability::None).unwrap();
        let directory = cluster.directory.path().to_path_buf();
        let process = cluster.server.id();
        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, cluster.port)).is_ok());
        drop(cluster);
        assert!(!directory.exists());
        assert!(test_kill_process(process).is_err());
    }
}
