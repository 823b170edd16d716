use std::sync::Arc;

use ratchet_interfaces::{Clock, ScheduleId, SchedulerError, Wake};
use ratchet_metadata_store::MetadataStore;
use tokio::sync::watch;

/// How many due schedules are taken from the index at once, so that an edit is not kept waiting by a herd.
const TAKEN_AT_ONCE: usize = 1_024;

/// What has the handler of a due schedule called.
pub(crate) trait Activator: Send + Sync + 'static {
    /// Waits while too many activations are outstanding.
    fn activate(&self, id: ScheduleId) -> impl Future<Output = Result<(), SchedulerError>> + Send;
}

/// Sleeps until the earliest tick, activates what is due, and again, until it is stopped.
///
/// # Errors
/// When a schedule cannot be activated, for then none can. What was taken from the index is found at the next start.
pub(crate) async fn run(
    store: MetadataStore,
    clock: Arc<dyn Clock>,
    runtime: Arc<impl Activator>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), SchedulerError> {
    let head_changed = store.head_changed();
    while !*stop.borrow() {
        // Arm, then look, then wait: a change after the look ends the wait.
        let changed = head_changed.arm();
        let Some(earliest) = store.earliest() else {
            tokio::select! {
                () = changed => {}
                _ = stop.changed() => {}
            }
            continue;
        };
        let now = clock.now();
        if earliest <= now {
            for id in store.take_due(now, TAKEN_AT_ONCE) {
                runtime.activate(id).await?;
            }
            continue;
        }
        tokio::select! {
            wake = clock.wait_until(earliest) => {
                if wake == Wake::ClockStepped {
                    tracing::info!(now = %clock.now(), next_tick = %earliest, "the wall clock was set");
                }
            }
            () = changed => {}
            _ = stop.changed() => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use ratchet_interfaces::{
        ManualClock, MockFactRepository, MockJobRepository, MockRepositoryFactory, MockScheduleRepository,
        MockTickRepository, SchedulePolicies, ScheduleTiming,
    };
    use ratchet_repository_bridge::RepositoryBridge;

    use super::*;

    struct Ended;

    impl Activator for Ended {
        async fn activate(&self, _: ScheduleId) -> Result<(), SchedulerError> {
            Err(SchedulerError::Runtime {
                during: "activating",
                source: "nobody listens".into(),
            })
        }
    }

    #[tokio::test]
    async fn a_schedule_that_cannot_be_activated_ends_the_loop_with_the_reason() {
        let due = ScheduleTiming {
            id: ScheduleId::new(),
            timing_version: 1,
            specification: "* * * * *".to_owned(),
            timezone: "UTC".to_owned(),
            policies: SchedulePolicies::default(),
            next_run: Some(DateTime::<Utc>::UNIX_EPOCH),
            resume_at: None,
            effective_from: DateTime::UNIX_EPOCH,
        };
        let mut schedules = MockScheduleRepository::new();
        schedules
            .expect_schedule_list_timings()
            .return_once(move |_, _| Ok(vec![due]));
        let schedules = Arc::new(schedules);
        let mut factory = MockRepositoryFactory::new();
        factory
            .expect_schedules()
            .returning(move || Arc::clone(&schedules) as _);
        factory
            .expect_jobs()
            .returning(|| Arc::new(MockJobRepository::new()));
        factory
            .expect_ticks()
            .returning(|| Arc::new(MockTickRepository::new()));
        factory.expect_facts().returning(|| {
            let mut facts = MockFactRepository::new();
            facts.expect_fact_find().returning(|_| Ok(None));
            facts.expect_fact_store().returning(|_| Ok(()));
            Arc::new(facts)
        });
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let store = MetadataStore::new(Arc::new(RepositoryBridge::new(&factory)), Arc::clone(&clock));
        store.load(|_| ()).await.unwrap();
        let (_stop, stopped) = watch::channel(false);
        let ended = run(store, clock, Arc::new(Ended), stopped).await;
        assert!(matches!(
            ended,
            Err(SchedulerError::Runtime {
                during: "activating",
                ..
            })
        ));
    }
}
