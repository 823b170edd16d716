use std::sync::Arc;

use ratchet_interfaces::RepositoryFactory;
use ratchet_migrations::MigrationState;
use sea_orm::DatabaseConnection;
use tokio::sync::Notify;

use crate::database_url::{DatabaseUrl, Location};
use crate::factory::Repositories;
use crate::lock::{DatabaseLock, Wait};
use crate::reader::Reader;
use crate::sqlite::SqliteFile;
use crate::statement_count::StatementCount;
use crate::store::Store;
use crate::totals::Totals;
use crate::writer::Writer;
use crate::{StorageError, postgres};

/// An open database.
///
/// Opening it changes nothing but that a missing SQLite file is made; the schema comes with
/// [`Database::migrate`].
///
/// ```
/// # use ratchet_storage::{Database, StorageError};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let url = format!("sqlite://{}", folder.path().join("ratchet.db").display());
/// let database = Database::connect(&url).await?;
/// let lock = database.lock_exclusively().await?;
/// database.migrate().await?;
/// let tasks = database.repositories().tasks();
/// # drop(tasks);
/// database.close().await?;
/// # drop(lock);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Database {
    url: DatabaseUrl,
    store: Arc<Store>,
    /// Told of every connection that the pool to a PostgreSQL server makes.
    connected: Arc<Notify>,
    administration: Administration,
}

/// Where migrations run: beside the writer, on a connection that is opened for them.
#[derive(Debug)]
enum Administration {
    Sqlite(SqliteFile),
    Postgres(DatabaseConnection),
}

impl Database {
    /// Opens the database at a URL: `sqlite://file`, `sqlite:file`, a bare file name, or
    /// `postgres://user:password@host:port/name`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`StorageError::Url`], [`StorageError::File`], [`StorageError::NotADatabase`] or [`StorageError::Open`].
    pub async fn connect(url: &str) -> Result<Self, StorageError> {
        Self::open(url.parse()?).await
    }

    /// As [`Database::connect`], at a place that was parsed before.
    ///
    /// # Errors
    /// [`StorageError::File`], [`StorageError::NotADatabase`] or [`StorageError::Open`].
    pub async fn open(url: DatabaseUrl) -> Result<Self, StorageError> {
        let count = StatementCount::default();
        let connected = Arc::new(Notify::new());
        let (reader, writer, administration) = match &url.0 {
            Location::Sqlite(path) => {
                let file = SqliteFile::open(path, count.clone())?;
                let session = file.writer().await.map_err(|source| file.cannot_open(source))?;
                let writer =
                    Writer::grouped(file.clone(), session).map_err(|error| file.cannot_open(error.into()))?;
                (Reader::of_file(&file), writer, Administration::Sqlite(file))
            }
            Location::Postgres { options, .. } => {
                let db = postgres::connect(options, &count, Arc::clone(&connected))
                    .await
                    .map_err(|source| StorageError::Open {
                        location: url.to_string(),
                        source,
                    })?;
                (
                    Reader::pooled(db.clone()),
                    Writer::pooled(db.clone(), count.clone()),
                    Administration::Postgres(db),
                )
            }
        };
        Ok(Self {
            url,
            store: Arc::new(Store {
                reader,
                writer,
                count,
                totals: Totals::default(),
            }),
            connected,
            administration,
        })
    }

    /// Where the database is.
    #[must_use]
    pub const fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Makes this process the only server of the database, for as long as the lock is kept; select on
    /// [`DatabaseLock::lost`] to hear if it is taken away.
    ///
    /// # Errors
    /// [`StorageError::InUse`] when another server has the lock, which is told as far as it is known;
    /// [`StorageError::HardLinks`] for a file that has several names, which no lock can guard.
    pub async fn lock_exclusively(&self) -> Result<DatabaseLock, StorageError> {
        DatabaseLock::take(&self.url, &self.store.count, &self.connected, Wait::ForProcesses).await
    }

