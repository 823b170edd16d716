use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ratchet_interfaces::{Clock, Signal, with_causes};
use ratchet_repository_bridge::RepositoryBridge;
use tokio::sync::watch;

use crate::retention::prune;

/// How long after a tick was written the old ones are deleted: not while its herd is still on the way.
const LULL: Duration = Duration::from_secs(5 * 60);
/// How long after that nothing more is deleted.
const PERIOD: Duration = Duration::from_secs(3_600);
/// How many rows are deleted in one transaction, which other writes wait for.
const BATCH: u32 = 2_000;

/// Keeps the ledger as long as it is to be kept. It acts only after something was written: an engine that does not fire
/// has nothing to delete.
pub(crate) struct Pruner {
    pub(crate) bridge: Arc<RepositoryBridge>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long a row is kept.
    pub(crate) kept: TimeDelta,
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
            let before = self.clock.now() - self.kept;
            match prune(&self.bridge, before, BATCH).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, %before, "old ledger rows were deleted"),
                Err(error) => tracing::warn!(
                    error = with_causes(&error),
                    "old ledger rows could not be deleted; it is tried again within the next hours"
                ),
            }
            self.clock.sleep(PERIOD).await;
        }
    }
}
