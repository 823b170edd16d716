use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection};
use sea_orm::{ConnAcquireErr, DbErr, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::sqlite::SqliteFile;
use crate::statement_count::StatementCount;

/// How many there are: more only take turns, where there are few cores.
const MOST: u32 = 3;
/// How long a statement waits for one of them.
const PATIENCE: Duration = Duration::from_secs(30);

/// A few connections to a SQLite file that only read, each opened when it is first needed.
///
/// They are not sqlx's pool: for every statement that pool also starts a task and has the thread of the connection answer a
/// ping, which takes as long as a short statement does.
#[derive(Debug)]
pub(crate) struct Connections {
    options: SqliteConnectOptions,
    count: StatementCount,
    permits: Semaphore,
    /// Those that nobody uses. The one that was used last has the warmest cache, and is used next.
    free: Mutex<Vec<SqliteConnection>>,
}

/// A place among them, and its connection once it is open. Dropped, both are free again: sqlx ends what a statement that nobody
/// waits for any more was still doing.
struct Place<'a> {
    connections: &'a Connections,
    connection: Option<SqliteConnection>,
    _permit: SemaphorePermit<'a>,
}

impl Connections {
    pub(crate) fn new(file: &SqliteFile) -> Self {
        Self {
            options: file.reading(),
            count: file.count().clone(),
            permits: Semaphore::new(MOST as usize),
            free: Mutex::default(),
        }
    }

    pub(crate) async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut place = self.place().await?;
        let row = question(statement)
            .fetch_optional(place.connection().await?)
            .await;
        Ok(place.checked(row)?.map(QueryResult::from))
    }

    pub(crate) async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut place = self.place().await?;
        let rows = question(statement).fetch_all(place.connection().await?).await;
        Ok(place.checked(rows)?.into_iter().map(QueryResult::from).collect())
    }

    /// Returns when every statement is answered and every connection closed.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        let Ok(all) = self.permits.acquire_many(MOST).await else {
            return Ok(());
        };
        self.permits.close();
        drop(all);
        let free = std::mem::take(&mut *self.free());
        let mut outcome = Ok(());
        for connection in free {
            outcome = outcome.and(connection.close().await.map_err(connecting));
        }
        outcome
    }

    async fn place(&self) -> Result<Place<'_>, DbErr> {
        let permit = match timeout(PATIENCE, self.permits.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_closed)) => return Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_elapsed) => return Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        };
        Ok(Place {
            connections: self,
            connection: self.free().pop(),
            _permit: permit,
        })
    }

    fn free(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        // Every change leaves it whole.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    async fn connection(&mut self) -> Result<&mut SqliteConnection, DbErr> {
        let Connections { options, count, .. } = self.connections;
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                count.add_one();
                options.connect().await.map_err(connecting)?
            }
        };
        count.add_one();
        Ok(self.connection.insert(connection))
    }

    /// Passes on what the database said. A connection whose thread is gone answers nobody any more.
    fn checked<T>(&mut self, answer: Result<T, sqlx::Error>) -> Result<T, DbErr> {
        if let Err(sqlx::Error::WorkerCrashed) = answer {
            self.connection = None;
        }
        answer.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(error.into())))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.connections.free().extend(self.connection.take());
    }
}

fn question(statement: Statement) -> Query<'static, Sqlite, SqlxValues> {
    let Statement { sql, values, .. } = statement;
    // It was built by SeaORM, or is one of ours: what users gave is in the values.
    sqlx::query_with(
        AssertSqlSafe(sql),
        SqlxValues(values.unwrap_or(Values(Vec::new()))),
    )
}

fn connecting(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
