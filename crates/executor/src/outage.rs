use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::{Clock, RepositoryError};
use tracing::{error, info};

use crate::RetryPolicy;
use crate::lifecycle::{Phase, PhaseWatch};
use crate::reason;

const BACKOFF: RetryPolicy = RetryPolicy::fixed(Duration::from_millis(100), Duration::from_secs(5));

/// A loop's view of a database that does not answer: told once when it begins and once when it ends, however often
/// the loop tries in between.
pub(crate) struct Outage {
    clock: Arc<dyn Clock>,
    failures: u32,
    since: Duration,
}

impl Outage {
    pub(crate) fn none(clock: Arc<dyn Clock>) -> Self {
        let since = clock.monotonic();
        Self {
            clock,
            failures: 0,
            since,
        }
    }

    /// Takes note of a failure and waits before the next try, or until the phase is reached.
    pub(crate) async fn pause(
        &mut self,
        during: &'static str,
        failure: &RepositoryError,
        watch: &PhaseWatch,
        end: Phase,
    ) {
        if self.failures == 0 {
            self.since = self.clock.monotonic();
            error!(
                during,
                error = %reason::with_causes(failure),
                "the database does not serve the executor; it tries again until it does"
            );
        }
        let delay = BACKOFF.delay(self.failures);
        self.failures = self.failures.saturating_add(1);
        tokio::select! {
            () = self.clock.sleep(delay) => {}
            () = watch.reached(end) => {}
        }
    }

    /// Takes note of a success.
    pub(crate) fn is_over(&mut self, during: &'static str) {
        if self.failures > 0 {
            info!(
                during,
                failures = self.failures,
                seconds = self.clock.monotonic().saturating_sub(self.since).as_secs(),
                "the database serves the executor again"
            );
            self.failures = 0;
        }
    }
}
