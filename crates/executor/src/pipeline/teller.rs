use std::sync::Arc;

use ratchet_interfaces::{ExecutionId, ExecutionLogLine, Progress, with_causes};
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::Context;
use super::run_monitor::RunMonitor;
use crate::lifecycle::{Phase, PhaseWatch};
use crate::outage::Outage;

/// The most executions of one transaction.
const MAX_TOLD: usize = 1_000;

const DURING: &str = "noting what tasks say";

/// Writes what running tasks say of themselves, as they say it: whatever accumulates during one transaction goes into
/// the next. What a task says at its end goes with its outcome.
pub(super) struct Teller {
    context: Arc<Context>,
    said: mpsc::UnboundedReceiver<Arc<RunMonitor>>,
    /// Done when every attempt is: what is not written then went with their outcomes.
    settled: oneshot::Receiver<()>,
    watch: PhaseWatch,
    outage: Outage,
}

impl Teller {
    pub(super) fn new(
        context: Arc<Context>,
        said: mpsc::UnboundedReceiver<Arc<RunMonitor>>,
        settled: oneshot::Receiver<()>,
        watch: PhaseWatch,
    ) -> Self {
        Self {
            outage: Outage::none("log of tasks", context.stalls.clone(), Arc::clone(&context.clock)),
            context,
            said,
            settled,
            watch,
        }
    }

    /// Writes until all attempts are settled. A task that does not yield and was left behind may go on saying something:
    /// nobody waits for it.
    pub(super) async fn run(mut self) {
        let mut monitors = Vec::new();
        while self.next(&mut monitors).await > 0 {
            let mut lines = Vec::new();
            let mut progress = Vec::new();
            for monitor in monitors.drain(..) {
                let said = monitor.take_said();
                lines.extend(said.lines);
                progress.extend(said.progress.map(|progress| (monitor.execution_id(), progress)));
            }
            self.tell(&lines, &progress).await;
        }
    }

    async fn next(&mut self, monitors: &mut Vec<Arc<RunMonitor>>) -> usize {
        if !self.said.is_closed() {
            tokio::select! {
                biased;
                count = self.said.recv_many(monitors, MAX_TOLD) => return count,
                // Its sender is dropped when it has nothing more to wait for.
                _ = &mut self.settled => self.said.close(),
            }
        }
        self.said.recv_many(monitors, MAX_TOLD).await
    }

    async fn tell(&mut self, lines: &[ExecutionLogLine], progress: &[(ExecutionId, Progress)]) {
        while !self.watch.has_reached(Phase::GivingUp) {
            match self.context.executions.execution_tell(lines, progress).await {
                Ok(()) => {
                    self.outage.is_over(DURING);
                    return;
                }
                Err(failure) if failure.is_transient() => {
                    self.outage
                        .pause(DURING, &failure, &self.watch, Phase::GivingUp)
                        .await;
                }
                Err(failure) => {
                    warn!(
                        lines = lines.len(),
                        error = with_causes(&failure),
                        "what tasks said cannot be stored"
                    );
                    return;
                }
            }
        }
    }
}
