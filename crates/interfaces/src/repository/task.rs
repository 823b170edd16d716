use async_trait::async_trait;

use crate::{Page, PageRequest, RepositoryError, Task, TaskFilter, TaskId, TaskSort};

/// The table `tasks`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TaskRepository: Send + Sync {
    /// Stores tasks, new or changed, in one transaction. A changed task keeps its `enabled` and `created_at`.
    ///
    /// # Errors
    /// `AlreadyExists` when another task has the same name and version.
    async fn task_upsert_many(&self, tasks: &[Task]) -> Result<(), RepositoryError>;

    /// The task with this id.
    async fn task_find(&self, id: TaskId) -> Result<Option<Task>, RepositoryError>;

    /// A page of the tasks that match, and how many match.
    async fn task_list(
        &self,
        filter: &TaskFilter,
        sort: TaskSort,
        page: PageRequest,
    ) -> Result<Page<Task>, RepositoryError>;

    /// Enables or disables a task.
    ///
    /// # Errors
    /// `NotFound` when there is no such row.
    async fn task_set_enabled(&self, id: TaskId, enabled: bool) -> Result<(), RepositoryError>;

    /// Deletes a task; says whether it existed.
    ///
    /// # Errors
    /// `BrokenReference` when a schedule or job still refers to it.
    async fn task_delete(&self, id: TaskId) -> Result<bool, RepositoryError>;
}
