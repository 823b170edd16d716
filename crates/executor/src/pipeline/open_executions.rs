use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ratchet_interfaces::{AttemptOutcome, ClaimedJob, ExecutionId, StopRequest};

use tokio::sync::Notify;

use super::event::Facts;
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
    executions: HashMap<ExecutionId, OpenExecution>,
    /// How often it was asked which of them are to stop.
    looks: u64,
}

#[derive(Default)]
struct OpenExecution {
    notice: StopNotice,
    /// What is to be told of its end, if anybody listens and it has not been told.
    facts: Option<Facts>,
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
    /// `facts` are of all of them, or of none.
    pub(super) fn open(&self, claimed: &[ClaimedJob], facts: &[Facts], before: Looks) -> bool {
        let mut open = self.all();
        for (place, claimed) in claimed.iter().enumerate() {
            let execution = OpenExecution {
                notice: StopNotice::default(),
                facts: facts.get(place).copied(),
            };
            open.executions.insert(claimed.execution_id, execution);
        }
        let is_late = !claimed.is_empty() && open.looks != before.0;
        drop(open);
        self.opened.notify_one();
        is_late
    }

    /// Takes out what is settled. Returns what is to be told of each.
    pub(super) fn close(&self, settled: &[AttemptOutcome]) -> Vec<Option<Facts>> {
        let mut open = self.all();
        let closed = settled.iter().map(|outcome| {
            let closed = open.executions.remove(&outcome.execution_id);
            closed.and_then(|execution| execution.facts)
        });
        closed.collect()
    }

    /// Whether there is something to be told of an execution's end.
    pub(super) fn has_facts(&self, id: ExecutionId) -> bool {
        self.all()
            .executions
            .get(&id)
            .is_some_and(|open| open.facts.is_some())
    }

    /// What is to be told of an execution that was taken away; it is told once.
    pub(super) fn take_facts(&self, id: ExecutionId) -> Option<Facts> {
        self.all().executions.get_mut(&id)?.facts.take()
    }

    /// Takes out one that has nothing to settle.
    pub(super) fn forget(&self, id: ExecutionId) {
        self.all().executions.remove(&id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all().executions.is_empty()
    }

    /// Returns as soon as there is one. Only one may wait.
    pub(super) async fn until_any(&self) {
        while self.is_empty() {
            self.opened.notified().await;
        }
    }

    pub(super) fn list(&self) -> Vec<ExecutionId> {
        self.all().executions.keys().copied().collect()
    }

    /// All of them, to ask which are to stop.
    pub(super) fn look(&self) -> Vec<ExecutionId> {
        self.all().looks += 1;
        self.list()
    }

    /// Tells an execution to stop, if it is still open.
    pub(super) fn tell(&self, id: ExecutionId, request: StopRequest) {
        if let Some(execution) = self.all().executions.get(&id) {
            execution.notice.post(request);
        }
    }

    /// What an open execution is told of being stopped.
    pub(super) fn notice(&self, id: ExecutionId) -> StopNotice {
        self.all().executions.entry(id).or_default().notice.clone()
    }

    fn all(&self) -> MutexGuard<'_, Open> {
        // It is whole after every statement that changes it.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
