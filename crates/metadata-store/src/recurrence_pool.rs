use std::collections::HashSet;
use std::sync::Arc;

use ratchet_recurrence::Recurrence;

/// Keeps one copy of each distinct recurrence: a million schedules have few distinct expressions.
#[derive(Default)]
pub(crate) struct RecurrencePool(HashSet<Arc<Recurrence>>);

impl RecurrencePool {
    /// The pool's copy of a recurrence.
    pub(crate) fn share(&mut self, recurrence: Recurrence) -> Arc<Recurrence> {
        if let Some(shared) = self.0.get(&recurrence) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(recurrence);
        self.0.insert(Arc::clone(&shared));
        shared
    }

    /// Gives a copy back, and forgets the recurrence if nobody else has one.
    pub(crate) fn give_back(&mut self, recurrence: Arc<Recurrence>) {
        const POOL_AND_CALLER: usize = 2;
        if Arc::strong_count(&recurrence) == POOL_AND_CALLER {
            self.0.remove(&recurrence);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratchet_recurrence::Zone;

    use super::*;

    fn hourly() -> Recurrence {
        Recurrence::cron("0 * * * *", Zone::UTC).unwrap()
    }

    #[test]
    fn equal_recurrences_share_one_copy() {
        let mut pool = RecurrencePool::default();
        let (one, other) = (pool.share(hourly()), pool.share(hourly()));
        assert!(Arc::ptr_eq(&one, &other));
    }

    #[test]
    fn a_recurrence_that_nobody_uses_is_forgotten() {
        let mut pool = RecurrencePool::default();
        let (one, other) = (pool.share(hourly()), pool.share(hourly()));
        pool.give_back(one);
        assert_eq!(pool.0.len(), 1);
        pool.give_back(other);
        assert_eq!(pool.0.len(), 0);
    }
}
