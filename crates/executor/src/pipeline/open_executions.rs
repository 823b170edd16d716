use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ratchet_interfaces::{AttemptOutcome, ClaimedJob, ExecutionId};

/// The executions that this process opened and has not settled: the jobs of all others that the database says it
/// runs are not run by anybody.
#[derive(Default)]
pub(super) struct OpenExecutions(Mutex<HashSet<ExecutionId>>);

impl OpenExecutions {
    pub(super) fn open(&self, claimed: &[ClaimedJob]) {
        self.set()
            .extend(claimed.iter().map(|claimed| claimed.execution_id));
    }

    pub(super) fn close(&self, settled: &[AttemptOutcome]) {
        let mut set = self.set();
        for outcome in settled {
            set.remove(&outcome.execution_id);
        }
    }

    pub(super) fn list(&self) -> Vec<ExecutionId> {
        self.set().iter().copied().collect()
    }

    fn set(&self) -> MutexGuard<'_, HashSet<ExecutionId>> {
        // The set is whole after every statement that changes it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
