use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr, QueryResult, Statement};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::failure::is_lost_connection;
use crate::sqlite::{Session, SqliteFile, connecting};

/// How many there are: more only take turns, where there are few cores.
const MOST: u32 = 3;
/// How long a statement waits for one of them.
const PATIENCE: Duration = Duration::from_secs(30);

/// A few sessions of a SQLite file that only read, each opened when it is first needed.
#[derive(Debug)]
pub(crate) struct Sessions {
    file: SqliteFile,
    places: Semaphore,
    /// Those that nobody uses. The one that was used last has the warmest cache, and is used next.
    free: Mutex<Vec<Session>>,
}

/// A place among them, and its session once it is open. Dropped, both are free again: sqlx ends what a statement that nobody
/// waits for any more was still doing.
struct Place<'a> {
    sessions: &'a Sessions,
    session: Option<Session>,
    _permit: SemaphorePermit<'a>,
}

impl Sessions {
    pub(crate) fn of(file: &SqliteFile) -> Self {
        Self {
            file: file.clone(),
            places: Semaphore::new(MOST as usize),
            free: Mutex::default(),
        }
    }

    pub(crate) async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut place = self.place().await?;
        let row = place.session().await?.query_one(statement).await;
        place.checked(row)
    }

    pub(crate) async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut place = self.place().await?;
        let rows = place.session().await?.query_all(statement).await;
        place.checked(rows)
    }

    /// Returns when every statement is answered and every session closed.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        let Ok(all) = self.places.acquire_many(MOST).await else {
            return Ok(());
        };
        self.places.close();
        drop(all);
        let free = std::mem::take(&mut *self.free());
        let mut outcome = Ok(());
        for session in free {
            outcome = outcome.and(session.close().await);
        }
        outcome
    }

    async fn place(&self) -> Result<Place<'_>, DbErr> {
        let permit = match timeout(PATIENCE, self.places.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_closed)) => return Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_elapsed) => return Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        };
        Ok(Place {
            sessions: self,
            session: self.free().pop(),
            _permit: permit,
        })
    }

    fn free(&self) -> MutexGuard<'_, Vec<Session>> {
        // Every change leaves it whole.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    async fn session(&mut self) -> Result<&Session, DbErr> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.sessions.file.reader().await.map_err(connecting)?,
        };
        Ok(self.session.insert(session))
    }

    /// Passes on what the database said. A session whose thread is gone answers nobody any more.
    fn checked<T>(&mut self, answer: Result<T, DbErr>) -> Result<T, DbErr> {
        if answer.as_ref().err().is_some_and(is_lost_connection) {
            self.session = None;
        }
        answer
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.sessions.free().extend(self.session.take());
    }
}
