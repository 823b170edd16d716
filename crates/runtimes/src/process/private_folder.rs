use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::runtime::Handle;

/// A folder that one run has for itself, and that only this server's user can enter. It goes with the run, however that
/// ends, unless this server dies.
pub(super) struct PrivateFolder(Option<TempDir>);

impl PrivateFolder {
    const INPUT: &str = "input.json";
    const WORK: &str = "work";

    /// A folder with the input in a file, and a folder to work in.
    pub(super) fn with_input(input: &[u8]) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("ratchet-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(folder.path().join(Self::INPUT))?;
        file.write_all(input)?;
        fs::create_dir(folder.path().join(Self::WORK))?;
        Ok(Self(Some(folder)))
    }

    pub(super) fn input_file(&self) -> PathBuf {
        self.path().join(Self::INPUT)
    }

    pub(super) fn work(&self) -> PathBuf {
        self.path().join(Self::WORK)
    }

    /// Removes the folder. Returns when it is gone.
    pub(super) async fn remove(mut self) {
        if let Some(folder) = self.0.take() {
            let removal = tokio::task::spawn_blocking(move || remove(folder));
            if let Err(failure) = removal.await {
                tracing::error!(error = %failure, "removing a task's private folder failed");
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }
}

impl Drop for PrivateFolder {
    /// The run was broken off. What it left may be much, and whoever drops it is not to wait for that.
    fn drop(&mut self) {
        if let Some(folder) = self.0.take() {
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(move || remove(folder))),
                Err(_) => remove(folder),
            }
        }
    }
}

fn remove(folder: TempDir) {
    let path = folder.path().to_owned();
    if let Err(error) = folder.close() {
        tracing::warn!(
            folder = %path.display(),
            error = %error,
            "a task's private folder cannot be removed; it is left behind"
        );
    }
}
