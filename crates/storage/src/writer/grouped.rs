use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use ratchet_interfaces::AuditNote;
use sea_orm::{ConnAcquireErr, DbErr};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use super::checkpoint::Checkpoints;
use super::queued::{Queued, QueuedWrite};
use super::turns::{Group, Turns};
use super::{Load, Transaction, Verb, WriteError};
use crate::sqlite::{Session, SqliteFile, connecting};

/// The most verbs of one commit.
const MAX_GROUP: usize = 1024;
/// What its thread is called; Linux shows 15 characters.
const NAME: &str = "ratchet-writer";

type Queue = UnboundedReceiver<Box<dyn QueuedWrite>>;

/// Group commit: whatever arrives while a transaction commits goes into the next one.
///
/// A verb that fails is undone and disturbs no other. When the transaction itself fails (the disk
/// is full, the file is gone), SQLite may have rolled it back or not, and the driver cannot tell which: the
/// session is thrown away, every verb of the group is told, and the next group gets a new one.
///
/// It has a thread of its own: a group is many statements one after the other, and all who write wait for them. On a
/// runtime that also answers requests, each statement would wait for its turn behind those.
#[derive(Debug)]
pub(crate) struct GroupedWriter {
    /// `None` once the writer is closed.
    queue: Mutex<Option<UnboundedSender<Box<dyn QueuedWrite>>>>,
    /// What became of its session, once it is closed.
    ended: tokio::sync::Mutex<Option<oneshot::Receiver<Result<(), DbErr>>>>,
}

impl GroupedWriter {
    /// # Errors
    /// The error of the operating system when it has no further thread.
    pub(super) fn start(file: SqliteFile, session: Session) -> io::Result<Self> {
        let (sender, queue) = mpsc::unbounded_channel();
        let (end, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new().name(NAME.to_owned()).spawn(move || {
            // Whoever drops the writer without closing it does not ask.
            let _ = end.send(runtime.block_on(serve(file, session, queue)));
        })?;
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            ended: tokio::sync::Mutex::new(Some(ended)),
        })
    }

    pub(super) async fn write<A, T>(
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
        let (answer, answered) = oneshot::channel();
        let queued = Box::new(Queued::new(arguments, verb, load, note, answer));
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
        match self.ended.lock().await.take() {
            Some(ended) => ended
                .await
                .unwrap_or_else(|_| Err(DbErr::Custom("the thread that writes has panicked".to_owned()))),
            None => Ok(()),
        }
    }
}

fn closed() -> WriteError {
    WriteError::Undone(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
}

/// Commits one group after the other until the writer is closed.
async fn serve(file: SqliteFile, session: Session, mut queue: Queue) -> Result<(), DbErr> {
    let mut session = Some(session);
    let mut checkpoints = Checkpoints::of(file.clone());
    let mut turns = Turns::default();
    let mut waiting = Group::new();
    while gather(&mut waiting, &mut queue).await {
        let members = turns.next(&mut waiting, Instant::now());
        let of_many_rows = members.iter().any(|verb| verb.load().is_bulk());
        // In a task of its own, a verb that panics ends its group and not the writer.
        let commit = tokio::spawn(commit_and_answer(file.clone(), session.take(), members));
        match commit.await {
            Ok(kept) => {
                if let Some(session) = &kept {
                    checkpoints.after_commit(session, of_many_rows).await;
                }
                session = kept;
            }
            Err(panic) => tracing::error!(error = %panic, "a group of writes was broken off and undone"),
        }
    }
    let aside = checkpoints.close().await;
    match session {
        Some(session) => session.close().await.and(aside),
        None => aside,
    }
}

/// Takes what there is to write, and waits for it if nothing is left. Says whether there is anything.
async fn gather(waiting: &mut Group, queue: &mut Queue) -> bool {
    if waiting.is_empty() {
        queue.recv_many(waiting, MAX_GROUP).await;
    }
    while waiting.len() < MAX_GROUP
        && let Ok(verb) = queue.try_recv()
    {
        waiting.push(verb);
    }
    !waiting.is_empty()
}

/// Returns the session if it can be used again.
async fn commit_and_answer(file: SqliteFile, session: Option<Session>, mut group: Group) -> Option<Session> {
    let session = match session {
        Some(session) => Ok(session),
        None => file.writer().await.map_err(connecting),
    };
    let (kept, outcome) = match session {
        Err(error) => (None, Err(error)),
        Ok(session) => match commit(&session, &mut group).await {
            Ok(()) => (Some(session), Ok(())),
            Err(error) => {
                // Whether it can still be closed in order does not matter any more; who waits is told the cause.
                if let Err(closing) = session.close().await {
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

/// Runs a group in one transaction. An error is one of the transaction, not of a verb.
///
/// A verb of few rows seldom fails, and a savepoint costs as much as it does: only those get one that may well fail. If
/// another one fails all the same, all is undone and done again, with a savepoint for each.
async fn commit(session: &Session, group: &mut [Box<dyn QueuedWrite>]) -> Result<(), DbErr> {
    let alone = group.len() == 1;
    if commit_behind(session, group, |verb| verb.load() > Load::Few && !alone).await? || alone {
        return Ok(());
    }
    commit_behind(session, group, |_| true).await?;
    Ok(())
}

/// Runs a group, some of its verbs behind savepoints, and keeps what they did if all others succeed. Says whether they did.
async fn commit_behind(
    session: &Session,
    group: &mut [Box<dyn QueuedWrite>],
    has_savepoint: impl Fn(&dyn QueuedWrite) -> bool,
) -> Result<bool, DbErr> {
    let transaction = Transaction::File(session);
    session.run("BEGIN IMMEDIATE").await?;
    let mut anything = false;
    for member in group {
        if !has_savepoint(&**member) {
            if member.run(&transaction).await {
                anything = true;
                continue;
            }
            session.run("ROLLBACK").await?;
            return Ok(false);
        }
        session.run("SAVEPOINT verb").await?;
        let keep = member.run(&transaction).await;
        if !keep {
            session.run("ROLLBACK TO verb").await?;
        }
        session.run("RELEASE verb").await?;
        anything |= keep;
    }
    session.run(if anything { "COMMIT" } else { "ROLLBACK" }).await?;
    Ok(true)
}
