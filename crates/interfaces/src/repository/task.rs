use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Page, PageRequest, RepositoryError, Task, TaskDeletion, TaskFilter, TaskId, TaskSort, TaskStatistics,
};

/// The table `tasks`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TaskRepository: Send + Sync {
    /// Stores tasks, new or changed, in one transaction. A changed task keeps its `enabled` and `created_at`, and its
    /// `revision` is raised by one.
    ///
    /// # Errors
    /// `AlreadyExists` when another task has the same name and version.
    async fn task_upsert_many(&self, tasks: &[Task]) -> Result<(), RepositoryError>;

    /// The task with this id.
    async fn task_find(&self, id: TaskId) -> Result<Option<Task>, RepositoryError>;

    /// Of the tasks with this name that their registries still have, the one with the latest version, by
    /// [`crate::compare_versions`].
    async fn task_find_latest(&self, name: &str) -> Result<Option<Task>, RepositoryError>;

    /// A page of the tasks that match, and how many match.
    async fn task_list(
        &self,
        filter: &TaskFilter,
        sort: TaskSort,
        page: PageRequest,
    ) -> Result<Page<Task>, RepositoryError>;

    /// Stores a new task.
    ///
    /// # Errors
    /// `AlreadyExists` when another task has the same name and version, or the id.
    async fn task_create(&self, task: &Task) -> Result<(), RepositoryError>;

    /// Replaces a task, all but its `created_at`. Returns the row as it is then, its `revision` raised by one.
    ///
    /// # Errors
    /// `VersionConflict` when the row's `revision` is not that of `task`, `NotFound` when there is no such row,
    /// `AlreadyExists` when another task has the same name and version.
    async fn task_update(&self, task: &Task) -> Result<Task, RepositoryError>;

    /// Deletes a task, and its jobs, which have all ended, with their executions, logs and deliveries. A task that
    /// something else refers to is left; see [`crate::TaskUse`]. All of it is one transaction, which other writes wait for.
    ///
    /// # Errors
    /// `VersionConflict` when the row's `revision` is another, `NotFound` when there is no such row.
    async fn task_delete_with_jobs(&self, id: TaskId, revision: u32)
    -> Result<TaskDeletion, RepositoryError>;

    /// Name and version of each task with one of these names that its registry still has.
    async fn task_versions(&self, names: &[String]) -> Result<Vec<(String, String)>, RepositoryError>;

    /// Numbers about all tasks.
    async fn task_statistics(&self) -> Result<TaskStatistics, RepositoryError>;

    /// Enables or disables a task, and raises its `revision`.
    ///
    /// # Errors
    /// `NotFound` when there is no such row.
    async fn task_set_enabled(&self, id: TaskId, enabled: bool) -> Result<(), RepositoryError>;

    /// Takes away tasks that their registries have no more, in one transaction. An enabled one that no schedule and no
    /// job refers to is deleted; each other is marked as removed at `now`, unless it is marked already. Says how many
    /// were deleted or marked; an id that does not exist is none.
    async fn task_remove_many(&self, ids: &[TaskId], now: DateTime<Utc>) -> Result<u64, RepositoryError>;

    /// Deletes a task; says whether it existed.
    ///
    /// # Errors
    /// `BrokenReference` when a schedule or job still refers to it.
    async fn task_delete(&self, id: TaskId) -> Result<bool, RepositoryError>;
}
