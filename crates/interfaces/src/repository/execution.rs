use async_trait::async_trait;

use crate::{Execution, ExecutionFilter, ExecutionId, ExecutionLogLine, Page, PageRequest, RepositoryError};

/// The tables `executions` and `execution_logs`. Executions are opened and closed with their jobs: see
/// [`crate::JobRepository`].
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ExecutionRepository: Send + Sync {
    /// The execution with this id.
    async fn execution_find(&self, id: ExecutionId) -> Result<Option<Execution>, RepositoryError>;

    /// A page of the executions that match, newest first, and how many match.
    async fn execution_list(
        &self,
        filter: &ExecutionFilter,
        page: PageRequest,
    ) -> Result<Page<Execution>, RepositoryError>;

    /// Adds lines to executions' logs, in one transaction.
    async fn execution_log_append(&self, lines: &[ExecutionLogLine]) -> Result<(), RepositoryError>;

    /// A page of an execution's log, in its order, and how many lines it has.
    async fn execution_log_list(
        &self,
        id: ExecutionId,
        page: PageRequest,
    ) -> Result<Page<ExecutionLogLine>, RepositoryError>;
}
