use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryFactory, SchedulerError, SchedulerService, TaskRegistry, with_causes};
use ratchet_registry::default_schedules;

use crate::container::StartError;

/// Creates the schedules that a new installation has: each only if the registry has its task and no schedule of
/// that task exists, enabled or not. One that the database will not have (its name is taken, say) is told of and
/// stops nothing.
pub(crate) async fn create_default_schedules(
    registry: &dyn TaskRegistry,
    repositories: &dyn RepositoryFactory,
    scheduler: &dyn SchedulerService,
    now: DateTime<Utc>,
) -> Result<(), StartError> {
    let schedules = repositories.schedules();
    for default in default_schedules() {
        if registry.get_task_by_id(default.task_id).await?.is_none()
            || schedules.schedule_exists_for_task(default.task_id).await?
        {
            continue;
        }
        match scheduler.add_schedule(default.to_schedule(now)).await {
            Err(SchedulerError::Repository { source, .. }) if !source.is_transient() => {
                tracing::error!(
                    schedule.name = default.name,
                    error = with_causes(&source),
                    "a default schedule cannot be created"
                );
            }
            added => drop(added?),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ratchet_interfaces::{
        MockRepositoryFactory, MockScheduleRepository, MockSchedulerService, RepositoryError,
    };
    use ratchet_registry::EmbeddedRegistry;

    use super::*;

    /// Creates the default schedules where `exists` says whether there are some, and `refusal` is what becomes of a
    /// new one. Returns the outcome; a schedule that is added although it must not be is a panic.
    async fn create(exists: bool, refusal: Option<fn() -> RepositoryError>) -> Result<(), StartError> {
        let mut repositories = MockRepositoryFactory::new();
        repositories.expect_schedules().returning(move || {
            // Only this verb: a row that cannot be read must not be read.
            let mut schedules = MockScheduleRepository::new();
            schedules
                .expect_schedule_exists_for_task()
                .returning(move |_| Ok(exists));
            Arc::new(schedules)
        });
        let mut scheduler = MockSchedulerService::new();
        let times = usize::from(!exists);
        scheduler
            .expect_add_schedule()
            .times(times)
            .returning(move |schedule| match refusal {
                None => Ok(schedule),
                Some(refusal) => Err(SchedulerError::Repository {
                    during: "storing the schedule",
                    source: refusal(),
                }),
            });
        let registry = EmbeddedRegistry::new().unwrap();
        create_default_schedules(&registry, &repositories, &scheduler, DateTime::UNIX_EPOCH).await
    }

    #[tokio::test]
    async fn a_schedule_of_the_task_is_asked_for_without_reading_it() {
        create(true, None).await.unwrap();
        create(false, None).await.unwrap();
    }

    #[tokio::test]
    async fn a_name_that_is_taken_does_not_stop_the_start_and_a_database_that_is_away_does() {
        let taken = || RepositoryError::AlreadyExists {
            what: "schedule",
            field: "name",
            value: "system_heartbeat".to_owned(),
        };
        create(false, Some(taken)).await.unwrap();
        let away = || RepositoryError::Unavailable {
            during: "storing schedules",
            source: "it is away".into(),
        };
        assert!(create(false, Some(away)).await.is_err());
    }
}
