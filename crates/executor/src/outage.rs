use std::sync::Arc;
use std::time::Duration;

use chrono::SecondsFormat;
use ratchet_interfaces::{Backoff, Clock, RepositoryError, with_causes};
use tracing::{error, info};

use crate::lifecycle::{Phase, PhaseWatch};
use crate::stalls::Stalls;

const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(100), Duration::from_secs(5));

/// A loop's view of a database that does not do what it is asked: told once when it begins and once when it ends,
/// however often the loop tries in between, and to be seen in the part's stalls meanwhile.
pub(crate) struct Outage {
    clock: Arc<dyn Clock>,
    stalls: Stalls,
    /// The loop, as its stall is found again.
    of: &'static str,
    failures: u32,
    since: Duration,
    /// When it began, as it is told.
    began: String,
    is_refusal: bool,
}

impl Outage {
    pub(crate) fn none(of: &'static str, stalls: Stalls, clock: Arc<dyn Clock>) -> Self {
        let since = clock.monotonic();
        Self {
            clock,
            stalls,
            of,
            failures: 0,
            since,
            began: String::new(),
            is_refusal: false,
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
        let is_new = self.failures == 0;
        if is_new {
            self.since = self.clock.monotonic();
            self.began = self.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true);
        }
        let told = with_causes(failure);
        let is_refusal = !failure.is_transient();
        if is_new || is_refusal != self.is_refusal {
            if is_refusal {
                error!(
                    during,
                    error = told,
                    "the database refuses what the executor asks of it; it goes on asking, and somebody must mend it"
                );
            } else {
                error!(
                    during,
                    error = told,
                    "the database does not serve the executor; it tries again until it does"
                );
            }
        }
        self.is_refusal = is_refusal;
        self.stalls.begin(
            self.of,
            format!("{during} has failed since {}: {told}", self.began),
        );
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
            self.stalls.end(self.of);
        }
    }
}
