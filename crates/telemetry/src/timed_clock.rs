use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{Clock, Wake};

use crate::Metrics;

/// A clock of which it is measured how late those who waited for an instant were woken: by the operating system, and by
/// whatever else kept the event loop busy. Nothing wakes for the sake of being measured.
pub struct TimedClock {
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl TimedClock {
    /// Measures this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { clock, metrics }
    }
}

#[async_trait]
impl Clock for TimedClock {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    async fn wait_until(&self, instant: DateTime<Utc>) -> Wake {
        // Who comes when it is over has not waited.
        let waits = self.clock.now() < instant;
        let wake = self.clock.wait_until(instant).await;
        if waits && wake == Wake::Reached {
            self.metrics.timer_woke(self.clock.now() - instant);
        }
        wake
    }

    // As what `async_trait` makes of it, so that it is not put into another box: each job sleeps several times.
    fn sleep<'a, 'b>(&'a self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        self.clock.sleep(duration)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use ratchet_interfaces::ManualClock;

    use super::*;

    #[tokio::test]
    async fn how_late_a_wait_ends_is_measured_and_what_was_over_before_is_not() {
        let manual = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let metrics = Arc::new(Metrics::new(Arc::clone(&manual) as Arc<dyn Clock>, "1"));
        let clock = TimedClock::new(Arc::clone(&manual) as Arc<dyn Clock>, Arc::clone(&metrics));
        let start = manual.now();
        assert_eq!(clock.wait_until(start).await, Wake::Reached);
        let wait = clock.wait_until(start + TimeDelta::seconds(1));
        let late = async { manual.advance(TimeDelta::milliseconds(1_002)) };
        let (wake, ()) = tokio::join!(wait, late);
        assert_eq!(wake, Wake::Reached);
        let exposition = metrics.read().await.unwrap();
        let lag = exposition.family("ratchet_timer_lag_seconds").unwrap();
        let value = |name: &str| {
            lag.samples
                .iter()
                .find(|sample| sample.name == name)
                .unwrap()
                .value
        };
        assert_eq!(value("ratchet_timer_lag_seconds_count"), 1.0);
        assert!((value("ratchet_timer_lag_seconds_sum") - 0.002).abs() < 1e-9);
    }
}
