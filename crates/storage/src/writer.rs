//! The one way to write. A write verb is a function of its arguments and a transaction; how it comes by the
//! transaction is the writer's affair:
//!
//! ```text
//!  SQLite      verbs ──► queue ──► a thread: BEGIN, verb after verb, COMMIT ──► answers
//!  PostgreSQL  verb ──► BEGIN … COMMIT on a connection of the pool; deadlocks repeated
//! ```
//!
//! In both cases the transaction runs in a task that is not the caller's: one that gives up and drops its future leaves no
//! half-done transaction behind, and its verb is either on disk or not.

mod checkpoint;
mod grouped;
mod pooled;
mod queued;
mod transaction;
mod turns;

use std::io;

use futures_util::future::BoxFuture;
use ratchet_interfaces::{AuditNote, RepositoryError, TakenNote};
use sea_orm::{DatabaseConnection, DbBackend, DbErr};

use crate::audit;
use crate::failure::{Undone, repository_error};
use crate::sqlite::{Session, SqliteFile};
use crate::statement_count::StatementCount;
use grouped::GroupedWriter;
use pooled::PooledWriter;
pub(crate) use transaction::Transaction;

/// What a write verb does. It may be run again, in a new transaction, when it lost against another.
pub(crate) type Verb<A, T> = for<'a> fn(&'a A, &'a Transaction<'a>) -> BoxFuture<'a, Result<T, WriteError>>;

/// What a verb has to do, where verbs share a commit. The smaller goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Load {
    /// A row or two.
    Few,
    /// A row or two, which others are likely to have changed: it fails now and then.
    Contended,
    /// Many rows, which others may have changed, and none of which may be late: ticks.
    Urgent,
    /// Many rows, which others may have changed.
    Many,
}

impl Load {
    /// Whether it is of many rows.
    const fn is_bulk(self) -> bool {
        matches!(self, Self::Urgent | Self::Many)
    }
}

/// Why a write verb wrote nothing.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// What the verb was decided upon does not hold. The caller finds out what does.
    Conflict,
    /// The database refused a statement of the verb.
    Database(DbErr),
    /// The verb itself refused.
    Repository(RepositoryError),
    /// The transaction was lost as a whole, through no fault of this verb. Where it broke off at its commit, it may be
    /// on disk all the same.
    Undone(DbErr),
}

impl From<DbErr> for WriteError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl From<RepositoryError> for WriteError {
    fn from(error: RepositoryError) -> Self {
        Self::Repository(error)
    }
}

impl WriteError {
    /// For a verb that broke no rule of the schema.
    pub(crate) fn during(self, during: &'static str) -> RepositoryError {
        match self {
            Self::Conflict => RepositoryError::Unavailable {
                during,
                source: "the rows are changed by somebody else all the time".into(),
            },
            Self::Database(error) => repository_error(error, during),
            Self::Repository(error) => error,
            Self::Undone(error) => RepositoryError::Unavailable {
                during,
                source: Box::new(Undone {
                    source: Box::new(error),
                }),
            },
        }
    }
}

#[derive(Debug)]
pub(crate) enum Writer {
    Grouped(GroupedWriter),
    Pooled(PooledWriter),
}

impl Writer {
    /// Takes over the session that writes to a SQLite file.
    ///
    /// # Errors
    /// The error of the operating system when it has no further thread.
    pub(crate) fn grouped(file: SqliteFile, session: Session) -> io::Result<Self> {
        GroupedWriter::start(file, session).map(Self::Grouped)
    }

    pub(crate) const fn backend(&self) -> DbBackend {
        match self {
            Self::Grouped(_) => DbBackend::Sqlite,
            Self::Pooled(_) => DbBackend::Postgres,
        }
    }

    pub(crate) const fn pooled(db: DatabaseConnection, count: StatementCount) -> Self {
        Self::Pooled(PooledWriter::new(db, count))
    }

    /// Runs a verb in a transaction; when it returns, what the verb did is on disk, or undone, and with it the [`AuditNote`]
    /// that goes along, if there is one.
    pub(crate) async fn write<A, T>(&self, arguments: A, verb: Verb<A, T>) -> Result<T, WriteError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.run(Load::Few, AuditNote::current(), arguments, verb).await
    }

    /// As [`Self::write`], for what is no [`Load::Few`]: the engine's own work, of which the audit log says nothing.
    pub(crate) async fn write_as<A, T>(
        &self,
        load: Load,
        arguments: A,
        verb: Verb<A, T>,
    ) -> Result<T, WriteError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.run(load, None, arguments, verb).await
    }

    async fn run<A, T>(
        &self,
        load: Load,
        note: Option<AuditNote>,
        arguments: A,
        verb: Verb<A, T>,
    ) -> Result<T, WriteError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        match self {
            Self::Grouped(writer) => writer.write(load, note, arguments, verb).await,
            Self::Pooled(writer) => writer.write(note, arguments, verb).await,
        }
    }

    /// Returns when every verb that was waiting is answered and the connection is closed.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        match self {
            Self::Grouped(writer) => writer.close().await,
            Self::Pooled(writer) => writer.close().await,
        }
    }
}

/// Writes the note that goes along with a verb, when the verb has done its part.
async fn write_note(
    note: Option<&AuditNote>,
    transaction: &Transaction<'_>,
) -> Result<Option<TakenNote>, WriteError> {
    let Some(taken) = note.and_then(AuditNote::take) else {
        return Ok(None);
    };
    audit::accompany(taken.entry(), transaction).await?;
    Ok(Some(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_is_no_rows_fault_may_be_repeated() {
        let broken_off = DbErr::Query(sea_orm::RuntimeErr::Internal(
            "no answer to the commit".to_owned(),
        ));
        for error in [
            WriteError::Conflict,
            WriteError::Undone(broken_off.clone()),
            WriteError::Database(broken_off),
        ] {
            let told = error.during("testing");
            assert!(told.is_transient(), "{told:?}");
        }
    }
}
