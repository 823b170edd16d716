use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{Clock, Wake, truncate_to_micros};

/// The machine's clock.
///
/// On Linux a wait is a `timerfd` on the real-time clock with an absolute deadline: it ends within a fraction of a
/// millisecond, also after a suspend, and at once when somebody sets the clock. Elsewhere it is a sleep of at most
/// a second at a time, after each of which the wall clock is read again.
///
/// ```
/// use ratchet_interfaces::Clock;
/// let clock = ratchet_scheduler::SystemClock::new();
/// assert!(clock.now().timestamp() > 1_700_000_000);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The clock; its monotonic time counts from here.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a clock is not a default value")]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        truncate_to_micros(Utc::now())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    async fn wait_until(&self, instant: DateTime<Utc>) -> Wake {
        if self.now() >= instant {
            return Wake::Reached;
        }
        #[cfg(target_os = "linux")]
        match timerfd::wait_until(instant).await {
            Ok(wake) => return wake,
            // Out of file descriptors, say. A late tick is better than none.
            Err(error) => tracing::error!(%error, "no timer could be had; waiting less precisely"),
        }
        nap_until(self, instant).await
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Sleeps towards the instant, at most a second, so that a clock that is set meanwhile is seen within that time.
async fn nap_until(clock: &SystemClock, instant: DateTime<Utc>) -> Wake {
    const LONGEST_NAP: Duration = Duration::from_secs(1);
    loop {
        let Ok(left) = (instant - clock.now()).to_std() else {
            return Wake::Reached;
        };
        if left.is_zero() {
            return Wake::Reached;
        }
        let (slept_from, wall_from) = (clock.monotonic(), clock.now());
        tokio::time::sleep(left.min(LONGEST_NAP)).await;
        let elapsed = clock.monotonic() - slept_from;
        let by_the_wall = (clock.now() - wall_from).to_std();
        let stepped = by_the_wall.map_or(true, |by_the_wall| by_the_wall.abs_diff(elapsed) > LONGEST_NAP);
        if stepped && clock.now() < instant {
            return Wake::ClockStepped;
        }
    }
}

#[cfg(target_os = "linux")]
mod timerfd {
    use std::io;
    use std::os::fd::OwnedFd;

    use chrono::{DateTime, Utc};
    use ratchet_interfaces::Wake;
    use rustix::io::Errno;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    pub(super) async fn wait_until(instant: DateTime<Utc>) -> io::Result<Wake> {
        #[expect(
            deprecated,
            reason = "its successor is unsafe because a descriptor might be closed early; an OwnedFd is not"
        )]
        let timer = AsyncFd::with_interest(armed_for(instant)?, Interest::READABLE)?;
        loop {
            let mut ready = timer.readable().await?;
            let mut expirations = [0_u8; 8];
            match rustix::io::read(timer.get_ref(), &mut expirations) {
                Ok(_) => return Ok(Wake::Reached),
                Err(Errno::CANCELED) => return Ok(Wake::ClockStepped),
                Err(Errno::AGAIN | Errno::INTR) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn armed_for(instant: DateTime<Utc>) -> io::Result<OwnedFd> {
        let timer = timerfd_create(
            TimerfdClockId::Realtime,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let deadline = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: instant.timestamp(),
                tv_nsec: i64::from(instant.timestamp_subsec_nanos()),
            },
        };
        timerfd_settime(
            &timer,
            TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET,
            &deadline,
        )?;
        Ok(timer)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[tokio::test]
    async fn a_wait_for_the_past_returns_at_once() {
        let clock = SystemClock::new();
        assert_eq!(
            clock.wait_until(clock.now() - TimeDelta::hours(1)).await,
            Wake::Reached
        );
    }

    #[tokio::test]
    async fn a_wait_never_ends_before_its_instant() {
        let clock = SystemClock::new();
        for _ in 0..20 {
            let instant = clock.now() + TimeDelta::milliseconds(3);
            assert_eq!(clock.wait_until(instant).await, Wake::Reached);
            assert!(clock.now() >= instant);
        }
    }

    #[tokio::test]
    async fn the_portable_wait_never_ends_before_its_instant_either() {
        let clock = SystemClock::new();
        let instant = clock.now() + TimeDelta::milliseconds(20);
        assert_eq!(nap_until(&clock, instant).await, Wake::Reached);
        assert!(clock.now() >= instant);
    }
}
