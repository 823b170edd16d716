use std::collections::HashSet;
use std::sync::Arc;

use ratchet_repository_bridge::Timetable;

/// Keeps one copy of each distinct timetable: a million schedules have few distinct timetables.
#[derive(Default)]
pub(crate) struct TimetablePool(HashSet<Arc<Timetable>>);

impl TimetablePool {
    /// The pool's copy of a timetable.
    pub(crate) fn share(&mut self, timetable: Timetable) -> Arc<Timetable> {
        if let Some(shared) = self.0.get(&timetable) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(timetable);
        self.0.insert(Arc::clone(&shared));
        shared
    }

    /// Gives a copy back, and forgets the timetable if nobody else has one.
    pub(crate) fn give_back(&mut self, timetable: Arc<Timetable>) {
        const POOL_AND_CALLER: usize = 2;
        if Arc::strong_count(&timetable) == POOL_AND_CALLER {
            self.0.remove(&timetable);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::SchedulePolicies;
    use ratchet_recurrence::{Specification, Zone};

    use super::*;

    fn hourly() -> Timetable {
        Timetable {
            specification: Specification::parse("0 * * * *", Zone::UTC).unwrap(),
            policies: SchedulePolicies::default(),
            excludes_since: None,
        }
    }

    #[test]
    fn equal_timetables_share_one_copy() {
        let mut pool = TimetablePool::default();
        let (one, other) = (pool.share(hourly()), pool.share(hourly()));
        assert!(Arc::ptr_eq(&one, &other));
    }

    #[test]
    fn a_timetable_that_nobody_uses_is_forgotten() {
        let mut pool = TimetablePool::default();
        let (one, other) = (pool.share(hourly()), pool.share(hourly()));
        pool.give_back(one);
        assert_eq!(pool.0.len(), 1);
        pool.give_back(other);
        assert_eq!(pool.0.len(), 0);
    }
}
