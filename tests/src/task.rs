use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryFactory, Task, TaskDefinition, TaskId};

/// Stores a task that no runtime has, for schedules whose jobs nobody runs.
///
/// # Panics
/// When the database refuses.
pub async fn store_task(repositories: &dyn RepositoryFactory, now: DateTime<Utc>) -> TaskId {
    let task = Task::new(
        TaskDefinition::new(TaskId::new(), "never-run", "1.0.0", "none"),
        "test",
        now,
    );
    repositories
        .tasks()
        .task_upsert_many(std::slice::from_ref(&task))
        .await
        .unwrap();
    task.definition.id
}
