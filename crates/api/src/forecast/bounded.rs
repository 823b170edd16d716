//! Going through ticks to come: so many at the most, beside the engine, and only while somebody waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ratchet_interfaces::{ForecastTick, with_causes};

use crate::error::ApiError;

/// The most ticks that are gone through for one answer.
pub(super) const MOST_TICKS: usize = 1_000_000;

/// After how many ticks it is asked whether anybody still waits.
const STRIDE: usize = 1_024;

pub(super) type Ticks = Box<dyn Iterator<Item = ForecastTick> + Send>;

/// Whoever waits for an answer; dropped when they are gone.
struct Asker(Arc<AtomicBool>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Whether anybody waits for an answer.
#[derive(Clone, Default)]
pub(super) struct Waited(Arc<AtomicBool>);

impl Waited {
    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Does what takes the processor for a while, without keeping requests and the engine from theirs. It is to end early
/// once nobody waits for it.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce(&Waited) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let waited = Waited::default();
    let _asker = Asker(Arc::clone(&waited.0));
    let done = tokio::task::spawn_blocking(move || work(&waited)).await;
    done.map_err(|error| {
        tracing::error!(error = with_causes(&error), "a forecast ended badly");
        ApiError::internal()
    })
}

/// The first ticks, so many at the most, and the one after them.
pub(super) fn first(ticks: Ticks, most: usize, waited: &Waited) -> (Vec<ForecastTick>, Option<ForecastTick>) {
    let mut first = Vec::new();
    for (place, tick) in ticks.enumerate() {
        if place == most {
            return (first, Some(tick));
        }
        if place % STRIDE == 0 && waited.is_over() {
            break;
        }
        first.push(tick);
    }
    (first, None)
}

/// The first tick that is one too many.
pub(super) fn one_too_many(ticks: Ticks, most: usize, waited: &Waited) -> Option<ForecastTick> {
    for (place, tick) in ticks.enumerate() {
        if place == most {
            return Some(tick);
        }
        if place % STRIDE == 0 && waited.is_over() {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::test_support::now;

    fn ticks() -> Ticks {
        Box::new(std::iter::repeat_with(|| ForecastTick {
            due_at: now(),
            scheduled_for: now(),
            schedule_id: None,
            name: "a".into(),
        }))
    }

    #[test]
    fn no_more_ticks_are_gone_through_than_are_allowed() {
        let (shown, next) = first(ticks(), 3, &Waited::default());
        assert_eq!((shown.len(), next.is_some()), (3, true));
        assert!(one_too_many(ticks(), 3, &Waited::default()).is_some());
        let few = || Box::new(ticks().take(3)) as Ticks;
        assert_eq!(first(few(), 3, &Waited::default()).1, None);
        assert_eq!(one_too_many(few(), 3, &Waited::default()), None);
    }

    #[tokio::test]
    async fn once_nobody_waits_for_it_no_further_tick_is_worked_out() {
        let (begun, begins) = mpsc::channel();
        let (ended, ends) = mpsc::channel();
        let work = tokio::spawn(beside(move |waited: &Waited| {
            begun.send(()).unwrap();
            // It would never end by itself.
            let found = one_too_many(ticks(), usize::MAX, waited);
            ended.send(found).unwrap();
        }));
        tokio::task::spawn_blocking(move || begins.recv())
            .await
            .unwrap()
            .unwrap();
        work.abort();
        assert!(work.await.unwrap_err().is_cancelled());
        let found = tokio::task::spawn_blocking(move || ends.recv()).await.unwrap();
        assert_eq!(found, Ok(None));
    }
}
