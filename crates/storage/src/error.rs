use std::path::PathBuf;

use ratchet_migrations::MigrationError;
use sea_orm::{DbErr, sqlx};

use crate::DatabaseUrlError;

/// A database could not be opened, migrated, locked or closed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The URL names no database.
    #[error(transparent)]
    Url(#[from] DatabaseUrlError),
    /// The file of the database cannot be read and written, or not be made.
    #[error("the database file {} cannot be opened for writing", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is there, but SQLite does not take it for a database.
    #[error("{} is not a SQLite database, or it is damaged", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// The database cannot be opened or reached.
    #[error("the database {location} cannot be opened")]
    Open {
        /// The database, without a password.
        location: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// Another server uses the database.
    #[error("another ratchet server uses the database {location} ({holder}): stop it first")]
    InUse {
        /// The database, without a password.
        location: String,
        /// What is known of the other server.
        holder: String,
    },
    /// The file of the database is known under several names that are not links to one another.
    #[error(
        "the database file {} has {names} names (hard links), and SQLite keeps its log beside one only: \
         remove the others, or copy the file",
        path.display()
    )]
    HardLinks {
        /// The file, as it was given.
        path: PathBuf,
        /// How many names it has.
        names: u64,
    },
    /// The file that stands for the lock cannot be used.
    #[error("the lock file {} cannot be used", path.display())]
    LockFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The lock could not be asked for.
    #[error("the lock of the database {location} could not be asked for")]
    Lock {
        /// The database, without a password.
        location: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The schema could not be inspected or changed.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The database answers, and not to what was asked of its state.
    #[error("the database {location} cannot be examined")]
    Examine {
        /// The database, without a password.
        location: String,
        /// Why.
        #[source]
        source: DbErr,
    },
    /// The database could not be closed in order. What was committed is on disk all the same.
    #[error("the database could not be closed")]
    Close {
        /// Why.
        #[source]
        source: DbErr,
    },
}
