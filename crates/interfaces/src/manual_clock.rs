use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::{Clock, Wake};

/// A clock that stands still until it is told to move.
///
/// ```
/// use chrono::{TimeDelta, TimeZone, Utc};
/// use ratchet_interfaces::{Clock, ManualClock};
/// let clock = ManualClock::at(Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap());
/// clock.advance(TimeDelta::hours(1));
/// assert_eq!(clock.now().to_rfc3339(), "2026-01-01T01:00:00+00:00");
/// ```
pub struct ManualClock {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

struct State {
    now: DateTime<Utc>,
    monotonic: Duration,
    /// Counts [`ManualClock::step_to`], so that a waiter can tell a step from the passing of time.
    steps: u64,
    next_waiter: u64,
    waiters: Vec<(u64, DateTime<Utc>)>,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        let state = State {
            now,
            monotonic: Duration::ZERO,
            steps: 0,
            next_waiter: 0,
            waiters: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
        }
    }

    /// Lets time pass.
    ///
    /// # Panics
    /// When the duration is negative: time passes forward only; see [`ManualClock::step_to`].
    pub fn advance(&self, duration: chrono::TimeDelta) {
        let elapsed = duration.to_std().expect("time passes forward only");
        {
            let mut state = self.state();
            state.now += duration;
            state.monotonic += elapsed;
        }
        self.announce();
    }

    /// Lets time pass until `instant`; does nothing if it is past.
    pub fn advance_to(&self, instant: DateTime<Utc>) {
        let left = instant - self.now();
        if left > chrono::TimeDelta::zero() {
            self.advance(left);
        }
    }

    /// Sets the wall clock, back or forth, as an administrator would: no time passes, and who waits is told.
    pub fn step_to(&self, instant: DateTime<Utc>) {
        {
            let mut state = self.state();
            state.now = instant;
            state.steps += 1;
        }
        self.announce();
    }

    /// The earliest instant that somebody waits for.
    #[must_use]
    pub fn earliest_waiter(&self) -> Option<DateTime<Utc>> {
        self.state().waiters.iter().map(|(_, at)| *at).min()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is valid after every statement that changes it, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self) {
        self.changed.send_modify(|generation| *generation += 1);
    }
}

/// Takes a waiter off the list however its wait ends.
struct Waiting<'a> {
    clock: &'a ManualClock,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.clock.state().waiters.retain(|(id, _)| *id != self.id);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.state().now
    }

    fn monotonic(&self) -> Duration {
        self.state().monotonic
    }

    async fn wait_until(&self, instant: DateTime<Utc>) -> Wake {
        let mut changed = self.changed.subscribe();
        let (waiting, steps) = {
            let mut state = self.state();
            let id = state.next_waiter;
            state.next_waiter += 1;
            state.waiters.push((id, instant));
            (Waiting { clock: self, id }, state.steps)
        };
        loop {
            {
                let state = waiting.clock.state();
                if state.now >= instant {
                    return Wake::Reached;
                }
                if state.steps != steps {
                    return Wake::ClockStepped;
                }
            }
            changed
                .changed()
                .await
                .expect("the sender lives as long as the clock");
        }
    }

    async fn sleep(&self, duration: Duration) {
        let mut changed = self.changed.subscribe();
        let until = self.state().monotonic + duration;
        while self.state().monotonic < until {
            changed
                .changed()
                .await
                .expect("the sender lives as long as the clock");
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone};

    use super::*;

    fn midnight() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
    }

    #[tokio::test]
    async fn a_wait_ends_when_time_reaches_its_instant() {
        let clock = ManualClock::at(midnight());
        let wait = clock.wait_until(midnight() + TimeDelta::seconds(10));
        let (wake, ()) = tokio::join!(wait, async { clock.advance(TimeDelta::seconds(10)) });
        assert_eq!(wake, Wake::Reached);
        assert_eq!(clock.earliest_waiter(), None);
    }

    #[tokio::test]
    async fn a_step_back_is_told_to_who_waits() {
        let clock = ManualClock::at(midnight());
        let wait = clock.wait_until(midnight() + TimeDelta::seconds(10));
        let (wake, ()) = tokio::join!(wait, async { clock.step_to(midnight() - TimeDelta::hours(1)) });
        assert_eq!(wake, Wake::ClockStepped);
    }

    #[tokio::test]
    async fn a_sleep_does_not_see_a_step_of_the_wall_clock() {
        let clock = ManualClock::at(midnight());
        let sleep = clock.sleep(Duration::from_secs(5));
        tokio::pin!(sleep);
        clock.step_to(midnight() + TimeDelta::days(1));
        assert!(futures_poll_once(&mut sleep).await.is_none());
        clock.advance(TimeDelta::seconds(5));
        sleep.await;
    }

    #[tokio::test]
    async fn a_dropped_wait_leaves_no_waiter_behind() {
        let clock = ManualClock::at(midnight());
        {
            let wait = clock.wait_until(midnight() + TimeDelta::seconds(1));
            tokio::pin!(wait);
            assert!(futures_poll_once(&mut wait).await.is_none());
            assert_eq!(clock.earliest_waiter(), Some(midnight() + TimeDelta::seconds(1)));
        }
        assert_eq!(clock.earliest_waiter(), None);
    }

    async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
