use ratchet_interfaces::AuditNote;
use sea_orm::{DatabaseConnection, DbErr, TransactionTrait};

use super::{Transaction, Verb, WriteError, write_note};
use crate::failure::{is_lost_connection, is_repeatable};
use crate::postgres;
use crate::statement_count::StatementCount;

/// How often a transaction is repeated that lost against another.
const REPEATS: u32 = 5;

/// Each verb in a transaction of its own, on a pool of connections.
#[derive(Debug)]
pub(crate) struct PooledWriter {
    db: DatabaseConnection,
    count: StatementCount,
}

/// Why an attempt wrote nothing.
enum Attempt {
    /// Nothing of it can have been committed: it may be repeated.
    Undone(WriteError),
    /// It broke off at its commit. It may be on disk or not, so it must not be repeated here.
    Uncertain(DbErr),
}

impl PooledWriter {
    pub(super) const fn new(db: DatabaseConnection, count: StatementCount) -> Self {
        Self { db, count }
    }

    pub(super) async fn write<A, T>(
        &self,
        note: Option<AuditNote>,
        arguments: A,
        verb: Verb<A, T>,
    ) -> Result<T, WriteError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (db, count) = (self.db.clone(), self.count.clone());
        match tokio::spawn(async move { repeat(&db, &count, note.as_ref(), &arguments, verb).await }).await {
            Ok(result) => result,
            Err(panic) => Err(WriteError::Undone(DbErr::Custom(panic.to_string()))),
        }
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.db.close_by_ref().await
    }
}

/// Repeats what lost a deadlock, and what hit upon a lost connection: after a server was restarted, every
/// connection that the pool has kept is lost.
async fn repeat<A, T>(
    db: &DatabaseConnection,
    count: &StatementCount,
    note: Option<&AuditNote>,
    arguments: &A,
    verb: Verb<A, T>,
) -> Result<T, WriteError> {
    let mut deadlocks = 0;
    let mut losses = 0;
    loop {
        let error = match attempt(db, count, note, arguments, verb).await {
            Ok(value) => return Ok(value),
            Err(Attempt::Uncertain(error)) => return Err(WriteError::Undone(error)),
            Err(Attempt::Undone(error)) => error,
        };
        match &error {
            WriteError::Database(cause) if is_repeatable(cause) && deadlocks < REPEATS => deadlocks += 1,
            WriteError::Database(cause) if is_lost_connection(cause) && losses < postgres::CONNECTIONS => {
                losses += 1;
            }
            _ => return Err(error),
        }
    }
}

async fn attempt<A, T>(
    db: &DatabaseConnection,
    count: &StatementCount,
    note: Option<&AuditNote>,
    arguments: &A,
    verb: Verb<A, T>,
) -> Result<T, Attempt> {
    count.add_one();
    let transaction = db
        .begin()
        .await
        .map_err(|error| Attempt::Undone(WriteError::Database(error)))?;
    let within = Transaction::Pool(&transaction);
    let result = match verb(arguments, &within).await {
        Ok(value) => write_note(note, &within).await.map(|taken| (value, taken)),
        Err(error) => Err(error),
    };
    count.add_one();
    match result {
        Ok((value, taken)) => match transaction.commit().await {
            Ok(()) => {
                if let Some(taken) = taken {
                    taken.is_written();
                }
                Ok(value)
            }
            Err(error) if is_repeatable(&error) => Err(Attempt::Undone(WriteError::Database(error))),
            Err(error) => Err(Attempt::Uncertain(error)),
        },
        Err(error) => {
            // A rollback fails only with its connection, and then the server rolls back by itself.
            if let Err(rollback) = transaction.rollback().await {
                tracing::debug!(error = %rollback, "a transaction was left to the server to roll back");
            }
            Err(Attempt::Undone(error))
        }
    }
}
