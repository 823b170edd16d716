use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::Context;
use crate::lifecycle::{Phase, PhaseWatch};
use crate::outage::Outage;

/// How long a claimed job is this process's without another word of it.
pub(super) const LEASE: TimeDelta = TimeDelta::seconds(60);

/// How often the word is given, while jobs run: so that two of them may be lost.
const RENEWAL: Duration = Duration::from_secs(20);

const DURING: &str = "renewing the leases on running jobs";

/// Keeps the leases on the jobs that run. A process without running jobs has none to keep, and asks nothing.
pub(super) struct Leases {
    context: Arc<Context>,
    watch: PhaseWatch,
    outage: Outage,
}

impl Leases {
    pub(super) fn new(context: Arc<Context>, watch: PhaseWatch) -> Self {
        Self {
            outage: Outage::none("leases", context.stalls.clone(), Arc::clone(&context.clock)),
            context,
            watch,
        }
    }

    /// Renews until it is dropped, which its owner does when nothing is left that could run.
    pub(super) async fn run(mut self) {
        loop {
            self.context.open_executions.until_any().await;
            self.context.clock.sleep(RENEWAL).await;
            if self.context.open_executions.is_empty() {
                continue;
            }
            self.renew().await;
        }
    }

    async fn renew(&mut self) {
        let mut was_away = false;
        while !self.watch.has_reached(Phase::GivingUp) {
            let until = self.context.clock.now() + LEASE;
            let call = self.context.jobs.job_renew_leases(self.context.node, until);
            match call.await {
                Ok(_) => {
                    self.outage.is_over(DURING);
                    if was_away {
                        // Some may have ended meanwhile, and their jobs be another's.
                        self.context.jobs_stopping.raise();
                    }
                    return;
                }
                Err(failure) => {
                    was_away = true;
                    self.outage
                        .pause(DURING, &failure, &self.watch, Phase::GivingUp)
                        .await;
                }
            }
        }
    }
}
