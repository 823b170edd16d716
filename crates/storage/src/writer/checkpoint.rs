use std::time::{Duration, Instant};

use sea_orm::{DbBackend, DbErr, Statement};
use tokio::task::JoinHandle;

use crate::sqlite::{Session, SqliteFile, connecting};

/// Pages in the write-ahead log from which on they are moved into the file. It takes some tens of milliseconds, and a page
/// that was written often is moved once.
const LONG: i64 = 4_000;
/// After how many commits the log is looked at.
const LOOK_EVERY: u32 = 16;
/// After a commit of many rows it is looked at if it was not for so long.
const LOOK_AFTER: Duration = Duration::from_millis(20);

/// Moves the write-ahead log into the file while others write.
///
/// SQLite does so within the commit that makes the log long, and all who write wait for it. Here another connection moves
/// what there is at the time, beside the commits. Then the one that writes moves the little that was added meanwhile: only
/// when nothing is left does the log begin anew.
#[derive(Debug)]
pub(super) struct Checkpoints {
    file: SqliteFile,
    /// Opened when it is first needed.
    beside: Option<Session>,
    moving: Option<JoinHandle<Result<Session, DbErr>>>,
    /// Commits since the last look.
    commits: u32,
    looked: Option<Instant>,
}

impl Checkpoints {
    pub(super) const fn of(file: SqliteFile) -> Self {
        Self {
            file,
            beside: None,
            moving: None,
            commits: 0,
            looked: None,
        }
    }

    /// To be called after each commit, with the connection that writes. What cannot be moved now stays in the log, and is
    /// tried again.
    pub(super) async fn after_commit(&mut self, writer: &Session, of_many_rows: bool) {
        self.commits += 1;
        let is_time = self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_AFTER);
        let outcome = match self.moving.take() {
            Some(moving) if moving.is_finished() => self.finish(moving, writer).await,
            Some(moving) => {
                self.moving = Some(moving);
                Ok(())
            }
            None if self.commits >= LOOK_EVERY || (of_many_rows && is_time) => self.look(writer).await,
            None => Ok(()),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "the write-ahead log could not be moved into the database's file; it is tried again");
        }
    }

    async fn look(&mut self, writer: &Session) -> Result<(), DbErr> {
        (self.commits, self.looked) = (0, Some(Instant::now()));
        let pages = checkpoint(writer, "NOOP").await?;
        if pages < LONG {
            return Ok(());
        }
        let (file, beside) = (self.file.clone(), self.beside.take());
        self.moving = Some(tokio::spawn(async move {
            let beside = match beside {
                Some(beside) => beside,
                None => file.checkpointer().await.map_err(connecting)?,
            };
            checkpoint(&beside, "PASSIVE").await?;
            Ok(beside)
        }));
        Ok(())
    }

    async fn finish(
        &mut self,
        moving: JoinHandle<Result<Session, DbErr>>,
        writer: &Session,
    ) -> Result<(), DbErr> {
        self.beside = Some(moved(moving).await?);
        checkpoint(writer, "PASSIVE").await?;
        Ok(())
    }

    /// Before the connection that writes is closed, which empties the log if it is the last.
    pub(super) async fn close(self) -> Result<(), DbErr> {
        let beside = match self.moving {
            Some(moving) => Some(moved(moving).await?),
            None => self.beside,
        };
        match beside {
            Some(beside) => beside.close().await,
            None => Ok(()),
        }
    }
}

async fn moved(moving: JoinHandle<Result<Session, DbErr>>) -> Result<Session, DbErr> {
    moving
        .await
        .unwrap_or_else(|panic| Err(DbErr::Custom(panic.to_string())))
}

/// Says how many pages are in the log.
async fn checkpoint(session: &Session, mode: &str) -> Result<i64, DbErr> {
    let statement = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA wal_checkpoint({mode})"));
    let row = session.query_one(statement).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(1))
}
