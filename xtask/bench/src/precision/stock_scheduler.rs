//! tokio-cron-scheduler as it comes: default channel size, in-memory stores, its own 500 ms loop.

use std::sync::Arc;

use ratchet_interfaces::{Clock, ScheduleId};
use tokio_cron_scheduler::{Job, JobScheduler};

use super::{Sightings, Window};
use crate::Failure;

pub(super) async fn watch(
    schedules: usize,
    clock: &Arc<dyn Clock>,
    window: Window,
    sightings: &Arc<Sightings>,
) -> Result<(), Failure> {
    let mut scheduler = JobScheduler::new().await?;
    for _ in 0..schedules {
        let (clock, sightings) = (Arc::clone(clock), Arc::clone(sightings));
        let job = Job::new_async(window.beat.expression, move |id, _scheduler| {
            let (clock, sightings) = (Arc::clone(&clock), Arc::clone(&sightings));
            Box::pin(async move {
                let now = clock.now();
                sightings.handler_started(ScheduleId::from_uuid(id), window.nominal(now), now);
            })
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    clock.wait_until(window.end_of_watch()).await;
    scheduler.shutdown().await?;
    Ok(())
}
