//! Ratchet's engine on a real SQLite file, with every commit on disk.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Clock, Event, EventSink, RepositoryFactory, ScheduleId, SchedulerService, TickOutcome,
};
use ratchet_scheduler::{SchedulerConfig, TokioCronSchedulerService};

use super::{Sightings, Window};
use crate::Failure;

struct Watcher {
    clock: Arc<dyn Clock>,
    sightings: Arc<Sightings>,
}

impl EventSink for Watcher {
    fn handler_started(&self, schedule: ScheduleId, scheduled_for: DateTime<Utc>, _: DateTime<Utc>) {
        self.sightings
            .handler_started(schedule, scheduled_for, self.clock.now());
    }

    fn emit(&self, events: &[Event]) {
        for event in events {
            if let Event::Tick(tick) = event
                && tick.record.outcome == TickOutcome::Fired
            {
                self.sightings
                    .committed(tick.schedule_id, tick.record.scheduled_for, tick.at);
            }
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
        .with_events(Arc::new(watcher));
    scheduler.start().await?;
    clock.wait_until(window.end_of_watch()).await;
    scheduler.stop().await?;
    Ok(())
}
