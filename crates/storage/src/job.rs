mod bring_forward;
mod cancel;
mod change;
mod changed;
mod claim;
mod create;
mod delete;
mod dependents;
mod depths;
mod ended_execution;
mod gates;
mod leases;
mod list;
mod lost_claims;
mod orphans;
mod prune;
mod release;
mod retry;
mod settle;
mod statistics;
mod stop_requests;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    AttemptOutcome, CancelRequest, Cancellation, Claim, ClaimRequest, ExecutionId, JobChanges, JobCreation,
    JobDeletion, JobDependencies, JobFilter, JobId, JobPruning, JobRepository, JobSort, JobStatistics,
    JobUpdate, NodeId, Page, PageRequest, QueueDepths, Recovery, RepositoryError, Settlement, StopRequest,
    UnifiedJob,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::list::page;
use crate::row::found;
use crate::row::job::{Column, Entity, read};
use crate::store::Store;

pub(crate) use changed::{ChangedJob, returned as returned_job};
pub(crate) use delete::told;
pub(crate) use dependents::have_wait;
pub(crate) use ended_execution::{NO_ATTEMPT, write as write_ended_execution};
use orphans::Whose;
pub(crate) use release::{Ended, UNFINISHED};

/// The table `jobs`.
pub(crate) struct Jobs {
    store: Arc<Store>,
}

impl Jobs {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl JobRepository for Jobs {
    async fn job_create_many(
        &self,
        jobs: &[UnifiedJob],
        dependencies: &[JobDependencies],
    ) -> Result<Vec<JobCreation>, RepositoryError> {
        create::create(&self.store, jobs, dependencies).await
    }

    async fn job_find(&self, id: JobId) -> Result<Option<UnifiedJob>, RepositoryError> {
        let rows = Entity::find_by_id(id.as_uuid());
        found::one(&self.store.reader, rows, "looking for a job", read).await
    }

    async fn job_find_many(&self, ids: &[JobId]) -> Result<Vec<UnifiedJob>, RepositoryError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = Entity::find().filter(Column::Id.is_in(ids.iter().map(|id| id.as_uuid())));
        found::all(&self.store.reader, rows, "looking for jobs", read).await
    }

    async fn job_find_by_unique_key(&self, key: &str) -> Result<Option<JobId>, RepositoryError> {
        change::holder_of(&self.store.reader, key).await
    }

    async fn job_update(&self, id: JobId, changes: &JobChanges) -> Result<JobUpdate, RepositoryError> {
        change::change(&self.store.writer, id, changes).await
    }

    async fn job_delete(&self, id: JobId) -> Result<JobDeletion, RepositoryError> {
        delete::delete(&self.store.writer, id).await
    }

    async fn job_statistics(&self, since: DateTime<Utc>) -> Result<JobStatistics, RepositoryError> {
        statistics::of_all(&self.store.reader, since).await
    }

    async fn job_list(
        &self,
        filter: &JobFilter,
        sort: JobSort,
        request: PageRequest,
    ) -> Result<Page<UnifiedJob>, RepositoryError> {
        let parts = list::list(self.store.backend(), filter, sort).parts();
        page(&self.store, &parts, request, "listing jobs", read).await
    }

    async fn job_claim_many(&self, request: ClaimRequest) -> Result<Claim, RepositoryError> {
        claim::claim(&self.store.writer, request).await
    }

    async fn job_next_run_after(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        claim::next_run_after(&self.store.reader, now).await
    }

    async fn job_queue_depths(&self, now: DateTime<Utc>) -> Result<QueueDepths, RepositoryError> {
        depths::depths(&self.store.reader, now).await
    }

    async fn job_settle_many(&self, outcomes: &[AttemptOutcome]) -> Result<Settlement, RepositoryError> {
        settle::settle(&self.store.writer, outcomes).await
    }

    async fn job_stop_requests(
        &self,
        node: NodeId,
        running: &[ExecutionId],
    ) -> Result<Vec<(ExecutionId, StopRequest)>, RepositoryError> {
        stop_requests::stop_requests(&self.store.reader, node, running).await
    }

    async fn job_recover_orphans(
        &self,
        node: NodeId,
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<Recovery, RepositoryError> {
        orphans::recover(&self.store.writer, Whose::Others, node, now, reason).await
    }

    async fn job_renew_leases(&self, node: NodeId, until: DateTime<Utc>) -> Result<u64, RepositoryError> {
        leases::renew(&self.store.writer, node, until).await
    }

    async fn job_reclaim_expired(
        &self,
        node: NodeId,
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<Recovery, RepositoryError> {
        orphans::recover(&self.store.writer, Whose::Expired, node, now, reason).await
    }

    async fn job_next_lease_end(&self, node: NodeId) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        leases::next_end(&self.store.reader, node).await
    }

    async fn job_cancel(&self, request: &CancelRequest) -> Result<Cancellation, RepositoryError> {
        cancel::cancel(&self.store.writer, request).await
    }

    async fn job_retry_many(
        &self,
        ids: &[JobId],
        filter: &JobFilter,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<JobId>, RepositoryError> {
        retry::retry(&self.store.writer, ids, filter, now, limit).await
    }

    async fn job_dependencies(&self, id: JobId) -> Result<Vec<JobId>, RepositoryError> {
        create::dependencies(&self.store, id).await
    }

    async fn job_prune(&self, pruning: JobPruning) -> Result<u64, RepositoryError> {
        prune::prune(&self.store.writer, pruning).await
    }

    async fn job_recover_lost_claims(
        &self,
        node: NodeId,
        known: &[ExecutionId],
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<Recovery, RepositoryError> {
        lost_claims::recover(&self.store.writer, node, known, now, reason).await
    }

    async fn job_bring_forward(
        &self,
        now: DateTime<Utc>,
        latest_retry: DateTime<Utc>,
    ) -> Result<u64, RepositoryError> {
        bring_forward::bring_forward(&self.store.writer, now, latest_retry).await
    }
}
