use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};
use tokio::task::JoinHandle;

use crate::sqlite::SqliteFile;

/// Pages in the write-ahead log from which on they are moved into the file. It takes some tens of milliseconds, and a page
/// that was written often is moved once.
const LONG: i64 = 4_000;
/// After how many commits of few rows the log is looked at.
const LOOK_EVERY: u32 = 16;

/// Moves the write-ahead log into the file while others write.
///
/// SQLite does so within the commit that makes the log long, and all who write wait for it. Here another connection moves
/// what there is at the time, beside the commits. Then the one that writes moves the little that was added meanwhile: only
/// when nothing is left does the log begin anew.
#[derive(Debug)]
pub(super) struct Checkpoints {
    file: SqliteFile,
    /// Opened when it is first needed.
    beside: Option<DatabaseConnection>,
    moving: Option<JoinHandle<Result<DatabaseConnection, DbErr>>>,
    /// Commits since the last look.
    commits: u32,
}

impl Checkpoints {
    pub(super) const fn of(file: SqliteFile) -> Self {
        Self {
            file,
            beside: None,
            moving: None,
            commits: 0,
        }
    }

    /// To be called after each commit, with the connection that writes. What cannot be moved now stays in the log, and is
    /// tried again.
    pub(super) async fn after_commit(&mut self, writer: &DatabaseConnection, of_many_rows: bool) {
        self.commits += if of_many_rows { LOOK_EVERY } else { 1 };
        let outcome = match self.moving.take() {
            Some(moving) if moving.is_finished() => self.finish(moving, writer).await,
            Some(moving) => {
                self.moving = Some(moving);
                Ok(())
            }
            None if self.commits >= LOOK_EVERY => self.look(writer).await,
            None => Ok(()),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "the write-ahead log could not be moved into the database's file; it is tried again");
        }
    }

    async fn look(&mut self, writer: &DatabaseConnection) -> Result<(), DbErr> {
        self.commits = 0;
        let pages = checkpoint(writer, "NOOP").await?;
        if pages < LONG {
            return Ok(());
        }
        let (file, beside) = (self.file.clone(), self.beside.take());
        self.moving = Some(tokio::spawn(async move {
            let beside = match beside {
                Some(beside) => beside,
                None => file.checkpointer().await.map_err(from_sqlx)?,
            };
            checkpoint(&beside, "PASSIVE").await?;
            Ok(beside)
        }));
        Ok(())
    }

    async fn finish(
        &mut self,
        moving: JoinHandle<Result<DatabaseConnection, DbErr>>,
        writer: &DatabaseConnection,
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

async fn moved(moving: JoinHandle<Result<DatabaseConnection, DbErr>>) -> Result<DatabaseConnection, DbErr> {
    moving
        .await
        .unwrap_or_else(|panic| Err(DbErr::Custom(panic.to_string())))
}

/// Says how many pages are in the log.
async fn checkpoint(db: &DatabaseConnection, mode: &str) -> Result<i64, DbErr> {
    let statement = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA wal_checkpoint({mode})"));
    let row: Option<QueryResult> = db.query_one_raw(statement).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(1))
}

fn from_sqlx(error: sea_orm::sqlx::Error) -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into()))
}
