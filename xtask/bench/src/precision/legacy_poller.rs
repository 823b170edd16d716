//! The scheduler that Ratchet replaces: every 30 seconds it asks for what is due, and for each schedule creates a
//! job and then updates the schedule, each in a transaction of its own. It runs on the same repositories and the
//! same database settings as the engine.

use std::time::Duration;

use ratchet_interfaces::{
    Bound, Clock, PageRequest, RepositoryFactory, ScheduleCondition, ScheduleFilter, ScheduleSort, UnifiedJob,
};

use super::{Sightings, Window};
use crate::Failure;

const POLL: Duration = Duration::from_secs(30);

pub(super) async fn watch(
    repositories: &dyn RepositoryFactory,
    clock: &dyn Clock,
    window: Window,
    sightings: &Sightings,
) -> Result<(), Failure> {
    let mut last = false;
    while !last {
        poll(repositories, clock, window, sightings).await?;
        // The first poll after the window still finds ticks of the window.
        last = clock.now() >= window.until;
        if !last {
            clock.sleep(POLL).await;
        }
    }
    Ok(())
}

async fn poll(
    repositories: &dyn RepositoryFactory,
    clock: &dyn Clock,
    window: Window,
    sightings: &Sightings,
) -> Result<(), Failure> {
    let now = clock.now();
    let filter = ScheduleFilter::of([
        ScheduleCondition::Enabled(true),
        ScheduleCondition::NextRun(Bound::Before(now)),
    ]);
    loop {
        let page = PageRequest::new(0, PageRequest::MAX_LIMIT)?;
        let due = repositories
            .schedules()
            .schedule_list(&filter, ScheduleSort::default(), page)
            .await?
            .items;
        if due.is_empty() {
            return Ok(());
        }
        for schedule in due {
            let Some(nominal) = schedule.next_run else {
                continue;
            };
            sightings.handler_started(schedule.id, nominal, clock.now());
            let job = UnifiedJob {
                schedule_id: Some(schedule.id),
                scheduled_for: Some(nominal),
                ..UnifiedJob::new(schedule.task_id, schedule.input, clock.now())
            };
            repositories.jobs().job_create_many(&[job], &[]).await?;
            sightings.committed(schedule.id, nominal, clock.now());
            // As the predecessor did: the next run is counted from now, and what was missed in between is gone.
            let next = window.nominal(now) + window.beat.period;
            repositories
                .schedules()
                .schedule_record_run(schedule.id, now, Some(next))
                .await?;
        }
    }
}
