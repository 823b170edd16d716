use std::fmt::Display;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::AuditEntry;
use crate::AuditEntryId;

tokio::task_local! {
    static CURRENT: AuditNote;
}

/// An entry of the audit log on its way to the change that it tells of, so that both are written in one transaction.
///
/// It goes along with the work of a request through all layers that need not know of it: who answers requests makes it, and
/// the storage writes it with the first change that it makes meanwhile. The entry tells of the answer that there is if all
/// goes well; who made it corrects it where the answer is another one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # use ratchet_interfaces::{AuditEntry, AuditEntryId, AuditNote};
/// # let entry = AuditEntry {
/// #     id: AuditEntryId::new(), at: chrono::DateTime::UNIX_EPOCH, actor: "local".to_owned(), token_id: None,
/// #     peer: None, action: "jobs_create".to_owned(), resource: "jobs".to_owned(), resource_id: None,
/// #     fields: Vec::new(), status: 201,
/// # };
/// let note = AuditNote::new(entry);
/// note.during(async {
///     AuditNote::is_about("the new job");
///     let taken = AuditNote::current().and_then(|note| note.take());
///     assert_eq!(taken.unwrap().entry().resource_id.as_deref(), Some("the new job"));
/// })
/// .await;
/// assert!(note.written().is_none(), "it was taken, but never written");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuditNote {
    id: AuditEntryId,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug)]
enum State {
    Open(AuditEntry),
    /// A transaction has it.
    Taken,
    Written(AuditEntry),
}

impl AuditNote {
    /// A note that nobody has written.
    #[must_use]
    pub fn new(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            state: Arc::new(Mutex::new(State::Open(entry))),
        }
    }

    /// The id of its entry.
    #[must_use]
    pub const fn id(&self) -> AuditEntryId {
        self.id
    }

    /// Does work along which it goes.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), work).await
    }

    /// The note that goes along with the present work.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Work that is to be done in a task of its own, along with the present note.
    pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
        let note = Self::current();
        async move {
            match note {
                Some(note) => note.during(work).await,
                None => work.await,
            }
        }
    }

    /// Says of the present work what it is about, if that was not known before.
    pub fn is_about(id: impl Display) {
        if let Some(note) = Self::current()
            && let State::Open(entry) = &mut *note.state()
        {
            entry.resource_id.get_or_insert_with(|| id.to_string());
        }
    }

    /// Takes the entry, to write it; `None` where somebody has.
    #[must_use]
    pub fn take(&self) -> Option<TakenNote> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Open(entry) => Some(TakenNote {
                note: self.clone(),
                entry,
            }),
            other => {
                *state = other;
                None
            }
        }
    }

    /// The entry, if it was written.
    #[must_use]
    pub fn written(&self) -> Option<AuditEntry> {
        match &*self.state() {
            State::Written(entry) => Some(entry.clone()),
            State::Open(_) | State::Taken => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry that is being written. Dropped, it was not, and another change may take it.
#[derive(Debug)]
pub struct TakenNote {
    note: AuditNote,
    entry: AuditEntry,
}

impl TakenNote {
    /// What is to be written.
    #[must_use]
    pub const fn entry(&self) -> &AuditEntry {
        &self.entry
    }

    /// It is on disk.
    pub fn is_written(self) {
        let entry = self.entry.clone();
        *self.note.state() = State::Written(entry);
    }
}

impl Drop for TakenNote {
    fn drop(&mut self) {
        let mut state = self.note.state();
        if matches!(*state, State::Taken) {
            *state = State::Open(self.entry.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn note() -> AuditNote {
        AuditNote::new(AuditEntry {
            id: AuditEntryId::new(),
            at: DateTime::UNIX_EPOCH,
            actor: AuditEntry::LOCAL.to_owned(),
            token_id: None,
            peer: None,
            action: "jobs_create".to_owned(),
            resource: "jobs".to_owned(),
            resource_id: None,
            fields: Vec::new(),
            status: 201,
        })
    }

    #[tokio::test]
    async fn one_transaction_has_it_at_a_time_and_one_writes_it() {
        let note = note();
        let first = note.take().unwrap();
        assert!(note.take().is_none());
        drop(first);
        let second = note.take().unwrap();
        assert!(note.written().is_none());
        let entry = second.entry().clone();
        second.is_written();
        assert_eq!(note.written(), Some(entry));
        assert!(note.take().is_none());
    }

    #[tokio::test]
    async fn it_goes_along_into_other_tasks_and_not_beyond_the_work() {
        let note = note();
        let about = async { AuditNote::is_about("a job") };
        let alone = note.during(async { tokio::spawn(async { AuditNote::current().is_some() }).await });
        assert!(!alone.await.unwrap());
        let carried = note.during(async { tokio::spawn(AuditNote::carried(about)).await });
        carried.await.unwrap();
        assert!(AuditNote::current().is_none());
        let taken = note.take().unwrap();
        assert_eq!(taken.entry().resource_id.as_deref(), Some("a job"));
    }

    #[tokio::test]
    async fn what_it_is_about_is_said_once() {
        let mut entry = note().take().unwrap().entry().clone();
        entry.resource_id = Some("of the path".to_owned());
        let note = AuditNote::new(entry);
        note.during(async { AuditNote::is_about("something else") }).await;
        let taken = note.take().unwrap();
        assert_eq!(taken.entry().resource_id.as_deref(), Some("of the path"));
    }
}
