use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self};

use crate::database_url::{DatabaseUrl, Location};
use crate::statement_count::StatementCount;
use crate::{StorageError, postgres};

/// An advisory lock of PostgreSQL is a number of the database that the connection is to.
const POSTGRES_KEY: i64 = 0x7261_7463_6865_7400;

/// Held by the one server that may use a database; given back when it is dropped, or when the process dies.
#[derive(Debug)]
#[must_use = "the lock is given back when it is dropped"]
pub struct DatabaseLock {
    _kept: Kept,
}

#[derive(Debug)]
#[expect(dead_code, reason = "what is in it is only kept")]
enum Kept {
    File(File),
    Session(Box<PgConnection>),
}

impl DatabaseLock {
    /// The lock of a SQLite file is a lock on the file beside it: the system gives it back however the process
    /// ends. (It must be another file: closing a handle of the database's own file would give SQLite's locks back.)
    /// The lock of a PostgreSQL database belongs to a connection that is kept open for it.
    pub(crate) async fn take(url: &DatabaseUrl, count: &StatementCount) -> Result<Self, StorageError> {
        match &url.0 {
            Location::Sqlite(path) => lock_file(url, path).map(|file| Self {
                _kept: Kept::File(file),
            }),
            Location::Postgres { options, .. } => {
                lock_session(url, options, count).await.map(|session| Self {
                    _kept: Kept::Session(Box::new(session)),
                })
            }
        }
    }
}

fn lock_file(url: &DatabaseUrl, database: &Path) -> Result<File, StorageError> {
    let mut name = OsString::from(database);
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
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(source)) => return Err(unusable(source)),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(unusable)?;
            return Err(StorageError::InUse {
                location: url.to_string(),
                holder: holder.trim().to_owned(),
            });
        }
    }
    file.set_len(0).map_err(unusable)?;
    file.rewind().map_err(unusable)?;
    writeln!(file, "process {}", std::process::id()).map_err(unusable)?;
    Ok(file)
}

async fn lock_session(
    url: &DatabaseUrl,
    options: &PgConnectOptions,
    count: &StatementCount,
) -> Result<PgConnection, StorageError> {
    let failed = |source| StorageError::Lock {
        location: url.to_string(),
        source,
    };
    let mut session = postgres::connect_alone(options).await.map_err(failed)?;
    count.add_one();
    let (taken,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1)")
        .bind(POSTGRES_KEY)
        .fetch_one(&mut session)
        .await
        .map_err(failed)?;
    if taken {
        return Ok(session);
    }
    count.add_one();
    let holder: Option<(String,)> = sqlx::query_as(
        "SELECT a.application_name || ' at ' || COALESCE(host(a.client_addr), 'this host')
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (l.classid::bigint << 32) | l.objid::bigint = $1",
    )
    .bind(POSTGRES_KEY)
    .fetch_optional(&mut session)
    .await
    .map_err(failed)?;
    Err(StorageError::InUse {
        location: url.to_string(),
        holder: holder.map_or_else(|| "gone by now".to_owned(), |(holder,)| holder),
    })
}
