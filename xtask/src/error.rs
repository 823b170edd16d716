use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use std::os::unix::process::ExitStatusExt as _;

/// Why a chore was not done. A message that the reader can act upon says how.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot start {program}")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{program} failed ({status})")]
    Failed { program: String, status: ExitStatus },
    #[error("interrupted by signal {signal}")]
    Interrupted { signal: i32 },
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error("cannot {doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot get a temporary directory; TMPDIR names the place for it")]
    TemporaryDirectory(#[source] io::Error),
    #[error("cannot read the workspace's metadata")]
    Metadata(#[source] Box<cargo_metadata::Error>),
    #[error("{program} printed what is not understood")]
    Output {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("xtask/layers.toml cannot be read")]
    LayerList(#[source] Box<toml::de::Error>),
    #[error(
        "the layers are broken in {count} places; mend the dependency, or xtask/layers.toml with docs/architecture.md"
    )]
    Layers { count: usize },
    #[error("no PostgreSQL {minimum} or newer was found, and with CI=true its tests must run; install it")]
    PostgresMissing { minimum: u32 },
    #[error("--no-postgres leaves out tests, and with CI=true every test must run")]
    LeftOutInCi,
    #[error("cannot find a free port on 127.0.0.1")]
    Port(#[source] io::Error),
    #[error("{program} was not ready within {seconds} s; its log:\n{log}")]
    DaemonStart {
        program: &'static str,
        seconds: u64,
        log: String,
    },
    #[error(
        "there is no Python 3.10 or newer with the module venv, which Schemathesis needs; install it (Debian: python3-venv)"
    )]
    PythonMissing,
    #[error("Schemathesis sent {sent} requests, and {wanted} are wanted; raise --examples")]
    FewRequests { sent: u64, wanted: u64 },
    #[error("Schemathesis left out {left_out} of {all} operations of the document")]
    OperationsLeftOut { left_out: u64, all: u64 },
    #[error(
        "there is no user {candidates} to run PostgreSQL as, and it refuses to run as root; create one, or pass --no-postgres"
    )]
    NoUser { candidates: &'static str },
    #[error("package ratchet-server built no binary named ratchet, which the whole-system tests start")]
    NoServerBinary,
    #[error(
        "no llvm-profdata and llvm-cov of LLVM {minimum} or newer were found; run `rustup component add llvm-tools`, or install LLVM"
    )]
    LlvmMissing { minimum: u32 },
    #[error("{covered:.1} % of the lines are reached, and --fail-under asks for {wanted} %")]
    CoverageTooLow { covered: f64, wanted: f64 },
}

impl Error {
    /// Tells the reader, with the causes.
    pub(crate) fn report(&self) {
        eprintln!("xtask: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            eprintln!("  because: {error}");
            cause = error.source();
        }
    }

    /// A failed program's own exit code passes through; a signal becomes 128 and its number, as in a shell.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let code = match self {
            Self::Failed { status, .. } => status
                .code()
                .or_else(|| status.signal().map(|number| 128 + number)),
            Self::Interrupted { signal } => Some(128 + signal),
            _ => None,
        };
        ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}
