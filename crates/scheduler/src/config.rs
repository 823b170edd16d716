use ratchet_interfaces::SchedulerError;
use serde::{Deserialize, Serialize};

/// How the scheduler behaves.
///
/// ```
/// use ratchet_scheduler::SchedulerConfig;
/// let config = SchedulerConfig { max_concurrent_jobs: 8, ..SchedulerConfig::default() };
/// assert!(config.validated().is_ok());
/// let config = SchedulerConfig { max_concurrent_jobs: 0, ..SchedulerConfig::default() };
/// assert!(config.validated().unwrap_err().to_string().starts_with("scheduler.max_concurrent_jobs is 0"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchedulerConfig {
    /// Whether ticks fire. When not, schedules can still be changed, and nothing is due.
    pub enabled: bool,
    /// How many jobs run at once, 1 to 10,000.
    pub max_concurrent_jobs: usize,
    /// How long a job may run that has no timeout of its own, 1 second to 7 days.
    pub job_timeout_seconds: u64,
    /// Whether tokio-cron-scheduler's notifications (an activation was started, is done) are logged.
    pub enable_notifications: bool,
    /// For how many days the ledger keeps what became of a tick, up to 36,500; 0 keeps it for ever.
    pub ledger_retention_days: u32,
    /// For how many days a job is kept that has ended, up to 36,500; 0 keeps it for ever.
    pub job_retention_days: u32,
    /// How many jobs that have ended are kept, those that ended last; 0 is no limit.
    pub job_retention_count: u64,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            max_concurrent_jobs: 100,
            job_timeout_seconds: 3_600,
            enable_notifications: false,
            ledger_retention_days: 90,
            job_retention_days: 30,
            job_retention_count: 0,
        }
    }
}

impl SchedulerConfig {
    /// The most jobs at once.
    pub const MAX_CONCURRENT_JOBS: usize = 10_000;
    /// The longest timeout of a job that has none of its own, in seconds.
    pub const MAX_TIMEOUT_SECONDS: u64 = 7 * 24 * 3_600;
    /// The longest time that something is kept, other than for ever, in days.
    pub const MAX_RETENTION_DAYS: u32 = 36_500;

    /// The configuration, if every value is within its range.
    ///
    /// # Errors
    /// [`SchedulerError::InvalidConfig`] names the field, its value and the range.
    pub fn validated(self) -> Result<Self, SchedulerError> {
        if !(1..=Self::MAX_CONCURRENT_JOBS).contains(&self.max_concurrent_jobs) {
            return Err(SchedulerError::InvalidConfig {
                field: "max_concurrent_jobs",
                value: self.max_concurrent_jobs.to_string(),
                rule: "1 to 10000 jobs can run at once",
            });
        }
        if !(1..=Self::MAX_TIMEOUT_SECONDS).contains(&self.job_timeout_seconds) {
            return Err(SchedulerError::InvalidConfig {
                field: "job_timeout_seconds",
                value: self.job_timeout_seconds.to_string(),
                rule: "a timeout is 1 to 604800 seconds (7 days)",
            });
        }
        for (field, days) in [
            ("ledger_retention_days", self.ledger_retention_days),
            ("job_retention_days", self.job_retention_days),
        ] {
            if days > Self::MAX_RETENTION_DAYS {
                return Err(SchedulerError::InvalidConfig {
                    field,
                    value: days.to_string(),
                    rule: "0 (for ever) to 36500 days are allowed",
                });
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let config = SchedulerConfig::default().validated().unwrap();
        assert!(config.enabled && !config.enable_notifications);
        assert_eq!(
            (config.max_concurrent_jobs, config.job_timeout_seconds),
            (100, 3_600)
        );
    }

    #[test]
    fn a_retention_of_more_than_a_century_is_refused_by_its_name() {
        let config = SchedulerConfig {
            job_retention_days: 36_501,
            ..SchedulerConfig::default()
        };
        let message = config.validated().unwrap_err().to_string();
        let expected = "scheduler.job_retention_days is 36501: 0 (for ever) to 36500 days are allowed";
        assert_eq!(message, expected);
    }

    #[test]
    fn a_value_out_of_range_is_named_with_its_range() {
        let config = SchedulerConfig {
            job_timeout_seconds: 0,
            ..SchedulerConfig::default()
        };
        let message = config.validated().unwrap_err().to_string();
        assert_eq!(
            message,
            "scheduler.job_timeout_seconds is 0: a timeout is 1 to 604800 seconds (7 days)"
        );
    }
}
