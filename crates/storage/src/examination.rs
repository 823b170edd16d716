//! What can be told of a database without changing it, beside a server that may be using it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratchet_migrations::{MigrationError, MigrationState};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, QueryResult, Statement};
use tokio::sync::Notify;

use crate::database_url::{DatabaseUrl, Location};
use crate::sqlite::SqliteFile;
use crate::statement_count::StatementCount;
use crate::{StorageError, postgres};

/// How many damages SQLite is asked for.
const DAMAGES: u32 = 5;

/// What a database says of itself.
///
/// ```
/// # use ratchet_storage::{Database, DatabaseUrl, Examination, Findings};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let url: DatabaseUrl = format!("sqlite://{}", folder.path().join("a.db").display()).parse()?;
/// assert!(Examination::of(&url).await.is_err(), "there is no file, and none is made");
/// # let database = Database::open(url.clone()).await?;
/// # database.migrate().await?;
/// # database.close().await?;
/// let examination = Examination::of(&url).await?;
/// assert!(matches!(examination.findings, Findings::Sqlite { damages, .. } if damages.is_empty()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Examination {
    /// The version of SQLite or of the PostgreSQL server.
    pub version: String,
    /// Every migration that this binary knows, or that a newer binary was here.
    pub migrations: Result<Vec<MigrationState>, MigrationError>,
    /// What there is to know of each kind of database.
    pub findings: Findings,
}

/// What is known of one kind of database.
#[derive(Debug)]
pub enum Findings {
    /// A SQLite file.
    Sqlite {
        /// Whether transactions are kept in a write-ahead log, as they are once a server has used the file.
        has_log: bool,
        /// How large the database is.
        bytes: u64,
        /// What `PRAGMA quick_check` has to say; nothing when the file is whole.
        damages: Vec<String>,
    },
    /// A PostgreSQL server.
    Postgres {
        /// The version as a number, such as 150004 for 15.4.
        version_number: i32,
        /// Whether the server waits for the disk at all.
        fsync: bool,
        /// Whether a commit waits for the log, and for whose.
        synchronous_commit: String,
        /// Whether it is a standby that only reads.
        in_recovery: bool,
        /// How many connections it allows.
        max_connections: i32,
        /// How many it has, as far as it tells this user.
        connections: i64,
        /// How many of those Ratchet makes at the most.
        wanted_connections: i32,
        /// What time it is there, in microseconds since 1970.
        clock_micros: i64,
    },
}

impl Examination {
    /// Reads what can be known. A file that does not exist is not made, and no lock is taken.
    ///
    /// # Errors
    /// [`StorageError::File`], [`StorageError::NotADatabase`] or [`StorageError::Open`] when it cannot be read.
    pub async fn of(url: &DatabaseUrl) -> Result<Self, StorageError> {
        match &url.0 {
            Location::Sqlite(path) => sqlite(path).await,
            Location::Postgres { options, .. } => {
                let failed = |source| StorageError::Open {
                    location: url.to_string(),
                    source,
                };
                let count = StatementCount::default();
                let db = postgres::connect(options, &count, Arc::new(Notify::new()))
                    .await
                    .map_err(failed)?;
                let examined = postgres(&db).await;
                db.close()
                    .await
                    .map_err(|source| StorageError::Close { source })?;
                examined.map_err(|source| StorageError::Examine {
                    location: url.to_string(),
                    source,
                })
            }
        }
    }
}

/// A file whose log does not exist is in nobody's use: it is read as one that does not change, because SQLite would
/// otherwise make a log, and leave it behind. Who begins to use it meanwhile makes the log, and it is read anew.
async fn sqlite(path: &Path) -> Result<Examination, StorageError> {
    let unreadable = |source| StorageError::File {
        path: path.to_owned(),
        source,
    };
    let resolved = fs::canonicalize(path).map_err(unreadable)?;
    may_be_read(&resolved).map_err(unreadable)?;
    let log = log_of(&resolved);
    let in_use = || log.try_exists().map_err(unreadable);
    let file = SqliteFile::to_examine(path);
    if !in_use()? {
        let has_log = header_tells_of_log(&resolved).map_err(unreadable)?;
        let examined = look(&file, Some(has_log)).await;
        if !in_use()? {
            return examined;
        }
    }
    look(&file, None).await
}

/// Whether the file can be read, in the words of the system, without a handle of it: to close one would give back the
/// locks of every SQLite connection that this process has to it.
fn may_be_read(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    rustix::fs::access(file, rustix::fs::Access::READ_OK)?;
    fs::metadata(file).map(drop)
}

/// What the head of a file says that is in nobody's use, and so has no locks to lose. A file that is read as one that
/// does not change says of its journal what is not so.
fn header_tells_of_log(file: &Path) -> io::Result<bool> {
    const WRITE_VERSION: usize = 18;
    const WRITE_AHEAD_LOG: u8 = 2;
    let mut head = Vec::new();
    fs::File::open(file)?
        .take(WRITE_VERSION as u64 + 1)
        .read_to_end(&mut head)?;
    Ok(head.get(WRITE_VERSION) == Some(&WRITE_AHEAD_LOG))
}

/// `has_log` is known of a file that does not change meanwhile.
async fn look(file: &SqliteFile, has_log: Option<bool>) -> Result<Examination, StorageError> {
    let db = file
        .examiner(has_log.is_some())
        .await
        .map_err(|source| file.cannot_open(source))?;
    let examined = sqlite_findings(&db, has_log).await;
    db.close()
        .await
        .map_err(|source| StorageError::Close { source })?;
    examined.map_err(|source| file.cannot_examine(source))
}

