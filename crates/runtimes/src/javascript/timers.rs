use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What a run waits for on the clock. The functions to be called are kept in the engine, where they count as the
/// task's memory.
#[derive(Default)]
pub(super) struct Timers {
    due: RefCell<BTreeSet<(Instant, u32)>>,
}

impl Timers {
    /// Longer is not waited for; it is beyond every timeout.
    const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

    /// Has the timer go off after so many milliseconds; what is no number is 0.
    pub(super) fn start(&self, id: u32, milliseconds: f64) {
        let wait = Duration::try_from_secs_f64(milliseconds.max(0.0) / 1000.0)
            .unwrap_or(Self::LONGEST)
            .min(Self::LONGEST);
        self.due.borrow_mut().insert((Instant::now() + wait, id));
    }

    pub(super) fn cancel(&self, id: u32) {
        self.due.borrow_mut().retain(|(_, own)| *own != id);
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.borrow().first().map(|(due, _)| *due)
    }

    /// Takes out the first timer, if it is due.
    pub(super) fn take_due(&self) -> Option<u32> {
        let mut timers = self.due.borrow_mut();
        let (due, id) = *timers.first()?;
        if due > Instant::now() {
            return None;
        }
        timers.pop_first();
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_go_off_in_the_order_of_their_instants_and_none_that_was_cancelled() {
        let timers = Timers::default();
        timers.start(1, 0.0);
        timers.start(2, -5.0);
        timers.start(3, f64::NAN);
        timers.start(4, f64::INFINITY);
        timers.start(5, 1e300);
        timers.cancel(2);
        assert_eq!(timers.take_due(), Some(1));
        assert_eq!(timers.take_due(), Some(3));
        assert_eq!(timers.take_due(), None);
        assert!(timers.next_due().unwrap() > Instant::now());
    }
}
