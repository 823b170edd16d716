//! Whole copies of a SQLite database, beside a server that may be using it, and the way back.

mod check;
mod place;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sea_orm::{DbBackend, Statement};

use crate::StorageError;
use crate::database_url::{DatabaseUrl, Location};
use crate::lock::DatabaseLock;
use crate::sqlite::SqliteFile;
use crate::statement_count::StatementCount;

pub use check::Checked;
use place::{Partial, beside, free_name, sync_folder};

/// A copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A PostgreSQL server has tools of its own.
    #[error("the database is a PostgreSQL server, which has a tool for this: {command}")]
    Server {
        /// What to type.
        command: String,
    },
    /// There is a file already.
    #[error("{} exists already: nothing is written over it without --force", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is one that cannot be written over, or read, whatever is asked for.
    #[error("{}: {rule}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        rule: &'static str,
    },
    /// A file cannot be read or written.
    #[error("{} failed: {}", during, path.display())]
    File {
        /// What was being done.
        during: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite found damages.
    #[error("{} is damaged: {}", path.display(), damages.join("; "))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Some of them.
        damages: Vec<String>,
    },
    /// There is a database in the file, and it is no database of Ratchet's.
    #[error("{} has none of Ratchet's tables", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database cannot be opened, locked or examined.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What became of a restored database.
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// What is in it.
    pub checked: Checked,
    /// Where the database is that was there before.
    pub aside: Option<PathBuf>,
}

/// A backup that is on its way.
#[derive(Debug)]
pub struct Backup {
    from: PathBuf,
    to: PathBuf,
    partial: Partial,
}

impl Backup {
    /// Looks at both places; nothing is copied yet.
    ///
    /// # Errors
    /// [`BackupError::Server`] for PostgreSQL, [`BackupError::Exists`] unless it is to be written over.
    pub fn new(from: &DatabaseUrl, to: &Path, overwrite: bool) -> Result<Self, BackupError> {
        let Location::Sqlite(database) = &from.0 else {
            return Err(BackupError::Server {
                command: format!("pg_dump --format=custom --file={} --dbname={from}", to.display()),
            });
        };
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| BackupError::File {
                during: "looking at the file",
                path,
                source,
            }
        };
        let resolved = fs::canonicalize(database).map_err(failed(database))?;
        if to.try_exists().map_err(failed(to))? {
            let refused = |rule| BackupError::Refused {
                path: to.to_owned(),
                rule,
            };
            if fs::canonicalize(to).map_err(failed(to))? == resolved {
                return Err(refused("it is the database itself"));
            }
            if !overwrite {
                return Err(BackupError::Exists { path: to.to_owned() });
            }
            if beside(to, "-wal").try_exists().map_err(failed(to))? {
                return Err(refused(
                    "it is a database that is in use, or was not closed: its log is beside it",
                ));
            }
        }
        Ok(Self {
            from: resolved,
            to: to.to_owned(),
            partial: Partial::beside(to)?,
        })
    }

    /// The file that grows while the copy is made, and the size that it will about have, in bytes.
    ///
    /// # Errors
    /// [`BackupError::File`]
    pub fn progress(&self) -> Result<(PathBuf, u64), BackupError> {
        let size = fs::metadata(&self.from).map_err(|source| BackupError::File {
            during: "looking at the file",
            path: self.from.clone(),
            source,
        })?;
        Ok((self.partial.path().to_owned(), size.len()))
    }

    /// Copies the database as it is at one moment, checks the copy, and gives it its name last: whoever finds the name finds all
    /// of it. The server goes on meanwhile.
    ///
    /// # Errors
    /// [`BackupError`]; then nothing has the name, or what had it before.
    pub async fn make(self) -> Result<Checked, BackupError> {
        let Self { from, to, partial } = self;
        copy_at_one_moment(&from, partial.path()).await?;
        let failed = |source| BackupError::File {
            during: "writing the backup",
            path: partial.path().to_owned(),
            source,
        };
        fs::set_permissions(partial.path(), fs::metadata(&from).map_err(failed)?.permissions())
            .map_err(failed)?;
        fs::File::open(partial.path())
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
        let checked = check::check(partial.path()).await?;
        partial.named(&to)?;
        sync_folder(&to)?;
        Ok(checked)
    }
}

