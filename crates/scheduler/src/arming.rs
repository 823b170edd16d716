use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ratchet_interfaces::{Clock, ScheduleId, with_causes};
use ratchet_metadata_store::MetadataStore;
use tokio::task::JoinSet;

const PAUSE: Duration = Duration::from_secs(1);
/// How long an edit waits for the engine to decide on a tick.
const PATIENCE: Duration = Duration::from_millis(250);

/// Keeps the tick index in line with rows that were written: it re-reads a row until that succeeds.
pub(crate) struct Arming {
    store: MetadataStore,
    clock: Arc<dyn Clock>,
    /// The rows that could not be read yet. They end with the scheduler.
    retries: Mutex<JoinSet<()>>,
}

impl Arming {
    pub(crate) fn new(store: MetadataStore, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            retries: Mutex::default(),
        }
    }

    /// Waits for a tick of the schedule that is on its way, if there is one, but not for long: the database may be away. Says
    /// whether it was decided on.
    pub(crate) async fn until_settled(&self, id: ScheduleId) -> bool {
        tokio::select! {
            biased;
            waited = self.store.until_settled(id) => waited,
            () = self.clock.sleep(PATIENCE) => false,
        }
    }

    /// Has the schedule fire as its row says. When the row cannot be read now, it is read later: it was written, and
    /// an engine that does not know of it would not fire it before the next start.
    pub(crate) async fn rearm(&self, id: ScheduleId) {
        let Err(error) = self.store.reconcile(id).await else {
            return;
        };
        tracing::warn!(
            schedule.id = %id,
            error = with_causes(&error),
            "a changed schedule cannot be read again; the engine tries until it can"
        );
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let mut retries = self.retries.lock().unwrap_or_else(PoisonError::into_inner);
        while retries.try_join_next().is_some() {}
        retries.spawn(keep_trying(store, clock, id));
    }
}

async fn keep_trying(store: MetadataStore, clock: Arc<dyn Clock>, id: ScheduleId) {
    loop {
        clock.sleep(PAUSE).await;
        match store.reconcile(id).await {
            Ok(()) => return tracing::info!(schedule.id = %id, "the changed schedule was read again"),
            Err(error) if error.is_transient() => {}
            Err(error) => {
                return tracing::error!(
                    schedule.id = %id,
                    error = with_causes(&error),
                    "a changed schedule cannot be read: mend its row"
                );
            }
        }
    }
}
