//! The table `ticks`: how ticks become jobs, and the ledger of it.

mod concurrent;
mod existing;
mod firing;
mod following;
mod listing;
mod overlap;
mod overlap_races;
mod stale;
mod telling;

use ratchet_interfaces::{
    Choice, JobCondition, JobFilter, JobSort, RepositoryFactory, ScheduleId, Tick, TickCondition, TickFilter,
    TickSort, UnifiedJob, UnifiedSchedule,
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
        let ledger = TickFilter::of([TickCondition::ScheduleId(Choice::Is(id))]);
        let jobs = JobFilter::of([JobCondition::ScheduleId(Choice::Is(id))]);
        Self {
            schedule: repositories.schedules().schedule_find(id).await.unwrap(),
            ledger: repositories
                .ticks()
                .tick_list(&ledger, TickSort::default(), everything())
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
