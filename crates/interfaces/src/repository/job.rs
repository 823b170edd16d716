use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    AttemptOutcome, ClaimRequest, ClaimedJob, ExecutionId, JobFilter, JobId, JobSort, NodeId, Page,
    PageRequest, RepositoryError, Settlement, StopRequest, UnifiedJob,
};

/// The table `jobs`, the queue.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait JobRepository: Send + Sync {
    /// Stores new jobs in one transaction, or none.
    ///
    /// # Errors
    /// `BrokenReference` when a task or schedule does not exist; `AlreadyExists` when a job for the same
    /// `(schedule_id, scheduled_for)` exists.
    async fn job_create_many(&self, jobs: &[UnifiedJob]) -> Result<(), RepositoryError>;

    /// The job with this id.
    async fn job_find(&self, id: JobId) -> Result<Option<UnifiedJob>, RepositoryError>;

    /// A page of the jobs that match, and how many match.
    async fn job_list(
        &self,
        filter: &JobFilter,
        sort: JobSort,
        page: PageRequest,
    ) -> Result<Page<UnifiedJob>, RepositoryError>;

    /// Takes up to `limit` jobs that may run, the most important first, then the one that may run longest; makes
    /// them the node's and opens an execution for each, in one transaction. A job whose row cannot be read is failed
    /// in the same transaction, with the reason in its `error`, and does not keep the others.
    async fn job_claim_many(&self, request: ClaimRequest) -> Result<Vec<ClaimedJob>, RepositoryError>;

    /// The earliest `run_after` of the waiting jobs, if any waits.
    async fn job_next_run_after(&self) -> Result<Option<DateTime<Utc>>, RepositoryError>;

    /// Makes ends of attempts durable, all in one transaction: job, execution and deliveries of each; the count of
    /// failures of its schedule, which is paused where its policies say so; and where a job is final, the first of the
    /// jobs that waited for it is put into the queue.
    async fn job_settle_many(&self, outcomes: &[AttemptOutcome]) -> Result<Settlement, RepositoryError>;

    /// Which of the executions, which `node` believes to run, are not to go on.
    async fn job_stop_requests(
        &self,
        node: NodeId,
        running: &[ExecutionId],
    ) -> Result<Vec<(ExecutionId, StopRequest)>, RepositoryError>;

    /// Puts every job that is being processed by another node than `node` back into the queue and fails its open
    /// execution with `reason`; says how many. Only for who knows that no other node runs.
    async fn job_recover_orphans(
        &self,
        node: NodeId,
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<u64, RepositoryError>;

    /// Puts every job that `node` processes without knowing of it back into the queue: whose open execution is not
    /// among `known`. That execution fails with `reason`. Says how many jobs there were. For after a claim that may
    /// have been committed although its answer was lost.
    async fn job_recover_lost_claims(
        &self,
        node: NodeId,
        known: &[ExecutionId],
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<u64, RepositoryError>;

    /// Brings forward what waits for too long because the clock was ahead when it was written, and has been set back
    /// since. A job that was to run at once or has been started before, runs at `now`; one that waits for its next try
    /// until after `latest_retry` is tried then. A job that was made for a later instant keeps it. Says how many jobs
    /// were brought forward.
    async fn job_bring_forward(
        &self,
        now: DateTime<Utc>,
        latest_retry: DateTime<Utc>,
    ) -> Result<u64, RepositoryError>;
}
