use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Execution, ExecutionDeletion, ExecutionFilter, ExecutionId, ExecutionLogLine, ExecutionSort,
    ExecutionStatistics, LogFilter, Page, PageRequest, Progress, RepositoryError,
};

/// The tables `executions` and `execution_logs`. Executions are opened and closed with their jobs: see
/// [`crate::JobRepository`].
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ExecutionRepository: Send + Sync {
    /// The execution with this id.
    async fn execution_find(&self, id: ExecutionId) -> Result<Option<Execution>, RepositoryError>;

    /// A page of the executions that match, and how many match.
    async fn execution_list(
        &self,
        filter: &ExecutionFilter,
        sort: ExecutionSort,
        page: PageRequest,
    ) -> Result<Page<Execution>, RepositoryError>;

    /// Deletes an execution that has ended, with its log and deliveries. One with a pending delivery stays.
    ///
    /// # Errors
    /// `NotFound` when there is no such execution.
    async fn execution_delete(&self, id: ExecutionId) -> Result<ExecutionDeletion, RepositoryError>;

    /// Numbers about all executions, and about those that were started at `since` or later. No row of one is read for
    /// them.
    async fn execution_statistics(
        &self,
        since: DateTime<Utc>,
    ) -> Result<ExecutionStatistics, RepositoryError>;

    /// Adds lines to the logs of running executions, and notes how far others say that they are, in one transaction.
    /// What is told of an execution that has ended meanwhile is kept of its log and not of its progress.
    ///
    /// # Errors
    /// `AlreadyExists` when an execution has a line with the same number.
    async fn execution_tell(
        &self,
        lines: &[ExecutionLogLine],
        progress: &[(ExecutionId, Progress)],
    ) -> Result<(), RepositoryError>;

    /// A page of the lines of an execution's log that match, in their order, and how many match.
    async fn execution_log_list(
        &self,
        id: ExecutionId,
        filter: &LogFilter,
        page: PageRequest,
    ) -> Result<Page<ExecutionLogLine>, RepositoryError>;
}
