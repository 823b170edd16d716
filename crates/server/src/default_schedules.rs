use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    PageRequest, RepositoryFactory, ScheduleFilter, ScheduleSort, SchedulerService, TaskRegistry,
};
use ratchet_registry::default_schedules;

use crate::container::StartError;

/// Creates the schedules that a new installation has: each only if the registry has its task and no schedule of
/// that task exists, enabled or not.
pub(crate) async fn create_default_schedules(
    registry: &dyn TaskRegistry,
    repositories: &dyn RepositoryFactory,
    scheduler: &dyn SchedulerService,
    now: DateTime<Utc>,
) -> Result<(), StartError> {
    for default in default_schedules() {
        if registry.get_task_by_id(default.task_id).await?.is_none() {
            continue;
        }
        let of_the_task = ScheduleFilter {
            task_id: Some(default.task_id),
            ..ScheduleFilter::default()
        };
        let existing = repositories
            .schedules()
            .schedule_list(&of_the_task, ScheduleSort::default(), PageRequest::new(0, 1)?)
            .await?;
        if existing.total == 0 {
            scheduler.add_schedule(default.to_schedule(now)).await?;
        }
    }
    Ok(())
}