/// One statement is one moment.
async fn copy_at_one_moment(from: &Path, to: &Path) -> Result<(), BackupError> {
    let Some(name) = to.to_str() else {
        return Err(BackupError::Refused {
            path: to.to_owned(),
            rule: "SQLite takes names in UTF-8 only",
        });
    };
    let file = SqliteFile::open(from, StatementCount::default())?;
    let session = file.writer().await.map_err(|source| file.cannot_open(source))?;
    let copied = session
        .execute(Statement::from_sql_and_values(
            DbBackend::Sqlite,
            "VACUUM INTO $1",
            [name.into()],
        ))
        .await;
    let closed = session.close().await;
    copied.map_err(|source| file.cannot_examine(source))?;
    closed.map_err(|source| StorageError::Close { source })?;
    Ok(())
}

/// Puts a backup where the database is to be, which no server may be using. The database that is there is kept aside.
///
/// # Errors
/// [`BackupError`]; then the database is what it was, or, where even that could not be done, the error names where it is.
pub async fn restore(from: &Path, to: &DatabaseUrl, overwrite: bool) -> Result<Restored, BackupError> {
    let Location::Sqlite(database) = &to.0 else {
        return Err(BackupError::Server {
            command: format!("pg_restore --clean --if-exists --dbname={to} {}", from.display()),
        });
    };
    let failed = |during: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::File { during, path, source }
    };
    const LOOKING: &str = "looking at the file";
    if beside(from, "-wal").try_exists().map_err(failed(LOOKING, from))? {
        return Err(BackupError::Refused {
            path: from.to_owned(),
            rule: "it is a database that is in use, or was not closed: make a backup of it first",
        });
    }
    let checked = check::check(from).await?;
    let is_there = database.try_exists().map_err(failed(LOOKING, database))?;
    if is_there && !overwrite {
        return Err(BackupError::Exists {
            path: database.clone(),
        });
    }
    let mut placeholder = None;
    if !is_there {
        // The lock is that of a file that exists.
        fs::File::create_new(database).map_err(failed("making the file", database))?;
        placeholder = Some(Partial::of(database.clone()));
    }
    let resolved = fs::canonicalize(database).map_err(failed(LOOKING, database))?;
    let _lock = DatabaseLock::of_file(to, database).await?;
    let partial = Partial::beside(&resolved)?;
    fs::copy(from, partial.path()).map_err(failed("copying the backup", partial.path()))?;
    fs::File::open(partial.path())
        .and_then(|file| file.sync_all())
        .map_err(failed("copying the backup", partial.path()))?;
    let aside = if is_there {
        let aside = free_name(&resolved)?;
        // A log belongs to the file beside which it lies: with another it would ruin it.
        for ending in ["-wal", "-shm", ""] {
            let old = beside(&resolved, ending);
            if old.try_exists().map_err(failed(LOOKING, &old))? {
                fs::rename(&old, beside(&aside, ending)).map_err(failed("moving aside", &old))?;
            }
        }
        Some(aside)
    } else {
        None
    };
    if let Err(error) = partial.named(&resolved) {
        if let Some(aside) = &aside {
            for ending in ["-wal", "-shm", ""] {
                let kept = beside(aside, ending);
                if kept.try_exists().map_err(failed(LOOKING, &kept))? {
                    let back = beside(&resolved, ending);
                    fs::rename(&kept, back).map_err(failed("moving the database back", &kept))?;
                }
            }
        }
        return Err(error);
    }
    if let Some(placeholder) = placeholder {
        placeholder.keep();
    }
    sync_folder(&resolved)?;
    Ok(Restored { checked, aside })
}

#[cfg(test)]
mod tests;
