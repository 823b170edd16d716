use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    AttemptOutcome, CancelRequest, Cancellation, Claim, ClaimRequest, ExecutionId, JobChanges, JobCreation,
    JobDeletion, JobDependencies, JobFilter, JobId, JobPruning, JobSort, JobStatistics, JobUpdate, NodeId,
    Page, PageRequest, QueueDepths, Recovery, RepositoryError, Settlement, StopRequest, UnifiedJob,
};

/// The table `jobs`, the queue.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait JobRepository: Send + Sync {
    /// Stores new jobs in one transaction, or none. One whose unique key an unfinished job has is left out, and that
    /// job is named. `dependencies` tells of those of `jobs` that are after others, which may be among `jobs` too; such
    /// a job is stored as what it is by how those stand: blocked, queued, or cancelled. Who is after a job that is left
    /// out is after the one that has its key.
    ///
    /// # Errors
    /// `BrokenReference` when a task, a schedule, or a job that another is after does not exist; `DependencyCycle` when
    /// jobs are after each other in a circle; `AlreadyExists` when a job for the same `(schedule_id, scheduled_for,
    /// request)` exists.
    async fn job_create_many(
        &self,
        jobs: &[UnifiedJob],
        dependencies: &[JobDependencies],
    ) -> Result<Vec<JobCreation>, RepositoryError>;

    /// The job with this id.
    async fn job_find(&self, id: JobId) -> Result<Option<UnifiedJob>, RepositoryError>;

    /// Those of these jobs that exist, in no particular order.
    async fn job_find_many(&self, ids: &[JobId]) -> Result<Vec<UnifiedJob>, RepositoryError>;

    /// The unfinished job with this unique key.
    async fn job_find_by_unique_key(&self, key: &str) -> Result<Option<JobId>, RepositoryError>;

    /// Changes a job that waits. One that runs or has ended is left as it is.
    ///
    /// # Errors
    /// `NotFound` when there is no such job.
    async fn job_update(&self, id: JobId, changes: &JobChanges) -> Result<JobUpdate, RepositoryError>;

    /// Deletes a job that has ended, with its executions, logs and deliveries. One with a pending delivery stays, and so
    /// does one that another waits for.
    ///
    /// # Errors
    /// `NotFound` when there is no such job.
    async fn job_delete(&self, id: JobId) -> Result<JobDeletion, RepositoryError>;

    /// Numbers about all jobs, and about those that were created at `since` or later. No row of a job is read for them
    /// but those of a sample.
    async fn job_statistics(&self, since: DateTime<Utc>) -> Result<JobStatistics, RepositoryError>;

    /// A page of the jobs that match, and how many match.
    async fn job_list(
        &self,
        filter: &JobFilter,
        sort: JobSort,
        page: PageRequest,
    ) -> Result<Page<UnifiedJob>, RepositoryError>;

    /// Takes up to `limit` jobs that may run, the most important first, then the one that may run longest; makes
    /// them the node's and opens an execution for each, in one transaction. `aged` of them are those that may run
    /// longest, whatever their priority. A job whose task, or whose concurrency key, has as many running as it may is
    /// left. A job whose row cannot be read is failed in the same transaction, with the reason in its `error`, and does
    /// not keep the others.
    async fn job_claim_many(&self, request: ClaimRequest) -> Result<Claim, RepositoryError>;

    /// The earliest `run_after` of the waiting jobs, if any waits. Those that are due at `now` and wait for a limit of
    /// their task or key do not count: the end of another job tells when they may run.
    async fn job_next_run_after(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, RepositoryError>;

    /// How many jobs stand where that have not ended, and how many of them are due at `now`. What it costs goes by how
    /// many those are, and not by how many have ended.
    async fn job_queue_depths(&self, now: DateTime<Utc>) -> Result<QueueDepths, RepositoryError>;

    /// Makes ends of attempts durable, all in one transaction: job, execution and deliveries of each; the count of
    /// failures of its schedule, which is paused where its policies say so; and where a job is final, the first of the
    /// jobs that waited for it is put into the queue.
    async fn job_settle_many(&self, outcomes: &[AttemptOutcome]) -> Result<Settlement, RepositoryError>;

    /// Lets the leases of every job that `node` runs end at `until`. Says how many there are.
    async fn job_renew_leases(&self, node: NodeId, until: DateTime<Utc>) -> Result<u64, RepositoryError>;

    /// Puts every job of another node than `node` whose lease has ended at `now` back into the queue and fails its open
    /// execution with `reason`; says what came of it. What that node says of them later does not count.
    async fn job_reclaim_expired(
        &self,
        node: NodeId,
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<Recovery, RepositoryError>;

    /// When the next lease of another node than `node` ends, if there is one.
    async fn job_next_lease_end(&self, node: NodeId) -> Result<Option<DateTime<Utc>>, RepositoryError>;

    /// Calls a job off. One that waits is cancelled; one that runs is asked to stop, or taken away.
    ///
    /// # Errors
    /// `NotFound` when there is no such job.
    async fn job_cancel(&self, request: &CancelRequest) -> Result<Cancellation, RepositoryError>;

    /// Puts jobs that failed for good, or were cancelled, back into the queue with all their tries before them: those of
    /// `ids`, or with an empty list all FAILED ones that match the filter, oldest first, `limit` at the most. Says which
    /// were put back; one that is in another state is left, and so is one whose unique key an unfinished job has.
    async fn job_retry_many(
        &self,
        ids: &[JobId],
        filter: &JobFilter,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<JobId>, RepositoryError>;

    /// The jobs that a job is after, and how it stands is in [`UnifiedJob::after`].
    async fn job_dependencies(&self, id: JobId) -> Result<Vec<JobId>, RepositoryError>;

    /// Deletes jobs that have ended, with their executions, logs and deliveries, in one transaction; says how many. A
    /// job with a pending delivery stays, and so does one that another waits for. Asked again until it says zero.
    async fn job_prune(&self, pruning: JobPruning) -> Result<u64, RepositoryError>;

    /// Which of the executions, which `node` believes to run, are not to go on.
    async fn job_stop_requests(
        &self,
        node: NodeId,
        running: &[ExecutionId],
    ) -> Result<Vec<(ExecutionId, StopRequest)>, RepositoryError>;

    /// Puts every job that is being processed by another node than `node` back into the queue and fails its open
    /// execution with `reason`; says what came of it. Only for who knows that no other node runs.
    async fn job_recover_orphans(
        &self,
        node: NodeId,
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<Recovery, RepositoryError>;

    /// Puts every job that `node` processes without knowing of it back into the queue: whose open execution is not
    /// among `known`. That execution fails with `reason`. Says what came of it. For after a claim that may
    /// have been committed although its answer was lost.
    async fn job_recover_lost_claims(
        &self,
        node: NodeId,
        known: &[ExecutionId],
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<Recovery, RepositoryError>;

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
