use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The most jobs that are expected to end during a claim; twice as many are claimed ahead.
pub(super) const MAX_AHEAD: usize = 1_000;

/// How many jobs this process has claimed and not ended, and how many may run.
///
/// While a claim is being committed no new job comes, so the jobs for that time are claimed ahead: as many as end, by the
/// rate since the claim before, in the time that the last claim took; and more if the slots stood empty meanwhile. So where
/// jobs are short, a claim of many keeps the slots busy for as long as a commit takes; where they are long, none ends in that
/// time, and nothing is claimed ahead. The next claim begins when half of what was claimed ahead is left: just enough for its own time, and so
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

/// How many jobs had ended by an instant of the monotonic clock.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    ended: usize,
    at: Duration,
}

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

    /// To be taken before a claim, and after it.
    pub(super) fn mark(&self, at: Duration) -> Mark {
        Mark {
            ended: self.ended.load(Ordering::SeqCst),
            at,
        }
    }

    /// How many jobs are expected to end during the next claim, when the last one took from `begin` to `end` and the one
    /// before it began at `before`.
    pub(super) fn ahead_after(&self, before: Mark, begin: Mark, end: Mark) -> usize {
        let since = |mark: Mark| (end.ended.wrapping_sub(mark.ended), end.at.saturating_sub(mark.at));
        let (during, claim) = since(begin);
        let (ended, whole) = since(before);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of jobs between two claims is small"
        )]
        let by_rate = if whole.is_zero() {
            0
        } else {
            (ended as f64 * claim.as_secs_f64() / whole.as_secs_f64()).round() as usize
        };
        let expected = during.max(by_rate);
        let is_starved = self.slots.available_permits() > 0;
        let ahead = if is_starved { expected * 2 } else { expected };
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

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn end(load: &Arc<Load>, jobs: usize) {
        let held: Vec<_> = (0..jobs).map(|_| load.hold()).collect();
        drop(held);
    }

    #[tokio::test]
    async fn jobs_that_end_during_a_claim_are_claimed_ahead_by_the_next() {
        let load = Arc::new(Load::new(10));
        assert_eq!(load.room(0).await, 10);
        let begin = load.mark(ms(0));
        let busy = load.slots().acquire_many_owned(10).await.unwrap();
        end(&load, 10);
        let after = load.mark(ms(1));
        assert_eq!(
            load.ahead_after(begin, begin, after),
            10,
            "as many, while the slots are busy"
        );
        drop(busy);
        assert_eq!(
            load.ahead_after(begin, begin, after),
            20,
            "and more when they stand empty"
        );
        assert_eq!(load.room(20).await, 50);
        assert_eq!(
            load.ahead_after(after, after, load.mark(ms(2))),
            0,
            "none, where none ends"
        );
    }

    #[tokio::test]
    async fn jobs_that_ended_between_two_claims_count_by_the_time_that_a_claim_takes() {
        let load = Arc::new(Load::new(1));
        let _busy = load.slots().acquire_owned().await.unwrap();
        let before = load.mark(ms(0));
        end(&load, 4);
        let (begin, after) = (load.mark(ms(30)), load.mark(ms(40)));
        assert_eq!(
            load.ahead_after(before, begin, after),
            1,
            "four in 40 ms, one of 10"
        );
        let (begin, after) = (load.mark(ms(9_000)), load.mark(ms(9_010)));
        assert_eq!(load.ahead_after(before, begin, after), 0, "four in nine seconds");
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