    /// As [`Database::lock_exclusively`], but a lock that is held is refused at once. What holds it may be a process that a
    /// server was just starting when it was killed: whoever must know asks again by the other verb.
    ///
    /// # Errors
    /// As [`Database::lock_exclusively`].
    pub async fn lock_at_once(&self) -> Result<DatabaseLock, StorageError> {
        DatabaseLock::take(&self.url, &self.store.count, &self.connected, Wait::No).await
    }

    /// Applies every pending migration in one transaction, and says how many there were.
    ///
    /// # Errors
    /// [`StorageError::Migration`]: a database that a newer binary has migrated is refused.
    pub async fn migrate(&self) -> Result<usize, StorageError> {
        let db = self.administer().await?;
        let outcome = ratchet_migrations::up(&db).await;
        if !matches!(outcome, Ok(0)) {
            self.count_transaction();
        }
        self.finish(db).await?;
        Ok(outcome?)
    }

    /// Every migration that this binary knows, and whether it is applied.
    ///
    /// # Errors
    /// [`StorageError::Migration`]: a database that a newer binary has migrated is refused.
    pub async fn migration_status(&self) -> Result<Vec<MigrationState>, StorageError> {
        let db = self.administer().await?;
        let outcome = ratchet_migrations::status(&db).await;
        self.finish(db).await?;
        Ok(outcome?)
    }

    /// Rolls the last `steps` migrations back, with the data in their tables.
    ///
    /// # Errors
    /// [`StorageError::Migration`]: a database that a newer binary has migrated is refused.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), StorageError> {
        let db = self.administer().await?;
        let outcome = ratchet_migrations::down(&db, steps).await;
        self.count_transaction();
        self.finish(db).await?;
        Ok(outcome?)
    }

    /// Empties the database: rolls every migration back and applies them all again.
    ///
    /// # Errors
    /// [`StorageError::Migration`]: a database that a newer binary has migrated is refused.
    pub async fn fresh(&self) -> Result<(), StorageError> {
        let db = self.administer().await?;
        let outcome = ratchet_migrations::fresh(&db).await;
        self.count_transaction();
        self.finish(db).await?;
        Ok(outcome?)
    }

    /// All repositories of the database. They work for as long as the database is open.
    #[must_use]
    pub fn repositories(&self) -> Arc<dyn RepositoryFactory> {
        Arc::new(Repositories::new(Arc::clone(&self.store)))
    }

    /// See [`RepositoryFactory::statements_executed`].
    #[must_use]
    pub fn statements_executed(&self) -> u64 {
        self.store.count.get()
    }

    /// Commits what is waiting and closes every connection; afterwards every verb of the repositories fails as
    /// unavailable. Closing a closed database does nothing.
    ///
    /// # Errors
    /// [`StorageError::Close`]
    pub async fn close(&self) -> Result<(), StorageError> {
        // The writer must be the last to go: the last connection to a SQLite file empties its write-ahead log, and
        // one that may only read cannot.
        let read = self.store.reader.close().await;
        let written = self.store.writer.close().await;
        read.and(written).map_err(|source| StorageError::Close { source })
    }

    async fn administer(&self) -> Result<DatabaseConnection, StorageError> {
        match &self.administration {
            Administration::Sqlite(file) => file
                .administrator()
                .await
                .map_err(|source| file.cannot_open(source)),
            Administration::Postgres(db) => Ok(db.clone()),
        }
    }

    async fn finish(&self, db: DatabaseConnection) -> Result<(), StorageError> {
        match &self.administration {
            Administration::Sqlite(_) => db.close().await.map_err(|source| StorageError::Close { source }),
            Administration::Postgres(_) => Ok(()),
        }
    }

    /// A migration's transaction was begun and ended.
    fn count_transaction(&self) {
        self.store.count.add_one();
        self.store.count.add_one();
    }
}
