use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Clock, RunningJob, RuntimeStatus};

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
    started_at: DateTime<Utc>,
    active: Mutex<Active>,
}

/// The jobs that run, in the order in which they were begun.
#[derive(Default)]
struct Active {
    begun: u64,
    jobs: BTreeMap<u64, RunningJob>,
}

impl ServerStatus {
    /// The status of a server of this version that starts now.
    #[must_use]
    pub fn new(version: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            version: version.into(),
            started: clock.monotonic(),
            started_at: clock.now(),
            clock,
            active: Mutex::default(),
        }
    }

    /// Counts a job as running until the returned value is dropped.
    pub(crate) fn job_begins(self: &Arc<Self>, job: RunningJob) -> ActiveJob {
        let mut active = self.active();
        active.begun += 1;
        let number = active.begun;
        active.jobs.insert(number, job);
        drop(active);
        ActiveJob {
            status: Arc::clone(self),
            number,
        }
    }

    /// When the server was started.
    pub(crate) const fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// How many jobs were begun, and those that run, the one that was begun first first.
    pub(crate) fn jobs(&self) -> (u64, Vec<RunningJob>) {
        let active = self.active();
        (active.begun, active.jobs.values().cloned().collect())
    }

    fn active(&self) -> MutexGuard<'_, Active> {
        // What is there is whole after every statement that changes it.
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.active().jobs.len()
    }
}

/// A running job.
pub(crate) struct ActiveJob {
    status: Arc<ServerStatus>,
    number: u64,
}

impl Drop for ActiveJob {
    fn drop(&mut self) {
        self.status.active().jobs.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{ExecutionId, JobId, ManualClock, TaskId};

    use super::*;

    #[test]
    fn what_runs_is_known_until_it_ends_and_what_was_begun_is_counted() {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let status = Arc::new(ServerStatus::new("1", clock));
        let job = || RunningJob {
            job_id: JobId::new(),
            execution_id: ExecutionId::new(),
            task_id: TaskId::new(),
            since: DateTime::UNIX_EPOCH,
        };
        let (one, two) = (job(), job());
        let first = status.job_begins(one.clone());
        let second = status.job_begins(two.clone());
        assert_eq!(status.jobs(), (2, vec![one, two.clone()]));
        drop(first);
        assert_eq!(status.jobs(), (2, vec![two]));
        drop(second);
        assert_eq!((status.jobs(), status.active_jobs()), ((2, Vec::new()), 0));
    }
}
