use std::sync::{Mutex, PoisonError};

use sea_orm::{
    ConnAcquireErr, DatabaseConnection, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::queued::{Queued, QueuedWrite};
use super::{Verb, WriteError};
use crate::sqlite::SqliteFile;

/// The most verbs of one commit.
const MAX_GROUP: usize = 1024;

type Queue = UnboundedReceiver<Box<dyn QueuedWrite>>;

/// Group commit: whatever arrives while a transaction commits goes into the next one.
///
/// A verb that fails is undone by its savepoint and disturbs no other. When the transaction itself fails (the disk
/// is full, the file is gone), SQLite may have rolled it back or not, and the driver cannot tell which: the
/// connection is thrown away, every verb of the group is told, and the next group gets a new connection.
#[derive(Debug)]
pub(crate) struct GroupedWriter {
    /// `None` once the writer is closed.
    queue: Mutex<Option<UnboundedSender<Box<dyn QueuedWrite>>>>,
    task: tokio::sync::Mutex<Option<JoinHandle<Result<(), DbErr>>>>,
}

impl GroupedWriter {
    pub(super) fn start(file: SqliteFile, connection: DatabaseConnection) -> Self {
        let (sender, queue) = mpsc::unbounded_channel();
        Self {
            queue: Mutex::new(Some(sender)),
            task: tokio::sync::Mutex::new(Some(tokio::spawn(serve(file, connection, queue)))),
        }
    }

    pub(super) async fn write<A, T>(&self, arguments: A, verb: Verb<A, T>) -> Result<T, WriteError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let queued = Box::new(Queued::new(arguments, verb, answer));
        let sent = match &*self.queue.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(queue) => queue.send(queued).is_ok(),
            None => false,
        };
        if !sent {
            return Err(closed());
        }
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.task.lock().await.take() {
            Some(task) => task
                .await
                .unwrap_or_else(|panic| Err(DbErr::Custom(panic.to_string()))),
            None => Ok(()),
        }
    }
}

fn closed() -> WriteError {
    WriteError::Undone(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
}

/// Commits one group after the other until the writer is closed.
async fn serve(file: SqliteFile, connection: DatabaseConnection, mut queue: Queue) -> Result<(), DbErr> {
    let mut connection = Some(connection);
    let mut group = Vec::new();
    while queue.recv_many(&mut group, MAX_GROUP).await > 0 {
        let members = std::mem::take(&mut group);
        // In a task of its own, a verb that panics ends its group and not the writer.
        let commit = tokio::spawn(commit_and_answer(file.clone(), connection.take(), members));
        match commit.await {
            Ok(kept) => connection = kept,
            Err(panic) => tracing::error!(error = %panic, "a group of writes was broken off and undone"),
        }
    }
    match connection {
        Some(connection) => connection.close().await,
        None => Ok(()),
    }
}

/// Returns the connection if it can be used again.
async fn commit_and_answer(
    file: SqliteFile,
    connection: Option<DatabaseConnection>,
    mut group: Vec<Box<dyn QueuedWrite>>,
) -> Option<DatabaseConnection> {
    let (kept, outcome) = match reopen(&file, connection).await {
        Err(error) => (None, Err(error)),
        Ok(connection) => match commit(&file, &connection, &mut group).await {
            Ok(()) => (Some(connection), Ok(())),
            Err(error) => {
                // Whether it can still be closed in order does not matter any more; who waits is told the cause.
                if let Err(closing) = connection.close().await {
                    tracing::warn!(error = %closing, "a failed connection to the database was not closed in order");
                }
                (None, Err(error))
            }
        },
    };
    for member in group {
        member.answer(&outcome);
    }
    kept
}

async fn reopen(
    file: &SqliteFile,
    connection: Option<DatabaseConnection>,
) -> Result<DatabaseConnection, DbErr> {
    match connection {
        Some(connection) => Ok(connection),
        None => file
            .writer()
            .await
            .map_err(|error| DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into()))),
    }
}

/// Runs a group in one transaction. An error is one of the transaction, not of a verb.
async fn commit(
    file: &SqliteFile,
    connection: &DatabaseConnection,
    group: &mut [Box<dyn QueuedWrite>],
) -> Result<(), DbErr> {
    let count = file.count();
    count.add_one();
    let transaction = connection
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await?;
    let mut anything = false;
    match group {
        [alone] => anything = alone.run(&transaction).await,
        group => {
            for member in group {
                count.add_one();
                let savepoint = transaction.begin().await?;
                let keep = member.run(&savepoint).await;
                count.add_one();
                if keep {
                    savepoint.commit().await?;
                } else {
                    savepoint.rollback().await?;
                }
                anything |= keep;
            }
        }
    }
    count.add_one();
    if anything {
        transaction.commit().await
    } else {
        transaction.rollback().await
    }
}
