use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr, QueryResult, Statement};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::failure::is_lost_connection;
use crate::sqlite::{Session, SqliteFile, connecting};

/// How many there are: more only take turns, where there are few cores.
const MOST: u32 = 3;
/// How long a statement waits for one of them.
const PATIENCE: Duration = Duration::from_secs(30);

/// A few sessions of a SQLite file that only read, each opened when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: SqliteFile,
    places: Arc<Semaphore>,
    /// Those that nobody uses. The one that was used last has the warmest cache, and is used next.
    free: Mutex<Vec<Session>>,
}

/// A place among them, and its session once it is open. Dropped, both are free again.
struct Place {
    sessions: Sessions,
    session: Option<Session>,
    permit: Option<OwnedSemaphorePermit>,
    /// Whether a statement runs that was not answered.
    is_busy: bool,
}

impl Sessions {
    pub(crate) fn of(file: &SqliteFile) -> Self {
        Self(Arc::new(Inner {
            file: file.clone(),
            places: Arc::new(Semaphore::new(MOST as usize)),
            free: Mutex::default(),
        }))
    }

    pub(crate) async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut place = self.place().await?;
        let row = place.session().await?.query_one(statement).await;
        place.answered(row)
    }

    pub(crate) async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut place = self.place().await?;
        let rows = place.session().await?.query_all(statement).await;
        place.answered(rows)
    }

    /// Returns when every statement has ended and every session is closed.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        let Ok(all) = self.0.places.acquire_many(MOST).await else {
            return Ok(());
        };
        self.0.places.close();
        drop(all);
        let free = std::mem::take(&mut *self.free());
        let mut outcome = Ok(());
        for session in free {
            outcome = outcome.and(session.close().await);
        }
        outcome
    }

    async fn place(&self) -> Result<Place, DbErr> {
        let places = Arc::clone(&self.0.places);
        let permit = match timeout(PATIENCE, places.acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_closed)) => return Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
            Err(_elapsed) => return Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)),
        };
        Ok(Place {
            sessions: self.clone(),
            session: self.free().pop(),
            permit: Some(permit),
            is_busy: false,
        })
    }

    fn free(&self) -> MutexGuard<'_, Vec<Session>> {
        // Every change leaves it whole.
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    async fn session(&mut self) -> Result<&Session, DbErr> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.sessions.0.file.reader().await.map_err(connecting)?,
        };
        self.is_busy = true;
        Ok(self.session.insert(session))
    }

    /// Passes on what the database said. A session whose thread is gone answers nobody any more.
    fn answered<T>(&mut self, answer: Result<T, DbErr>) -> Result<T, DbErr> {
        self.is_busy = false;
        if answer.as_ref().err().is_some_and(is_lost_connection) {
            self.session = None;
        }
        answer
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        if !self.is_busy {
            self.sessions.free().push(session);
            return;
        }
        // Who asked has gone, and the statement runs on until its next row: nobody else is to wait for that.
        let (sessions, permit) = (self.sessions.clone(), self.permit.take());
        // Where no runtime is left, no session is needed any more.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            if session.is_idle().await {
                sessions.free().push(session);
            }
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::poll_immediate;
    use sea_orm::DbBackend;

    use super::*;
    use crate::statement_count::StatementCount;

    fn ask(sql: &str) -> Statement {
        Statement::from_string(DbBackend::Sqlite, sql)
    }

    /// It takes some seconds.
    const LONG: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000000)
        SELECT COUNT(*) FROM n";

    #[tokio::test]
    async fn a_statement_that_nobody_waits_for_any_more_holds_up_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteFile::open(&folder.path().join("read.db"), StatementCount::default()).unwrap();
        let sessions = Sessions::of(&file);
        sessions.query_one(ask("SELECT 1")).await.unwrap();
        {
            let mut left = pin!(sessions.query_one(ask(LONG)));
            while sessions.0.places.available_permits() == MOST as usize || !sessions.free().is_empty() {
                assert!(poll_immediate(left.as_mut()).await.is_none());
            }
        }
        for _ in 0..3 {
            sessions.query_one(ask("SELECT 1")).await.unwrap();
        }
        // The one that was left is still at it, and so it is waited for.
        assert_eq!(sessions.0.places.available_permits(), MOST as usize - 1);
        sessions.close().await.unwrap();
        assert!(sessions.query_one(ask("SELECT 1")).await.is_err());
    }
}
