use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::Clock;

/// By so much the wall clock may fall behind without having been set back: clocks are also slewed.
const TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// Sees whether the wall clock was set back since the last look. What was written before that may then seem to be due
/// long after it is.
pub(crate) struct SetBack {
    seen: DateTime<Utc>,
    at: Duration,
    is_due: bool,
}

impl SetBack {
    /// The clock may have been set back while no process ran: that counts until it was attended to.
    pub(crate) fn new(clock: &dyn Clock) -> Self {
        Self {
            seen: clock.now(),
            at: clock.monotonic(),
            is_due: true,
        }
    }

    /// Looks at the clock. True until [`SetBack::is_over`].
    pub(crate) fn is_due(&mut self, clock: &dyn Clock) -> bool {
        let (now, at) = (clock.now(), clock.monotonic());
        let elapsed = TimeDelta::from_std(at.saturating_sub(self.at)).unwrap_or(TimeDelta::MAX);
        // A sum beyond the calendar is no later than any time that the clock can show.
        let expected = self.seen.checked_add_signed(elapsed).unwrap_or(self.seen);
        self.is_due |= now + TOLERANCE < expected;
        (self.seen, self.at) = (now, at);
        self.is_due
    }

    /// Takes note that what waits for too long was brought forward.
    pub(crate) fn is_over(&mut self) {
        self.is_due = false;
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::ManualClock;

    use super::*;

    #[test]
    fn a_step_back_is_seen_until_it_was_attended_to() {
        let clock = ManualClock::at(DateTime::UNIX_EPOCH);
        let mut set_back = SetBack::new(&clock);
        assert!(set_back.is_due(&clock), "nobody knows what was before");
        set_back.is_over();
        clock.advance(TimeDelta::hours(2));
        assert!(!set_back.is_due(&clock));
        clock.step_to(clock.now() + TimeDelta::hours(2));
        assert!(!set_back.is_due(&clock));
        clock.step_to(clock.now() - TimeDelta::milliseconds(900));
        assert!(!set_back.is_due(&clock));
        clock.advance(TimeDelta::minutes(10));
        clock.step_to(clock.now() - TimeDelta::minutes(2));
        assert!(set_back.is_due(&clock));
        assert!(set_back.is_due(&clock));
        set_back.is_over();
        assert!(!set_back.is_due(&clock));
    }
}
