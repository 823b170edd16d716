use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ratchet_interfaces::{Clock, Signal, with_causes};
use ratchet_repository_bridge::RepositoryBridge;
use tokio::sync::watch;

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
        match prune_jobs(&self.bridge, self.jobs, self.clock.now(), JOB_BATCH).await {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(jobs, "old jobs were deleted"),
            Err(error) => tracing::warn!(
                error = with_causes(&error),
                "old jobs could not be deleted; it is tried again within the next hours"
            ),
        }
    }
}
