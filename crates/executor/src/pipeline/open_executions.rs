use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ratchet_interfaces::{AttemptOutcome, ClaimedJob, ExecutionId, StopRequest};

use tokio::sync::Notify;

use super::stops::StopNotice;

/// The executions that this process opened and has not settled, each with what it was told of being stopped: the jobs
/// of all others that the database says it runs are not run by anybody.
#[derive(Default)]
pub(super) struct OpenExecutions {
    open: Mutex<Open>,
    /// Told when some are opened.
    opened: Notify,
}

#[derive(Default)]
struct Open {
    notices: HashMap<ExecutionId, StopNotice>,
    /// How often it was asked which of them are to stop.
    looks: u64,
}

/// How often it had been asked which executions are to stop, when a claim began.
#[derive(Clone, Copy)]
pub(super) struct Looks(u64);

impl OpenExecutions {
    /// To be taken before a claim, whose executions may be asked to stop before its answer is here.
    pub(super) fn looks(&self) -> Looks {
        Looks(self.all().looks)
    }

    /// Adds what a claim opened. Says whether somebody has looked since the claim began who did not see these.
    pub(super) fn open(&self, claimed: &[ClaimedJob], before: Looks) -> bool {
        let mut open = self.all();
        for claimed in claimed {
            open.notices.insert(claimed.execution_id, StopNotice::default());
        }
        let is_late = !claimed.is_empty() && open.looks != before.0;
        drop(open);
        self.opened.notify_one();
        is_late
    }

    pub(super) fn close(&self, settled: &[AttemptOutcome]) {
        let mut open = self.all();
        for outcome in settled {
            open.notices.remove(&outcome.execution_id);
        }
    }

    /// Takes out one that has nothing to settle.
    pub(super) fn forget(&self, id: ExecutionId) {
        self.all().notices.remove(&id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all().notices.is_empty()
    }

    /// Returns as soon as there is one. Only one may wait.
    pub(super) async fn until_any(&self) {
        while self.is_empty() {
            self.opened.notified().await;
        }
    }

    pub(super) fn list(&self) -> Vec<ExecutionId> {
        self.all().notices.keys().copied().collect()
    }

    /// All of them, to ask which are to stop.
    pub(super) fn look(&self) -> Vec<ExecutionId> {
        self.all().looks += 1;
        self.list()
    }

    /// Tells an execution to stop, if it is still open.
    pub(super) fn tell(&self, id: ExecutionId, request: StopRequest) {
        if let Some(notice) = self.all().notices.get(&id) {
            notice.post(request);
        }
    }

    /// What an open execution is told of being stopped.
    pub(super) fn notice(&self, id: ExecutionId) -> StopNotice {
        self.all().notices.entry(id).or_default().clone()
    }

    fn all(&self) -> MutexGuard<'_, Open> {
        // It is whole after every statement that changes it.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
