use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ratchet_interfaces::{Clock, EventSink, Signal, with_causes};
use ratchet_repository_bridge::RepositoryBridge;
use tokio::sync::watch;

use crate::event::tell_of_old_jobs;
use crate::retention::{JobRetention, prune, prune_jobs};

/// How long after a tick was written the old ones are deleted: not while its herd is still on the way.
const LULL: Duration = Duration::from_secs(5 * 60);
/// How long after that nothing more is deleted.
const PERIOD: Duration = Duration::from_secs(3_600);
/// How many rows are deleted in one transaction, which other writes wait for.
const BATCH: u32 = 2_000;
/// How many jobs are. With each go its executions, its log and its deliveries.
const JOB_BATCH: u32 = 200;

/// Keeps the ledger and the jobs as long as they are to be kept. It acts only after something was written: an engine that does not fire
/// has nothing to delete.
pub(crate) struct Pruner {
    pub(crate) bridge: Arc<RepositoryBridge>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long a row is kept; `None` is for ever.
    pub(crate) kept: Option<TimeDelta>,
    /// Which jobs are.
    pub(crate) jobs: JobRetention,
    /// Raised when ledger rows are on disk.
    pub(crate) ledger_written: Signal,
    /// Hears how many jobs were deleted.
    pub(crate) events: Arc<dyn EventSink>,
}

impl Pruner {
    /// Prunes until it is stopped.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.keep_pruning() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn keep_pruning(&self) {
        loop {
            self.ledger_written.arm().await;
            self.clock.sleep(LULL).await;
            self.prune_ledger().await;
            self.prune_jobs().await;
            self.clock.sleep(PERIOD).await;
        }
    }

    async fn prune_ledger(&self) {
        let Some(kept) = self.kept else { return };
        let before = self.clock.now() - kept;
        match prune(&self.bridge, before, BATCH).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, %before, "old ledger rows were deleted"),
            Err(error) => tracing::warn!(
                error = with_causes(&error),
                "old ledger rows could not be deleted; it is tried again within the next hours"
            ),
        }
    }

    async fn prune_jobs(&self) {
        let mut jobs = 0;
        let pruned = prune_jobs(&self.bridge, self.jobs, self.clock.now(), JOB_BATCH, &mut jobs).await;
        if jobs > 0 {
            tell_of_old_jobs(&*self.events, jobs, self.clock.now());
            tracing::info!(jobs, "old jobs were deleted");
        }
        if let Err(error) = pruned {
            tracing::warn!(
                error = with_causes(&error),
                "old jobs could not be deleted; it is tried again within the next hours"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{Deleted, DeletionEvent, Event, ManualClock};

    use super::*;
    use crate::event::tests::Heard;
    use crate::history::ledger::{Ledger, at};

    fn pruner(ledger: &Ledger, heard: &Arc<Heard>) -> Pruner {
        Pruner {
            bridge: Arc::new(ledger.bridge()),
            clock: Arc::new(ManualClock::at(at("2026-01-31T00:00:00Z"))),
            kept: None,
            jobs: JobRetention {
                kept: Some(TimeDelta::days(30)),
                count: None,
            },
            ledger_written: Signal::default(),
            events: Arc::clone(heard) as Arc<dyn EventSink>,
        }
    }

    fn deletion(count: u64) -> Event {
        Event::Deletion(DeletionEvent::of(
            Deleted::OldJobs,
            count,
            at("2026-01-31T00:00:00Z"),
        ))
    }

    #[tokio::test]
    async fn old_jobs_are_told_of_once_all_of_them_together() {
        let heard = Arc::new(Heard::default());
        let mut ledger = Ledger {
            ended_jobs: 2 * u64::from(JOB_BATCH) + 1,
            ..Ledger::default()
        };
        pruner(&ledger, &heard).prune_jobs().await;
        assert_eq!(*heard.0.lock().unwrap(), [deletion(401)]);
        ledger.ended_jobs = 0;
        pruner(&ledger, &heard).prune_jobs().await;
        assert_eq!(heard.0.lock().unwrap().len(), 1, "there was nothing to delete");
    }

    #[tokio::test]
    async fn what_was_deleted_before_an_error_is_told_of_too() {
        let heard = Arc::new(Heard::default());
        let ledger = Ledger {
            ended_jobs: u64::from(JOB_BATCH) + 1,
            fails_to_prune_after: Some(1),
            ..Ledger::default()
        };
        pruner(&ledger, &heard).prune_jobs().await;
        assert_eq!(*heard.0.lock().unwrap(), [deletion(200)]);
    }
}
