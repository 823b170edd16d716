use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Timelike, Utc};

/// The only source of time for scheduling, execution and storage.
///
/// The production clock is `ratchet_scheduler::SystemClock`; [`crate::ManualClock`] drives the same code through a
/// simulated year in a test.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock, with microsecond resolution. It may be stepped back and forth.
    fn now(&self) -> DateTime<Utc>;

    /// Time since some fixed moment; never goes back. For measuring durations.
    fn monotonic(&self) -> Duration;

    /// Waits until the wall clock shows `instant` or later, or was stepped meanwhile.
    ///
    /// Dropping the future cancels the wait.
    async fn wait_until(&self, instant: DateTime<Utc>) -> Wake;

    /// Waits for a length of time, whatever happens to the wall clock. For timeouts and backoff.
    async fn sleep(&self, duration: Duration);
}

/// Why [`Clock::wait_until`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The wall clock shows the instant or later.
    Reached,
    /// Somebody set the wall clock: look at [`Clock::now`] again. The instant may or may not be reached.
    ClockStepped,
}

/// Cuts an instant down to what both databases store.
///
/// ```
/// use chrono::{TimeZone, Timelike, Utc};
/// let instant = Utc.with_ymd_and_hms(2026, 3, 8, 1, 0, 0).unwrap().with_nanosecond(1_234).unwrap();
/// assert_eq!(ratchet_interfaces::truncate_to_micros(instant).nanosecond(), 1_000);
/// ```
#[must_use]
pub fn truncate_to_micros(instant: DateTime<Utc>) -> DateTime<Utc> {
    let nanos = instant.nanosecond();
    instant.with_nanosecond(nanos - nanos % 1_000).unwrap_or(instant)
}
