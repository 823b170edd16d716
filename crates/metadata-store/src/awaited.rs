use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ratchet_interfaces::ScheduleId;

/// The schedules whose ticks somebody waits for until they are settled.
#[derive(Debug, Default)]
pub(crate) struct Awaited {
    /// By how many.
    schedules: Mutex<HashMap<ScheduleId, usize>>,
}

/// Somebody waits; dropped, no more.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    awaited: &'a Awaited,
    id: ScheduleId,
}

impl Awaited {
    pub(crate) fn wait_for(&self, id: ScheduleId) -> Waiting<'_> {
        *self.schedules().entry(id).or_default() += 1;
        Waiting { awaited: self, id }
    }

    pub(crate) fn ids(&self) -> HashSet<ScheduleId> {
        self.schedules().keys().copied().collect()
    }

    fn schedules(&self) -> MutexGuard<'_, HashMap<ScheduleId, usize>> {
        // Every change leaves it whole.
        self.schedules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut schedules = self.awaited.schedules();
        if let Some(waiting) = schedules.get_mut(&self.id) {
            *waiting -= 1;
            if *waiting == 0 {
                schedules.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_awaited_while_anybody_waits_for_it() {
        let awaited = Awaited::default();
        let id = ScheduleId::new();
        let first = awaited.wait_for(id);
        let second = awaited.wait_for(id);
        drop(first);
        assert_eq!(awaited.ids(), HashSet::from([id]));
        drop(second);
        assert!(awaited.ids().is_empty());
    }
}
