use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryFactory, Task, TaskDefinition, TaskId};

/// Stores a task that no runtime has, for schedules whose jobs nobody runs.
///
/// # Panics
/// When the database refuses.
pub async fn store_task(repositories: &dyn RepositoryFactory, now: DateTime<Utc>) -> TaskId {
    let task = Task {
        definition: TaskDefinition {
            id: TaskId::new(),
            name: "never-run".to_owned(),
            version: "1.0.0".to_owned(),
            description: None,
            runtime: "none".to_owned(),
            input_schema: None,
            output_schema: None,
            metadata: None,
        },
        registry: "test".to_owned(),
        enabled: true,
        validated_at: None,
        created_at: now,
        updated_at: now,
    };
    repositories
        .tasks()
        .task_upsert_many(std::slice::from_ref(&task))
        .await
        .unwrap();
    task.definition.id
}
