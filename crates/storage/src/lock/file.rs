//! The lock of a SQLite file is a lock on a file beside it, which the system gives back however the process ends.
//!
//! Why not on the database's own file, which every name of it would lead to? SQLite has POSIX locks on that file, and
//! the system gives all of a process's POSIX locks on a file back as soon as the process closes any handle of it. A
//! second server that is refused, or a lock that is dropped before the database, would take the ground from under an
//! open database. And over a network a lock of the other kind becomes a POSIX lock itself, against SQLite's.
//!
//! So two names of one database must lead to one lock file. Symbolic links are resolved, as SQLite does before it
//! names its log. Hard links cannot be resolved, and a database that has any is refused: SQLite's log is named after
//! the database, so that who opens it under another name does not see what was committed last, and writes over it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::StorageError;
use crate::database_url::DatabaseUrl;
use crate::lock::Wait;

/// How long a lock that is held is asked for again. A server that is killed just as it starts a process leaves the lock to
/// that process, until it has become the program that it was started as.
const PATIENCE: Duration = Duration::from_secs(2);

const BETWEEN_TRIES: Duration = Duration::from_millis(10);

pub(super) async fn lock(url: &DatabaseUrl, database: &Path, wait: Wait) -> Result<File, StorageError> {
    let patience = match wait {
        Wait::ForProcesses => PATIENCE,
        Wait::No => Duration::ZERO,
    };
    let resolved = resolve(database)?;
    let mut name = OsString::from(resolved);
    name.push(".lock");
    let path = PathBuf::from(name);
    let unusable = |source| StorageError::LockFile {
        path: path.clone(),
        source,
    };
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .map_err(unusable)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
            Err(TryLockError::WouldBlock) if began.elapsed() < patience => sleep(BETWEEN_TRIES).await,
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(unusable)?;
                return Err(StorageError::InUse {
                    location: url.to_string(),
                    holder: holder.trim().to_owned(),
                });
            }
        }
    }
    file.set_len(0).map_err(unusable)?;
    file.rewind().map_err(unusable)?;
    writeln!(file, "process {}", std::process::id()).map_err(unusable)?;
    Ok(file)
}

/// The one path that all names of the database lead to.
fn resolve(database: &Path) -> Result<PathBuf, StorageError> {
    let unusable = |source| StorageError::File {
        path: database.to_owned(),
        source,
    };
    let resolved = fs::canonicalize(database).map_err(unusable)?;
    let names = names(&fs::metadata(&resolved).map_err(unusable)?);
    if names > 1 {
        return Err(StorageError::HardLinks {
            path: database.to_owned(),
            names,
        });
    }
    Ok(resolved)
}

#[cfg(unix)]
fn names(database: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(database)
}

/// Other systems do not say it in a way that the standard library knows.
#[cfg(not(unix))]
fn names(_: &fs::Metadata) -> u64 {
    1
}