fn log_of(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push("-wal");
    name.into()
}

async fn sqlite_findings(db: &DatabaseConnection, has_log: Option<bool>) -> Result<Examination, DbErr> {
    let version: String = one(db, "SELECT sqlite_version()").await?.try_get_by_index(0)?;
    let journal_mode: String = one(db, "PRAGMA journal_mode").await?.try_get_by_index(0)?;
    let pages: i64 = one(db, "PRAGMA page_count").await?.try_get_by_index(0)?;
    let page_size: i64 = one(db, "PRAGMA page_size").await?.try_get_by_index(0)?;
    let checked = all(db, &format!("PRAGMA quick_check({DAMAGES})")).await?;
    let mut damages: Vec<String> = checked
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    damages.retain(|damage| damage != "ok");
    Ok(Examination {
        version: format!("SQLite {version}"),
        migrations: ratchet_migrations::status(db).await,
        findings: Findings::Sqlite {
            has_log: has_log.unwrap_or(journal_mode == "wal"),
            bytes: u64::try_from(pages.saturating_mul(page_size)).unwrap_or_default(),
            damages,
        },
    })
}

async fn postgres(db: &DatabaseConnection) -> Result<Examination, DbErr> {
    const ASK: &str = "SELECT current_setting('server_version') AS version, \
                       current_setting('server_version_num')::int AS version_number, \
                       current_setting('fsync') = 'on' AS fsync, \
                       current_setting('synchronous_commit') AS synchronous_commit, \
                       pg_is_in_recovery() AS in_recovery, \
                       current_setting('max_connections')::int AS max_connections, \
                       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections, \
                       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock_micros";
    let row = one(db, ASK).await?;
    let version: String = row.try_get_by("version")?;
    Ok(Examination {
        version: format!("PostgreSQL {version}"),
        migrations: ratchet_migrations::status(db).await,
        findings: Findings::Postgres {
            version_number: row.try_get_by("version_number")?,
            fsync: row.try_get_by("fsync")?,
            synchronous_commit: row.try_get_by("synchronous_commit")?,
            in_recovery: row.try_get_by("in_recovery")?,
            max_connections: row.try_get_by("max_connections")?,
            connections: row.try_get_by("connections")?,
            // Those of the pool, and the session that holds the lock.
            wanted_connections: i32::try_from(postgres::CONNECTIONS + 1).unwrap_or(i32::MAX),
            clock_micros: row.try_get_by("clock_micros")?,
        },
    })
}

async fn all(db: &DatabaseConnection, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
}

async fn one(db: &DatabaseConnection, sql: &str) -> Result<QueryResult, DbErr> {
    let mut rows = all(db, sql).await?;
    rows.pop()
        .ok_or_else(|| DbErr::RecordNotFound(format!("no answer to {sql}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;

    fn files(folder: &Path) -> Vec<(OsString, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    }

    #[tokio::test]
    async fn a_file_that_nobody_uses_is_left_as_it_is_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = folder.path().join("a.db").display().to_string().parse().unwrap();
        let database = Database::open(url.clone()).await.unwrap();
        database.migrate().await.unwrap();
        database.close().await.unwrap();
        let before = files(folder.path());
        let examination = Examination::of(&url).await.unwrap();
        assert_eq!(files(folder.path()), before);
        assert!(examination.migrations.unwrap().iter().all(|state| state.applied));
        let Findings::Sqlite {
            has_log,
            bytes,
            damages,
        } = examination.findings
        else {
            panic!("it is a file");
        };
        assert!(has_log);
        assert_eq!(bytes, before[0].1.len() as u64);
        assert_eq!(damages, Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_was_committed_last_is_seen_beside_who_uses_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = folder.path().join("a.db").display().to_string().parse().unwrap();
        let database = Database::open(url.clone()).await.unwrap();
        let lock = database.lock_exclusively().await.unwrap();
        database.migrate().await.unwrap();
        let examination = Examination::of(&url).await.unwrap();
        assert!(examination.migrations.unwrap().iter().all(|state| state.applied));
        database.repositories().ping().await.unwrap();
        drop(lock);
        database.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_damaged_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let url: DatabaseUrl = path.display().to_string().parse().unwrap();
        let database = Database::open(url.clone()).await.unwrap();
        database.migrate().await.unwrap();
        database.close().await.unwrap();
        let mut bytes = fs::read(&path).unwrap();
        // The first page has the schema; the others are made nonsense.
        bytes[8_192..].fill(0xa5);
        fs::write(&path, bytes).unwrap();
        match Examination::of(&url).await {
            Ok(Examination {
                findings: Findings::Sqlite { damages, .. },
                ..
            }) => assert!(!damages.is_empty()),
            Err(StorageError::NotADatabase { .. }) => {}
            other => panic!("{other:?}"),
        }
        fs::write(
            &path,
            "no database, but a text that is long enough to be read as the head of one".repeat(9),
        )
        .unwrap();
        assert!(matches!(
            Examination::of(&url).await,
            Err(StorageError::NotADatabase { .. })
        ));
    }

    #[tokio::test]
    async fn a_file_that_does_not_exist_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = folder.path().join("a.db").display().to_string().parse().unwrap();
        assert!(matches!(
            Examination::of(&url).await,
            Err(StorageError::File { .. })
        ));
        assert_eq!(files(folder.path()), []);
    }
}
