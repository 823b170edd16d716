use std::path::Path;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryFactory, Task, TaskDefinition, TaskId};
use serde_json::{Value, json};

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

/// Writes the folder of a task below `folder/tasks`: its `metadata.json`, with a name and version, and other files.
///
/// # Panics
/// When it cannot be written.
pub fn write_task(folder: &Path, name: &str, mut metadata: Value, files: &[(&str, &str)]) {
    let task = folder.join("tasks").join(name);
    std::fs::create_dir_all(&task).unwrap();
    // A running server takes in a folder when it has a metadata.json, so that comes last.
    for (file, text) in files {
        std::fs::write(task.join(file), text).unwrap();
    }
    metadata["name"] = json!(name);
    metadata["version"] = json!("1.0.0");
    std::fs::write(task.join("metadata.json"), metadata.to_string()).unwrap();
}

/// The id of a task by its name.
///
/// # Panics
/// When there is none.
pub async fn task_named(repositories: &dyn RepositoryFactory, name: &str) -> TaskId {
    let found = repositories.tasks().task_find_latest(name).await.unwrap();
    found
        .unwrap_or_else(|| panic!("no task is named {name}"))
        .definition
        .id
}
