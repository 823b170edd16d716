//! Ratchet's engine on a real SQLite file, with every commit on disk.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Clock, RepositoryFactory, ScheduleId, SchedulerService, TickFiring, TickOutcome};
use ratchet_scheduler::{SchedulerConfig, TickObserver, TokioCronSchedulerService};

use super::{Sightings, Window};
use crate::Failure;

struct Watcher {
    clock: Arc<dyn Clock>,
    sightings: Arc<Sightings>,
}

impl TickObserver for Watcher {
    fn handler_started(&self, schedule: ScheduleId, scheduled_for: DateTime<Utc>) {
        self.sightings
            .handler_started(schedule, scheduled_for, self.clock.now());
    }

    fn committed(&self, firing: &TickFiring) {
        let now = self.clock.now();
        for record in firing
            .records
            .iter()
            .filter(|record| record.outcome == TickOutcome::Fired)
        {
            self.sightings
                .committed(firing.schedule_id, record.scheduled_for, now);
        }
    }
}

pub(super) async fn watch(
    repositories: Arc<dyn RepositoryFactory>,
    clock: &Arc<dyn Clock>,
    window: Window,
    sightings: &Arc<Sightings>,
) -> Result<(), Failure> {
    let watcher = Watcher {
        clock: Arc::clone(clock),
        sightings: Arc::clone(sightings),
    };
    let scheduler = TokioCronSchedulerService::new(repositories, SchedulerConfig::default())?
        .with_clock(Arc::clone(clock))
        .with_observer(Arc::new(watcher));
    scheduler.start().await?;
    clock.wait_until(window.end_of_watch()).await;
    scheduler.stop().await?;
    Ok(())
}
