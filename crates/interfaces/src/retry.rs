use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Backoff, TaskError, TaskErrorKind};

/// What happens after a failed run of a task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// How often a failed job is tried again. A job or schedule that names a number itself goes by its own.
    #[serde(default)]
    pub max_retries: u32,
    /// How long a failed job waits for its next try.
    #[serde(default)]
    pub backoff: Backoff,
    /// After failures of these kinds there is another try, whatever the failure says of itself. Empty leaves it to the
    /// failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry_on: Vec<TaskErrorKind>,
    /// After failures of these kinds there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never_on: Vec<TaskErrorKind>,
}

impl RetryPolicy {
    /// How long a job waits for its next try after this failure; `None` when there is none. `retries` were made
    /// before, of `most`; `random` is within 0 and 1. A time that the failure itself names is respected, up to a week:
    /// the wait is no shorter.
    #[must_use]
    pub fn next_try(&self, failure: &TaskError, retries: u32, most: u32, random: f64) -> Option<Duration> {
        let may_succeed = if self.never_on.contains(&failure.kind) {
            false
        } else {
            failure.retryable || self.retry_on.contains(&failure.kind)
        };
        (may_succeed && retries < most).then(|| {
            let asked = failure.retry_after.unwrap_or_default().min(Backoff::LONGEST);
            self.backoff.jittered(retries, random).max(asked)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(json: serde_json::Value) -> RetryPolicy {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_failure_is_retried_as_long_as_there_are_tries_and_it_may_succeed() {
        let policy = policy(json!({"max_retries": 2, "backoff": {"type": "fixed", "delay_seconds": 3}}));
        let (wait, failure) = (Duration::from_secs(3), TaskError::failed("oh"));
        assert_eq!(policy.next_try(&failure, 0, 2, 0.5), Some(wait));
        assert_eq!(policy.next_try(&failure, 1, 2, 0.5), Some(wait));
        assert_eq!(policy.next_try(&failure, 2, 2, 0.5), None);
        assert_eq!(policy.next_try(&TaskError::permanent("oh"), 0, 2, 0.5), None);
    }

    #[test]
    fn the_policy_s_kinds_overrule_what_a_failure_says_of_itself() {
        let policy = policy(json!({
            "backoff": {"type": "exponential"}, "retry_on": ["memory"], "never_on": ["timeout"]
        }));
        let of = |kind, retryable| TaskError {
            retryable,
            ..TaskError::of(kind, "oh")
        };
        let tried = |failure| policy.next_try(&failure, 0, 1, 1.0).is_some();
        assert!(tried(of(TaskErrorKind::Memory, false)));
        assert!(!tried(of(TaskErrorKind::Timeout, true)));
        assert!(tried(of(TaskErrorKind::Network, true)));
        assert!(!tried(of(TaskErrorKind::Network, false)));
    }

    #[test]
    fn a_wait_is_no_shorter_than_the_failure_asks_for() {
        let policy = RetryPolicy::default();
        let asks = |seconds| TaskError {
            retry_after: Some(Duration::from_secs(seconds)),
            ..TaskError::failed("429")
        };
        let wait = |seconds| policy.next_try(&asks(seconds), 0, 1, 1.0);
        assert_eq!(wait(60), Some(Duration::from_secs(60)));
        assert_eq!(wait(0), Some(Duration::from_secs(1)));
        assert_eq!(wait(u64::MAX), Some(Backoff::LONGEST));
    }
}
