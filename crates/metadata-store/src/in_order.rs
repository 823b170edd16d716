use ratchet_interfaces::ScheduleId;
use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How many schedules can be read at the same time; those of the same remainder take turns.
const LANES: usize = 64;

/// Keeps what was read earlier of a schedule from being written over what was read later: whoever reads rows for the index
/// holds this from before until the index has them.
#[derive(Debug)]
pub(crate) struct InOrder {
    all: RwLock<()>,
    lanes: [Mutex<()>; LANES],
}

/// One schedule is being read.
pub(crate) struct ReadingOne<'a> {
    _not_all: RwLockReadGuard<'a, ()>,
    _lane: MutexGuard<'a, ()>,
}

/// Many are.
pub(crate) struct ReadingAll<'a> {
    _all: RwLockWriteGuard<'a, ()>,
}

impl Default for InOrder {
    fn default() -> Self {
        Self {
            all: RwLock::default(),
            lanes: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl InOrder {
    pub(crate) async fn reading(&self, id: ScheduleId) -> ReadingOne<'_> {
        let lane = id.as_uuid().as_u128() % LANES as u128;
        ReadingOne {
            _not_all: self.all.read().await,
            _lane: self.lanes[lane as usize].lock().await,
        }
    }

    pub(crate) async fn reading_all(&self) -> ReadingAll<'_> {
        ReadingAll {
            _all: self.all.write().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::future::poll_immediate;

    use super::*;

    #[tokio::test]
    async fn one_schedule_is_read_by_one_at_a_time_and_none_while_all_are() {
        let order = InOrder::default();
        let (one, other) = (
            ScheduleId::from_uuid(uuid::Uuid::from_u128(1)),
            ScheduleId::from_uuid(uuid::Uuid::from_u128(2)),
        );
        let first = order.reading(one).await;
        assert!(poll_immediate(order.reading(other)).await.is_some());
        let mut again = pin!(order.reading(one));
        assert!(poll_immediate(again.as_mut()).await.is_none());
        drop(first);
        let second = again.await;
        assert!(poll_immediate(order.reading_all()).await.is_none());
        drop(second);
        let all = order.reading_all().await;
        assert!(poll_immediate(order.reading(other)).await.is_none());
        drop(all);
        assert!(poll_immediate(order.reading(other)).await.is_some());
    }
}
