use std::time::Duration;

use crate::ExecutorError;
use crate::error::within;

/// How long to wait before a failed attempt is repeated: `base · 2ⁿ`, never more than `cap`.
///
/// `n` is the number of repetitions before this one, from 0. The delay depends on nothing else: no jitter, so that a
/// job's next attempt can be told from its row. It never falls from one repetition to the next, and it never
/// overflows.
///
/// ```
/// use std::time::Duration;
/// use ratchet_executor::RetryPolicy;
/// let policy = RetryPolicy::default();
/// assert_eq!(policy.delay(0), Duration::from_secs(1));
/// assert_eq!(policy.delay(3), Duration::from_secs(8));
/// assert_eq!(policy.delay(u32::MAX), Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    base: Duration,
    cap: Duration,
}

impl RetryPolicy {
    /// The longest cap: a week.
    pub const MAX_CAP: Duration = Duration::from_secs(7 * 86_400);

    /// A policy that begins at `base` and ends at `cap`.
    ///
    /// # Errors
    /// [`ExecutorError::OutOfRange`] unless `base` is at least a millisecond, `cap` at least `base`, and at most
    /// [`RetryPolicy::MAX_CAP`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use ratchet_executor::RetryPolicy;
    /// assert!(RetryPolicy::new(Duration::from_millis(100), Duration::from_secs(5)).is_ok());
    /// assert!(RetryPolicy::new(Duration::ZERO, Duration::from_secs(5)).is_err());
    /// assert!(RetryPolicy::new(Duration::from_secs(6), Duration::from_secs(5)).is_err());
    /// ```
    pub fn new(base: Duration, cap: Duration) -> Result<Self, ExecutorError> {
        let max = whole_millis(Self::MAX_CAP);
        let base_millis = within("retry.base_ms", whole_millis(base), 1, max)?;
        within("retry.cap_ms", whole_millis(cap), base_millis, max)?;
        Ok(Self { base, cap })
    }

    /// A policy of this crate's own, whose values are seen to be in order.
    pub(crate) const fn fixed(base: Duration, cap: Duration) -> Self {
        Self { base, cap }
    }

    /// The longest delay.
    pub(crate) fn longest(self) -> Duration {
        self.cap
    }

    /// The delay before the repetition that follows `repetitions` others.
    #[must_use]
    pub fn delay(self, repetitions: u32) -> Duration {
        1_u32
            .checked_shl(repetitions)
            .and_then(|factor| self.base.checked_mul(factor))
            .map_or(self.cap, |delay| delay.min(self.cap))
    }
}

impl Default for RetryPolicy {
    /// One second, doubling up to five minutes.
    fn default() -> Self {
        Self::fixed(Duration::from_secs(1), Duration::from_secs(300))
    }
}

fn whole_millis(duration: Duration) -> u64 {
    // A duration whose milliseconds do not fit is out of every range, and so is the largest number.
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_doubles_from_a_second_to_five_minutes() {
        let seconds: Vec<u64> = (0..11)
            .map(|n| RetryPolicy::default().delay(n).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn a_policy_out_of_range_names_the_field_and_the_range() {
        let error = RetryPolicy::new(Duration::from_secs(2), Duration::from_secs(1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "executor.retry.cap_ms is 1000: 2000 to 604800000 is allowed"
        );
    }

    proptest! {
        #[test]
        fn a_delay_is_within_base_and_cap_and_never_falls(
            base in 1_u64..=604_800_000,
            more in 0_u64..=604_800_000,
            repetitions: u32,
        ) {
            let cap = (base + more).min(604_800_000);
            let policy = RetryPolicy::new(Duration::from_millis(base), Duration::from_millis(cap)).unwrap();
            let delay = policy.delay(repetitions);
            prop_assert!(delay >= Duration::from_millis(base));
            prop_assert!(delay <= Duration::from_millis(cap));
            prop_assert!(policy.delay(repetitions.saturating_add(1)) >= delay);
        }

        #[test]
        fn a_delay_doubles_until_it_reaches_the_cap(repetitions in 0_u32..64) {
            let policy = RetryPolicy::default();
            let (delay, next) = (policy.delay(repetitions), policy.delay(repetitions + 1));
            prop_assert!(next == delay * 2 || next == Duration::from_secs(300));
        }
    }
}
