//! The table `ticks`: how ticks become jobs, and the ledger of it.

mod concurrent;
mod existing;
mod firing;
mod following;
mod listing;
mod overlap;
mod overlap_races;
mod stale;

use ratchet_interfaces::{
    JobFilter, JobSort, RepositoryFactory, ScheduleId, Tick, TickFilter, UnifiedJob, UnifiedSchedule,
};

use crate::sample::everything;

/// All that is known of a schedule.
#[derive(Debug, PartialEq)]
struct History {
    schedule: Option<UnifiedSchedule>,
    ledger: Vec<Tick>,
    jobs: Vec<UnifiedJob>,
}

impl History {
    async fn of(repositories: &dyn RepositoryFactory, id: ScheduleId) -> Self {
        let ledger = TickFilter {
            schedule_id: Some(id),
            ..TickFilter::default()
        };
        let jobs = JobFilter {
            schedule_id: Some(id),
            ..JobFilter::default()
        };
        Self {
            schedule: repositories.schedules().schedule_find(id).await.unwrap(),
            ledger: repositories
                .ticks()
                .tick_list(&ledger, everything())
                .await
                .unwrap()
                .items,
            jobs: repositories
                .jobs()
                .job_list(&jobs, JobSort::default(), everything())
                .await
                .unwrap()
                .items,
        }
    }
}
