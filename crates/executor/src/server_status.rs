use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ratchet_interfaces::{Clock, RuntimeStatus};

/// What this process can say of itself: made first, shared by the pipeline, which counts its running jobs here, and
/// by whoever reads it. So a task runtime can tell of the pipeline without knowing it.
///
/// ```
/// use std::sync::Arc;
/// use chrono::DateTime;
/// use ratchet_executor::ServerStatus;
/// use ratchet_interfaces::{ManualClock, RuntimeStatus};
/// let status = ServerStatus::new("1.2.3", Arc::new(ManualClock::at(DateTime::UNIX_EPOCH)));
/// assert_eq!((status.version().as_str(), status.active_jobs()), ("1.2.3", 0));
/// ```
pub struct ServerStatus {
    version: String,
    clock: Arc<dyn Clock>,
    started: Duration,
    active_jobs: AtomicUsize,
}

impl ServerStatus {
    /// The status of a server of this version that starts now.
    #[must_use]
    pub fn new(version: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            version: version.into(),
            started: clock.monotonic(),
            clock,
            active_jobs: AtomicUsize::new(0),
        }
    }

    /// Counts a job as running until the returned value is dropped.
    pub(crate) fn job_begins(self: &Arc<Self>) -> ActiveJob {
        self.active_jobs.fetch_add(1, Ordering::Relaxed);
        ActiveJob(Arc::clone(self))
    }
}

impl RuntimeStatus for ServerStatus {
    fn version(&self) -> String {
        self.version.clone()
    }

    fn uptime(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.started)
    }

    fn active_jobs(&self) -> usize {
        self.active_jobs.load(Ordering::Relaxed)
    }
}

/// A running job.
pub(crate) struct ActiveJob(Arc<ServerStatus>);

impl Drop for ActiveJob {
    fn drop(&mut self) {
        self.0.active_jobs.fetch_sub(1, Ordering::Relaxed);
    }
}
