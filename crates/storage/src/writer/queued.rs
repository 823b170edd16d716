use async_trait::async_trait;
use ratchet_interfaces::{AuditNote, TakenNote};
use sea_orm::DbErr;
use tokio::sync::oneshot;

use super::{Load, Transaction, Verb, WriteError, write_note};

/// A write verb that waits for its turn, whatever its arguments and its answer are.
#[async_trait]
pub(super) trait QueuedWrite: Send {
    fn load(&self) -> Load;

    /// Runs the verb; says whether what it did is to be kept.
    async fn run(&mut self, transaction: &Transaction<'_>) -> bool;

    /// Tells the caller, now that the transaction has ended.
    fn answer(self: Box<Self>, transaction: &Result<(), DbErr>);
}

pub(super) struct Queued<A, T> {
    arguments: A,
    verb: Verb<A, T>,
    load: Load,
    note: Option<AuditNote>,
    taken: Option<TakenNote>,
    result: Option<Result<T, WriteError>>,
    caller: oneshot::Sender<Result<T, WriteError>>,
}

impl<A, T> Queued<A, T> {
    pub(super) const fn new(
        arguments: A,
        verb: Verb<A, T>,
        load: Load,
        note: Option<AuditNote>,
        caller: oneshot::Sender<Result<T, WriteError>>,
    ) -> Self {
        Self {
            arguments,
            verb,
            load,
            note,
            taken: None,
            result: None,
            caller,
        }
    }
}

#[async_trait]
impl<A, T> QueuedWrite for Queued<A, T>
where
    A: Send + Sync,
    T: Send,
{
    fn load(&self) -> Load {
        self.load
    }

    async fn run(&mut self, transaction: &Transaction<'_>) -> bool {
        // It may be run a second time.
        self.taken = None;
        let result = match (self.verb)(&self.arguments, transaction).await {
            Ok(value) => write_note(self.note.as_ref(), transaction).await.map(|taken| {
                self.taken = taken;
                value
            }),
            Err(error) => Err(error),
        };
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, transaction: &Result<(), DbErr>) {
        if transaction.is_ok()
            && let Some(taken) = self.taken
        {
            taken.is_written();
        }
        let answer = match (self.result, transaction) {
            // The verb's own failure says more than what it may have done to the transaction.
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(_)) | None, Err(error)) => Err(WriteError::Undone(error.clone())),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(WriteError::Undone(DbErr::Custom(
                "the transaction ended before the verb was run".to_owned(),
            ))),
        };
        // A caller that gave up does not want to know.
        drop(self.caller.send(answer));
    }
}
