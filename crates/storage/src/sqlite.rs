mod session;

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions};
use sea_orm::{DatabaseConnection, DbErr, RuntimeErr, SqlxSqliteConnector};

use crate::StorageError;
use crate::failure::is_damaged;
use crate::statement_count::StatementCount;
pub(crate) use session::{Session, connecting};

/// How long a statement waits for a lock that somebody else's program holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A herd of ticks touches neighbouring rows of a dozen trees: with pages of twice the stock size its transaction
/// takes a fifth less, and one tick's takes no longer. A file that exists keeps the size that it has.
const PAGE_SIZE: u32 = 8_192;
/// Pages in the write-ahead log after which a commit also moves them into the file: where that could not be done beside
/// the commits, long before.
const WAL_AUTOCHECKPOINT: &str = "16000";
/// In KiB, as a negative number.
const WRITER_CACHE: &str = "-16000";
/// In KiB, as a negative number; each reader has one.
const READER_CACHE: &str = "-4000";
/// Rows that a reader's thread may be ahead of the one who takes them.
const ROW_BUFFER: usize = 1024;

/// A SQLite file and how it is opened: one connection that writes, a few that read.
#[derive(Clone, Debug)]
pub(crate) struct SqliteFile {
    path: PathBuf,
    count: StatementCount,
}

/// Whether a file that exists can be a database that is written to, as far as can be told without opening it. SQLite
/// keeps its log beside the file, and says of all that stands against it the same few words.
fn may_be_written(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        access(path, Access::READ_OK | Access::WRITE_OK)?;
        access(folder.unwrap_or(Path::new(".")), Access::WRITE_OK)?;
    }
    Ok(())
}

impl SqliteFile {
    /// Makes the file if it is missing, so that what stands against it is said in the words of the system.
    ///
    /// A file that exists is not touched: closing a handle of it would give back the locks of every SQLite
    /// connection that this process has to it.
    pub(crate) fn open(path: &Path, count: StatementCount) -> Result<Self, StorageError> {
        let usable = match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => may_be_written(path),
            Err(error) => Err(error),
        };
        usable.map_err(|source| StorageError::File {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            count,
        })
    }

    /// The file, whether it exists or not.
    pub(crate) fn to_examine(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            count: StatementCount::default(),
        }
    }

    /// A connection that only reads; of a file that does not change meanwhile, one that leaves no trace.
    pub(crate) async fn examiner(&self, is_immutable: bool) -> Result<DatabaseConnection, sqlx::Error> {
        let options = self.options().read_only(true).immutable(is_immutable);
        let pool = self.pool().connect_with(options).await?;
        Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
    }

    /// The session that writes. There must be one at a time: SQLite has one writer, and a second one waits in its busy timeout
    /// instead of in our queue.
    pub(crate) async fn writer(&self) -> Result<Session, sqlx::Error> {
        Session::open(&self.writing(), &self.count).await
    }

    /// A connection that writes as well, for what needs one of SeaORM's own, such as migrations.
    pub(crate) async fn administrator(&self) -> Result<DatabaseConnection, sqlx::Error> {
        let pool = self.pool().connect_with(self.writing()).await?;
        Ok(self.watched(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)))
    }

    /// A session that moves the write-ahead log into the file, while the one that writes goes on.
    pub(crate) async fn checkpointer(&self) -> Result<Session, sqlx::Error> {
        Session::open(&self.options().synchronous(SqliteSynchronous::Full), &self.count).await
    }

    /// A session that only reads.
    pub(crate) async fn reader(&self) -> Result<Session, sqlx::Error> {
        let options = self
            .options()
            .read_only(true)
            .row_buffer_size(ROW_BUFFER)
            .pragma("cache_size", READER_CACHE);
        Session::open(&options, &self.count).await
    }

    fn writing(&self) -> SqliteConnectOptions {
        self.options()
            .create_if_missing(true)
            .page_size(PAGE_SIZE)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("wal_autocheckpoint", WAL_AUTOCHECKPOINT)
            .pragma("cache_size", WRITER_CACHE)
    }

    /// Tells a file that is no database from one that cannot be opened at this moment.
    pub(crate) fn cannot_open(&self, source: sqlx::Error) -> StorageError {
        if is_damaged(&source) {
            StorageError::NotADatabase {
                path: self.path.clone(),
                source,
            }
        } else {
            StorageError::Open {
                location: format!("sqlite://{}", self.path.display()),
                source,
            }
        }
    }

    /// As [`SqliteFile::cannot_open`], of what was found later.
    pub(crate) fn cannot_examine(&self, source: DbErr) -> StorageError {
        match into_sqlx(source) {
            Ok(source) => self.cannot_open(source),
            Err(source) => StorageError::Examine {
                location: format!("sqlite://{}", self.path.display()),
                source,
            },
        }
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging()
    }

    /// A pool of one connection, which is what SeaORM knows as a connection.
    fn pool(&self) -> SqlitePoolOptions {
        let count = self.count.clone();
        SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(0)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_connect(move |_, _| {
                count.add_one();
                Box::pin(std::future::ready(Ok(())))
            })
    }

    fn watched(&self, mut db: DatabaseConnection) -> DatabaseConnection {
        self.count.watch(&mut db);
        db
    }
}

/// The driver's own error, if there is one that nobody else has.
fn into_sqlx(error: DbErr) -> Result<sqlx::Error, DbErr> {
    match error {
        DbErr::Query(RuntimeErr::SqlxError(shared)) => {
            Arc::try_unwrap(shared).map_err(|shared| DbErr::Query(RuntimeErr::SqlxError(shared)))
        }
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{DbBackend, QueryResult, Statement};

    use super::*;

    async fn ask(session: &Session, sql: &str) -> Result<Option<QueryResult>, DbErr> {
        session
            .query_one(Statement::from_string(DbBackend::Sqlite, sql))
            .await
    }

    /// Most settings belong to a connection, so that no other can be asked for them.
    #[tokio::test]
    async fn the_writer_waits_for_the_disk_and_the_readers_cannot_write() {
        const FULL: i32 = 2;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.db");
        let file = SqliteFile::open(&path, StatementCount::default()).unwrap();
        let writer = file.writer().await.unwrap();
        for (setting, expected) in [("synchronous", FULL), ("foreign_keys", 1)] {
            let row = ask(&writer, &format!("PRAGMA {setting}")).await.unwrap().unwrap();
            assert_eq!(row.try_get_by_index::<i32>(0).unwrap(), expected, "{setting}");
        }
        let row = ask(&writer, "PRAGMA journal_mode").await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "wal");

        let reader = file.reader().await.unwrap();
        assert!(ask(&reader, "PRAGMA journal_mode").await.is_ok());
        assert!(ask(&reader, "CREATE TABLE mine (id INTEGER)").await.is_err());
        reader.close().await.unwrap();
        writer.close().await.unwrap();
    }
}
