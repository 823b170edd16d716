mod file;
mod session;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::StorageError;
use crate::database_url::{DatabaseUrl, Location};
use crate::statement_count::StatementCount;
use session::Session;

/// Held by the one server that may use a database; given back when it is dropped, or when the process dies.
///
/// The lock of a SQLite file is one of the operating system, which only the process itself can give back. The lock of
/// a PostgreSQL database belongs to a session there, and goes with it when the server is restarted or the way to it is
/// cut: then it is taken again at once, and [`DatabaseLock::lost`] tells if somebody else was faster.
#[derive(Debug)]
#[must_use = "the lock is given back when it is dropped"]
pub struct DatabaseLock {
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    File(#[expect(dead_code, reason = "it is only kept: closing it gives the lock back")] File),
    Session(Session),
}

/// Whether a lock that is held is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// For as long as a process may have it that a dead server was just starting.
    ForProcesses,
    /// Once is enough.
    No,
}

impl DatabaseLock {
    /// `connected` is told when the database's pool makes a connection.
    pub(crate) async fn take(
        url: &DatabaseUrl,
        count: &StatementCount,
        connected: &Arc<Notify>,
        wait: Wait,
    ) -> Result<Self, StorageError> {
        let kept = match &url.0 {
            Location::Sqlite(path) => Kept::File(file::lock(url, path, wait).await?),
            Location::Postgres { options, .. } => {
                Kept::Session(Session::take(url, options, count, Arc::clone(connected)).await?)
            }
        };
        Ok(Self { kept })
    }

    /// The lock of a database that is a file, which may be none of Ratchet's yet.
    pub(crate) async fn of_file(url: &DatabaseUrl, path: &Path) -> Result<Self, StorageError> {
        let kept = Kept::File(file::lock(url, path, Wait::ForProcesses).await?);
        Ok(Self { kept })
    }

    /// Completes when another server has the lock instead of this one, and says which. Whoever hears of it must
    /// stop at once: the other one takes every job that runs here for one whose process is dead, and runs it again.
    ///
    /// It does not complete while the lock is held, nor while the database is out of reach and the lock may still be
    /// taken again. May be called any number of times.
    pub async fn lost(&self) -> StorageError {
        match &self.kept {
            Kept::File(_) => std::future::pending().await,
            Kept::Session(session) => session.lost().await,
        }
    }
}
