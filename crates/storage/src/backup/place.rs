//! Files that get their name last.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use super::BackupError;

/// A file that is removed, unless it gets its name or is kept.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    is_done: bool,
}

impl Partial {
    /// An empty file, beside the one that it will be, so that one step gives it that name. Only its owner may read it: it will
    /// hold secrets.
    pub(super) fn beside(to: &Path) -> Result<Self, BackupError> {
        let path = beside(to, &format!(".partial-{}", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).map_err(|source| BackupError::File {
            during: "making the file",
            path: path.clone(),
            source,
        })?;
        Ok(Self::of(path))
    }

    /// A file that exists.
    pub(super) const fn of(path: PathBuf) -> Self {
        Self { path, is_done: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn named(mut self, to: &Path) -> Result<(), BackupError> {
        fs::rename(&self.path, to).map_err(|source| BackupError::File {
            during: "giving the file its name",
            path: to.to_owned(),
            source,
        })?;
        self.is_done = true;
        Ok(())
    }

    pub(super) fn keep(mut self) {
        self.is_done = true;
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "a file that was not finished is left behind");
        }
    }
}

/// The file whose name has this ending more.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// A name for the database that was there before.
pub(super) fn free_name(database: &Path) -> Result<PathBuf, BackupError> {
    let mut number = 1;
    loop {
        let name = match number {
            1 => beside(database, ".before-restore"),
            number => beside(database, &format!(".before-restore-{number}")),
        };
        let is_taken = name.try_exists().map_err(|source| BackupError::File {
            during: "looking at the file",
            path: name.clone(),
            source,
        })?;
        if !is_taken {
            return Ok(name);
        }
        number += 1;
    }
}

/// A name is on disk when its folder is.
pub(super) fn sync_folder(file: &Path) -> Result<(), BackupError> {
    #[cfg(unix)]
    {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| BackupError::File {
                during: "waiting for the disk",
                path: folder.to_owned(),
                source,
            })?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}
