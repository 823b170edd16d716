use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Message, Metadata, MetadataCommand};

use crate::error::Error;
use crate::interrupts::Interrupts;

/// Cargo, as it is to be called on this workspace.
#[derive(Clone)]
pub(crate) struct Cargo {
    program: OsString,
    metadata: Metadata,
    environment: Vec<(OsString, OsString)>,
}

/// How something is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Cargo {
    pub(crate) fn locate() -> Result<Self, Error> {
        // Cargo tells the programs that it runs which cargo it is.
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let metadata = MetadataCommand::new()
            .cargo_path(&program)
            .manifest_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
            .no_deps()
            .exec()
            .map_err(|error| Error::Metadata(Box::new(error)))?;
        Ok(Self {
            program,
            metadata,
            environment: Vec::new(),
        })
    }

    /// The same cargo with a further environment variable.
    pub(crate) fn with_environment(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The workspace's own packages.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    pub(crate) fn target_directory(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    pub(crate) fn command<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(self.root()).args(arguments);
        // What cargo told this program about its own package is no news for the next cargo, and build scripts that
        // watch these variables would run again each time somebody changes between `cargo test` and `cargo xtask`.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_")
                || text.starts_with("CARGO_MANIFEST_")
                || text == "CARGO_BIN_NAME"
            {
                command.env_remove(&name);
            }
        }
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }

    /// Builds the `ratchet` binary, exactly as it ships but for the profile, and tells where it is.
    pub(crate) fn build_server(&self, interrupts: &Interrupts, profile: Profile) -> Result<PathBuf, Error> {
        let profile = match profile {
            Profile::Debug => "--profile=dev",
            Profile::Release => "--profile=release",
        };
        let built = self.build(interrupts, ["build", profile, "-p", "ratchet-server", "--bins"])?;
        built
            .into_iter()
            .find(|path| path.file_stem() == Some(OsStr::new("ratchet")))
            .ok_or(Error::NoServerBinary)
    }

    /// Runs a cargo command that builds, and tells which executables it built.
    pub(crate) fn build<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        &self,
        interrupts: &Interrupts,
        arguments: I,
    ) -> Result<Vec<PathBuf>, Error> {
        let mut command = self.command(arguments);
        command.arg("--message-format=json-render-diagnostics");
        let output = interrupts.run_and_read(&mut command)?;
        let mut built = Vec::new();
        for message in Message::parse_stream(output.as_slice()) {
            let message = message.map_err(|source| Error::Output {
                program: "cargo".to_owned(),
                source,
            })?;
            if let Message::CompilerArtifact(artifact) = message {
                built.extend(artifact.executable.map(PathBuf::from));
            }
        }
        Ok(built)
    }
}

/// Becomes the command, so that its exit code, its terminal and its signals are its own. Returns only where that
/// fails.
pub(crate) fn replace_this_process_by(mut command: Command) -> Error {
    let source = command.exec();
    Error::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    }
}
