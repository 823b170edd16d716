use std::sync::Arc;

use ratchet_interfaces::{ExecutionId, ExecutionLogLine, Progress, with_causes};
use tokio::sync::mpsc;
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
    watch: PhaseWatch,
    outage: Outage,
}

impl Teller {
    pub(super) fn new(
        context: Arc<Context>,
        said: mpsc::UnboundedReceiver<Arc<RunMonitor>>,
        watch: PhaseWatch,
    ) -> Self {
        Self {
            outage: Outage::none("log of tasks", context.stalls.clone(), Arc::clone(&context.clock)),
            context,
            said,
            watch,
        }
    }

    /// Writes until nobody is left who could say something.
    pub(super) async fn run(mut self) {
        let mut monitors = Vec::new();
        while self.said.recv_many(&mut monitors, MAX_TOLD).await > 0 {
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
