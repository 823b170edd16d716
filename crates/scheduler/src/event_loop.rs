use std::sync::Arc;

use ratchet_interfaces::{Clock, Wake};
use ratchet_metadata_store::MetadataStore;
use tokio::sync::watch;

use crate::job_runtime::JobRuntime;

/// How many due schedules are taken from the index at once, so that an edit is not kept waiting by a herd.
const TAKEN_AT_ONCE: usize = 1_024;

/// Sleeps until the earliest tick, activates what is due, and again, until it is stopped.
pub(crate) async fn run(
    store: MetadataStore,
    clock: Arc<dyn Clock>,
    runtime: Arc<JobRuntime>,
    mut stop: watch::Receiver<bool>,
) {
    let head_changed = store.head_changed();
    while !*stop.borrow() {
        // Arm, then look, then wait: a change after the look ends the wait.
        let changed = head_changed.arm();
        let Some(earliest) = store.earliest() else {
            tokio::select! {
                () = changed => {}
                _ = stop.changed() => {}
            }
            continue;
        };
        let now = clock.now();
        if earliest <= now {
            for id in store.take_due(now, TAKEN_AT_ONCE) {
                if let Err(error) = runtime.activate(id).await {
                    tracing::error!(%error, schedule.id = %id, "a due schedule could not be activated");
                }
            }
            continue;
        }
        tokio::select! {
            wake = clock.wait_until(earliest) => {
                if wake == Wake::ClockStepped {
                    tracing::info!(now = %clock.now(), next_tick = %earliest, "the wall clock was set");
                }
            }
            () = changed => {}
            _ = stop.changed() => {}
        }
    }
}
