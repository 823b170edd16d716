use std::time::Duration;

use ratchet_interfaces::RetryPolicy;

use crate::ExecutorError;
use crate::error::within;

/// What the executor is allowed to do. It exists only with values in range.
///
/// ```
/// use ratchet_executor::ExecutorConfig;
/// assert!(ExecutorConfig::new(100, 3_600).is_ok());
/// let error = ExecutorConfig::new(0, 3_600).unwrap_err();
/// assert_eq!(error.to_string(), "executor.max_concurrent_jobs is 0: 1 to 10000 is allowed");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutorConfig {
    pub(crate) max_concurrent_jobs: usize,
    pub(crate) default_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) recovers_orphans: bool,
}

impl ExecutorConfig {
    /// The most jobs that may be allowed to run at once.
    pub const MAX_CONCURRENT_JOBS: u64 = 10_000;
    /// The longest default timeout: a week, in seconds.
    pub const MAX_TIMEOUT_SECONDS: u64 = 7 * 86_400;

    /// `max_concurrent_jobs` run at once at the most; a job without a timeout of its own may run
    /// `default_timeout_seconds`.
    ///
    /// # Errors
    /// [`ExecutorError::OutOfRange`] unless `max_concurrent_jobs` is within 1 to 10,000 and
    /// `default_timeout_seconds` within 1 to 604,800.
    pub fn new(max_concurrent_jobs: u64, default_timeout_seconds: u64) -> Result<Self, ExecutorError> {
        let jobs = within(
            "max_concurrent_jobs",
            max_concurrent_jobs,
            1,
            Self::MAX_CONCURRENT_JOBS,
        )?;
        let seconds = within(
            "default_timeout_seconds",
            default_timeout_seconds,
            1,
            Self::MAX_TIMEOUT_SECONDS,
        )?;
        Ok(Self {
            max_concurrent_jobs: usize::try_from(jobs).expect("ten thousand fits in a usize"),
            default_timeout: Duration::from_secs(seconds),
            retry: RetryPolicy::default(),
            recovers_orphans: true,
        })
    }

    /// Sets how long a failed job waits for its next attempt, where its task does not say so.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Says that other processes work on the same database, so that a job that another process runs is no orphan:
    /// [`crate::JobPipeline::start`] then recovers none.
    #[must_use]
    pub const fn beside_other_processes(mut self) -> Self {
        self.recovers_orphans = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_every_range_are_allowed_and_what_is_beyond_is_named() {
        assert!(ExecutorConfig::new(1, 1).is_ok());
        assert!(ExecutorConfig::new(10_000, 604_800).is_ok());
        let told = |jobs, seconds| ExecutorConfig::new(jobs, seconds).unwrap_err().to_string();
        assert_eq!(
            told(10_001, 1),
            "executor.max_concurrent_jobs is 10001: 1 to 10000 is allowed"
        );
        assert_eq!(
            told(1, 0),
            "executor.default_timeout_seconds is 0: 1 to 604800 is allowed"
        );
        assert_eq!(
            told(1, 604_801),
            "executor.default_timeout_seconds is 604801: 1 to 604800 is allowed"
        );
    }
}
