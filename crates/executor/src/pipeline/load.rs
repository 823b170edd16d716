use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The most jobs that are expected to end during a claim; twice as many are claimed ahead.
pub(super) const MAX_AHEAD: usize = 1_000;

/// How many jobs this process has claimed and not ended, and how many may run.
///
/// While a claim is being committed no new job comes, so the jobs for that time are claimed ahead: as many as ended
/// while the last claim was under way, and more if the slots stood empty meanwhile. So where jobs are short, a claim of
/// many keeps the slots busy for as long as a commit takes; where they are long, none ends during a claim, and nothing is
/// claimed ahead. The next claim begins when half of what was claimed ahead is left: just enough for its own time, and so
/// that claims are large and few.
///
/// ```text
///   claimed ──► waits for a slot ──► runs ──► ended, is being settled
///              └──────── held ────────────┘
///              └───────────────── unsettled ─────────────────────────┘
/// ```
pub(super) struct Load {
    limit: usize,
    slots: Arc<Semaphore>,
    /// Bounds what is claimed and not settled: a slow database slows down the claims.
    unsettled: Arc<Semaphore>,
    held: AtomicUsize,
    ended: AtomicUsize,
    changed: Notify,
}

/// A job that is claimed and has not ended. Dropped when it has.
pub(super) struct Held(Arc<Load>);

/// What was ended by a certain time.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

impl Load {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            slots: Arc::new(Semaphore::new(limit)),
            unsettled: Arc::new(Semaphore::new(limit + 4 * MAX_AHEAD)),
            held: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            changed: Notify::new(),
        }
    }

    /// Waits until no more than `ahead` jobs wait for a slot here, and says how many may be claimed so that twice as many
    /// do. Only the claimer takes room, so there may be more by the time it is used, but not less.
    pub(super) async fn room(&self, ahead: usize) -> usize {
        loop {
            let changed = self.changed.notified();
            let held = self.held.load(Ordering::SeqCst);
            if held < self.limit + ahead {
                return self.limit + 2 * ahead - held;
            }
            changed.await;
        }
    }

    /// To be taken before a claim.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.ended.load(Ordering::SeqCst))
    }

    /// How many jobs are expected to end during the next claim, after one that began at the mark.
    pub(super) fn ahead_after(&self, mark: Mark) -> usize {
        let ended = self.ended.load(Ordering::SeqCst).wrapping_sub(mark.0);
        let is_starved = self.slots.available_permits() > 0;
        let ahead = if is_starved { ended * 2 } else { ended };
        ahead.min(MAX_AHEAD)
    }

    pub(super) fn hold(self: &Arc<Self>) -> Held {
        self.held.fetch_add(1, Ordering::SeqCst);
        Held(Arc::clone(self))
    }

    pub(super) fn slots(&self) -> Arc<Semaphore> {
        Arc::clone(&self.slots)
    }

    pub(super) async fn unsettled(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.unsettled)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::SeqCst);
        self.0.ended.fetch_add(1, Ordering::SeqCst);
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn jobs_that_end_during_a_claim_are_claimed_ahead_by_the_next() {
        let load = Arc::new(Load::new(10));
        assert_eq!(load.room(0).await, 10);
        let mark = load.mark();
        assert_eq!(load.ahead_after(mark), 0);
        let held: Vec<_> = (0..10).map(|_| load.hold()).collect();
        let busy = load.slots().acquire_many_owned(10).await.unwrap();
        drop(held);
        assert_eq!(load.ahead_after(mark), 10, "as many, while the slots are busy");
        drop(busy);
        assert_eq!(load.ahead_after(mark), 20, "and more when they stand empty");
        assert_eq!(load.room(20).await, 50);
        assert_eq!(load.ahead_after(load.mark()), 0, "none, where none ends");
    }

    #[tokio::test]
    async fn the_next_claim_begins_when_half_of_what_was_claimed_ahead_is_left() {
        let load = Arc::new(Load::new(10));
        let mut held: Vec<_> = (0..30).map(|_| load.hold()).collect();
        for _ in 0..10 {
            assert_eq!(load.room(10).now_or_never(), None, "{} are held", held.len());
            held.pop();
        }
        held.pop();
        assert_eq!(load.room(10).now_or_never(), Some(11));
    }

    #[tokio::test]
    async fn room_is_waited_for() {
        let load = Arc::new(Load::new(1));
        let held = load.hold();
        let (room, ()) = tokio::join!(load.room(0), async { drop(held) });
        assert_eq!(room, 1);
    }
}
