mod bring_forward;
mod claim;
mod lost_claims;
mod orphans;
mod release;
mod settle;
mod stop_requests;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    AttemptOutcome, ClaimRequest, ClaimedJob, ExecutionId, JobFilter, JobId, JobRepository, JobSort, NodeId,
    Page, PageRequest, RepositoryError, ScheduleId, Settlement, SortOrder, StopRequest, UnifiedJob,
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::batch::Batch;
use crate::failure::{During, Violation, violation};
use crate::paging::page;
use crate::row::job::{COLUMNS, Column, Entity, push, read};
use crate::row::{micros, rank, schedule, task};
use crate::store::Store;
use crate::writer::WriteError;

pub(crate) use release::UNFINISHED;

/// The table `jobs`.
pub(crate) struct Jobs {
    store: Arc<Store>,
}

impl Jobs {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Which of the refused jobs there is already. `None` if it is gone by now.
    async fn duplicate(&self, jobs: &[UnifiedJob]) -> Result<Option<RepositoryError>, RepositoryError> {
        const DURING: &str = "looking for a job that exists already";
        for (place, job) in jobs.iter().enumerate() {
            let before = &jobs[..place];
            let same_id = Entity::find_by_id(job.id.as_uuid())
                .one(&self.store.reader)
                .await
                .during(DURING)?;
            if same_id.is_some() || before.iter().any(|other| other.id == job.id) {
                return Ok(Some(already_exists("id", job.id.to_string())));
            }
            let (Some(schedule), Some(tick)) = (job.schedule_id, job.scheduled_for) else {
                continue;
            };
            let same_tick = Entity::find()
                .filter(Column::ScheduleId.eq(schedule.as_uuid()))
                .filter(Column::ScheduledFor.eq(micros(tick)))
                .filter(Column::Request.eq(job.request))
                .one(&self.store.reader)
                .await
                .during(DURING)?;
            let same_tick_in_call = before.iter().any(|other| {
                (other.schedule_id, other.scheduled_for, other.request)
                    == (job.schedule_id, job.scheduled_for, job.request)
            });
            if same_tick.is_some() || same_tick_in_call {
                return Ok(Some(already_exists("scheduled_for", tick.to_rfc3339())));
            }
        }
        Ok(None)
    }

    /// The first of the refused jobs whose task or schedule does not exist.
    async fn without_parent(&self, jobs: &[UnifiedJob]) -> Result<Option<RepositoryError>, RepositoryError> {
        const DURING: &str = "looking for the task and the schedule of a job";
        for job in jobs {
            let task = task::Entity::find_by_id(job.task_id.as_uuid())
                .one(&self.store.reader)
                .await
                .during(DURING)?;
            let schedule_is_there = match job.schedule_id.map(ScheduleId::as_uuid) {
                None => true,
                Some(id) => schedule::Entity::find_by_id(id)
                    .one(&self.store.reader)
                    .await
                    .during(DURING)?
                    .is_some(),
            };
            if task.is_none() || !schedule_is_there {
                return Ok(Some(RepositoryError::BrokenReference {
                    what: "job",
                    id: job.id.to_string(),
                }));
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl JobRepository for Jobs {
    async fn job_create_many(&self, jobs: &[UnifiedJob]) -> Result<(), RepositoryError> {
        let rows = Batch::all(self.store.backend(), COLUMNS, jobs, push);
        if rows.is_empty() {
            return Ok(());
        }
        let error = match self
            .store
            .writer
            .write(rows, |rows, transaction| Box::pin(insert(rows, transaction)))
            .await
        {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let broken = match &error {
            WriteError::Database(cause) => violation(cause),
            _ => None,
        };
        let blame = match broken {
            Some(Violation::Unique) => self.duplicate(jobs).await?,
            Some(Violation::Reference) => self.without_parent(jobs).await?,
            None => None,
        };
        Err(blame.unwrap_or_else(|| error.during("storing jobs")))
    }

    async fn job_find(&self, id: JobId) -> Result<Option<UnifiedJob>, RepositoryError> {
        Entity::find_by_id(id.as_uuid())
            .one(&self.store.reader)
            .await
            .during("looking for a job")?
            .map(read)
            .transpose()
    }

    async fn job_list(
        &self,
        filter: &JobFilter,
        sort: JobSort,
        request: PageRequest,
    ) -> Result<Page<UnifiedJob>, RepositoryError> {
        let JobFilter {
            statuses,
            task_id,
            schedule_id,
            origin,
            priority,
            queued_from,
            queued_before,
        } = filter;
        let statuses = (!statuses.is_empty()).then(|| statuses.iter().map(|status| status.as_str()));
        let condition = Condition::all()
            .add_option(statuses.map(|statuses| Column::Status.is_in(statuses)))
            .add_option(task_id.map(|id| Column::TaskId.eq(id.as_uuid())))
            .add_option(schedule_id.map(|id| Column::ScheduleId.eq(id.as_uuid())))
            .add_option(origin.map(|origin| Column::Origin.eq(origin.as_str())))
            .add_option(priority.map(|priority| Column::Priority.eq(rank(priority))))
            .add_option(queued_from.map(|from| Column::QueuedAt.gte(micros(from))))
            .add_option(queued_before.map(|before| Column::QueuedAt.lt(micros(before))));
        let keys: [(Column, SortOrder); 2] = match sort {
            JobSort::QueuedAt(order) => [(Column::QueuedAt, order), (Column::Id, order)],
            JobSort::ScheduledFor(order) => [(Column::ScheduledFor, order), (Column::Id, order)],
            JobSort::Priority(order) => [(Column::Priority, order), (Column::Id, order)],
        };
        page::<Entity, _>(
            &self.store.reader,
            condition,
            &keys,
            request,
            "listing jobs",
            read,
        )
        .await
    }

    async fn job_claim_many(&self, request: ClaimRequest) -> Result<Vec<ClaimedJob>, RepositoryError> {
        claim::claim(&self.store.writer, request).await
    }

    async fn job_next_run_after(&self) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        claim::next_run_after(&self.store.reader).await
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
    ) -> Result<u64, RepositoryError> {
        orphans::recover(&self.store.writer, node, now, reason).await
    }

    async fn job_recover_lost_claims(
        &self,
        node: NodeId,
        known: &[ExecutionId],
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<u64, RepositoryError> {
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

fn already_exists(field: &'static str, value: String) -> RepositoryError {
    RepositoryError::AlreadyExists {
        what: "job",
        field,
        value,
    }
}

async fn insert(rows: &[Batch], transaction: &DatabaseTransaction) -> Result<(), WriteError> {
    for batch in rows {
        transaction.execute_raw(batch.insert("jobs", "")).await?;
    }
    Ok(())
}
