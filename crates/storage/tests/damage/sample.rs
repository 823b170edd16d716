use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryFactory, Task, TaskDefinition, TaskId, UnifiedSchedule};

/// So many seconds after the moment at which these tests play.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

pub(crate) async fn stored_task(repositories: &dyn RepositoryFactory) -> TaskId {
    let task = Task {
        definition: TaskDefinition {
            id: TaskId::new(),
            name: "greet".to_owned(),
            version: "1.0.0".to_owned(),
            description: None,
            runtime: "builtin".to_owned(),
            input_schema: None,
            output_schema: None,
            metadata: None,
        },
        registry: "embedded".to_owned(),
        enabled: true,
        validated_at: None,
        created_at: at(0),
        updated_at: at(0),
    };
    repositories
        .tasks()
        .task_upsert_many(std::slice::from_ref(&task))
        .await
        .unwrap();
    task.definition.id
}

/// Schedules with these names, due at second 60, in the order of their ids.
pub(crate) async fn stored_schedules(
    repositories: &dyn RepositoryFactory,
    names: &[&str],
) -> Vec<UnifiedSchedule> {
    let task = stored_task(repositories).await;
    let schedules: Vec<_> = names
        .iter()
        .map(|name| UnifiedSchedule {
            next_run: Some(at(60)),
            ..UnifiedSchedule::new(*name, task, "* * * * *", at(0))
        })
        .collect();
    repositories
        .schedules()
        .schedule_create_many(&schedules)
        .await
        .unwrap();
    schedules
}
