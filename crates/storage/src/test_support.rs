//! Private databases for tests, of this crate and of those above it (feature `test-support`).
//!
//! ```
//! use ratchet_storage::test_support::TestDatabase;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! for database in TestDatabase::each().await {
//!     let repositories = database.repositories();
//!     assert!(repositories.ping().await.is_ok(), "{}", database.url());
//! }
//! # }
//! ```
//!
//! Each has the newest schema and no rows, and is removed when it is dropped. SQLite is always there; PostgreSQL
//! takes part when `RATCHET_TEST_POSTGRES_URL` names a server and a user that may create databases there, such as
//! `postgres://ratchet@127.0.0.1:5432/postgres`. Where the variable is missing, one line says so, and with `CI=true`
//! that is a failure.

mod postgres;
mod sqlite;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use chrono::DateTime;
use ratchet_interfaces::{RepositoryFactory, ScheduleId};
use sea_orm::sqlx::{self, Connection, SqliteConnection};

use crate::Database;
use postgres::PostgresDatabase;
use sqlite::SqliteFolder;

/// A private, migrated, empty database.
#[derive(Debug)]
pub struct TestDatabase {
    database: Database,
    url: String,
    // After the open database: fields are dropped in their order.
    place: Place,
}

#[derive(Debug)]
enum Place {
    Sqlite(SqliteFolder),
    Postgres(#[allow(dead_code, reason = "it is only kept")] PostgresDatabase),
}

impl TestDatabase {
    /// A SQLite file in a folder of its own.
    ///
    /// # Panics
    /// When the folder or the file cannot be made, as every function of this module.
    pub async fn sqlite() -> Self {
        let folder = SqliteFolder::new().await;
        Self::open(folder.url(), Place::Sqlite(folder)).await
    }

    /// A database of the PostgreSQL server that `RATCHET_TEST_POSTGRES_URL` names; `None` where it names none.
    ///
    /// # Panics
    /// When `CI=true` and the variable is missing.
    pub async fn postgres() -> Option<Self> {
        let database = PostgresDatabase::new().await?;
        Some(Self::open(database.url(), Place::Postgres(database)).await)
    }

    /// One of each kind that there is: what is tested once is tested on all of them.
    pub async fn each() -> Vec<Self> {
        let mut databases = vec![Self::sqlite().await];
        databases.extend(Self::postgres().await);
        databases
    }

    /// Its URL, for a process or a second [`Database`] that is to use it too.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<std::path::PathBuf> {
        match &self.place {
            Place::Sqlite(folder) => Some(folder.file()),
            Place::Postgres(_) => None,
        }
    }

    /// The open database.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Its repositories.
    #[must_use]
    pub fn repositories(&self) -> Arc<dyn RepositoryFactory> {
        self.database.repositories()
    }

    /// Has writes to a SQLite file arrive together: while the file is locked by somebody else, and the writer waits to begin
    /// a write that is refused later. So they share a commit, if each sends its write when it is first polled.
    pub async fn together<T>(&self, writes: impl Future<Output = T>) -> T {
        let mut other = SqliteConnection::connect(&self.url)
            .await
            .expect("the file can be opened again");
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut other)
            .await
            .expect("the file can be locked");
        let before = self.database.statements_executed();
        let schedules = self.repositories().schedules();
        let refused = schedules.schedule_record_run(ScheduleId::new(), DateTime::UNIX_EPOCH, None);
        let rest = async {
            while self.database.statements_executed() == before {
                tokio::task::yield_now().await;
            }
            let mut writes = std::pin::pin!(writes);
            let sent = poll_fn(|context| Poll::Ready(writes.as_mut().poll(context).is_pending()));
            assert!(sent.await, "the writer waits");
            other.close().await.expect("the file can be closed");
            writes.await
        };
        let (refused, answer) = tokio::join!(refused, rest);
        refused.expect_err("there is no such schedule");
        answer
    }

    async fn open(url: String, place: Place) -> Self {
        Self {
            database: Database::connect(&url).await.expect("the test database opens"),
            url,
            place,
        }
    }
}
